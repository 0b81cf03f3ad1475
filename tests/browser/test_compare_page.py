"""The compare page in a real browser at ``python app.py``: choose, decode, hear it stream, come back, pass the link on."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest

from tests.browser.serving import Served, serve_app
from tests.slowness import PATIENCE_MS, slowed

pytestmark = pytest.mark.slow
ROOT = Path(__file__).parents[2]
SHIPPED = ROOT / "corpora" / "shipped"
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
PASSWORD = "a-password-for-tests"
SIZES = {"desktop": {"width": 1280, "height": 900}, "phone": {"width": 390, "height": 844}}
LONG_MS = 600_000  # for a decode on a busy machine: only ever the time until an event comes
LONGEST = "flite_rms_2"
SHORT = "utterance=flite_slt_2&rate=0"  # 2.2 s, its tokens all at once
PLAYED = "() => [...document.querySelectorAll('.cmp-row')].some((row) => Number(row.dataset.played ?? 0) > 4000)"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with serve_app(tmp_path_factory.mktemp("app"), STREAMFLOW_PASSWORD=PASSWORD) as served:
        yield served


@dataclass
class Visitor:
    """A person with a browser profile of their own, logged in."""

    context: Any
    url: str
    page: Any = field(init=False)
    problems: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.page = self.context.new_page()
        self.page.set_default_timeout(PATIENCE_MS)
        self.page.on("pageerror", lambda error: self.problems.append(str(error)))
        self.page.goto(f"{self.url}/login")
        self.page.fill("[name=secret]", PASSWORD)
        self.page.click("button")
        self.page.wait_for_url("**/app/**")

    def compare(self, query: str = "") -> Any:
        """Open the compare page and wait until the form is filled in, which the address then says."""
        self.page.goto(f"{self.url}/app/compare?{query}" if query else f"{self.url}/app/compare")
        return self.ready()

    def ready(self) -> Any:
        self.page.wait_for_selector(".cmp-systems input:checked")
        # the stage was told of the form: a link to a reload or to somebody else says a checkpoint from the first
        self.page.wait_for_function("document.querySelector('.cmp-corpus')?.href.includes('checkpoint=')")
        return self.page

    def decode(self) -> None:
        self.page.click("#compare-decode")
        self.page.wait_for_selector(".cmp-stage[aria-busy=true]")

    def wait_said(self, words: str) -> None:
        self.page.wait_for_function(
            "(words) => document.querySelector('.cmp-said')?.textContent.startsWith(words)", arg=words, timeout=LONG_MS
        )

    def form(self) -> dict[str, Any]:
        """What the form says, as a person sees it."""
        checked = ".cmp-systems label:has(input:checked)"
        return {
            "systems": [text.partition(" ")[0] for text in self.page.locator(checked).all_inner_texts()],
            "utterance": self.page.get_by_role("combobox", name="Utterance").input_value(),
            "seed": self.page.get_by_role("spinbutton", name="Seed").input_value(),
        }

    def has_form(self, wanted: dict[str, Any]) -> None:
        """Wait until the form says so: its parts are filled in one after another."""
        for _ in range(PATIENCE_MS // 100):
            if self.form() == wanted:
                return
            self.page.wait_for_timeout(100)
        assert self.form() == wanted


@pytest.fixture(scope="module")
def visit(browser: Any, server: Served) -> Iterator[Any]:
    contexts = []

    def make(size: str = "desktop", using: Any = None, **options: Any) -> Visitor:
        context = (using or browser).new_context(viewport=SIZES[size], locale="en-GB", **options)
        contexts.append(context)
        return Visitor(context, server.url)

    yield make
    for context in contexts:
        context.close()


@pytest.fixture(scope="module")
def decoded(visit: Any) -> Visitor:
    """Somebody who ticked two systems and decoded them."""
    person = visit()
    page = person.compare(SHORT)
    page.get_by_label("causal –").check()
    page.get_by_label("streamflow-sr –").uncheck()
    page.wait_for_function("location.search.includes('causal') && !location.search.includes('streamflow')")
    person.decode()
    assert page.evaluate("document.querySelector('.cmp-stage [aria-pressed=true]')") is None
    person.wait_said("ready")
    return person


def shot(page: Any, name: str) -> None:
    if folder := os.environ.get("STREAMFLOW_SCREENSHOTS"):
        Path(folder).mkdir(parents=True, exist_ok=True)
        page.screenshot(path=f"{folder}/compare-{name}.png", full_page=True)


# Who played, and how many at most at once: the sounds are too short to be looked at from here while they play.
WATCH = """() => {
  [window.played, window.most] = [new Set(), 0];
  const look = () => {
    const playing = [...document.querySelectorAll(".cmp-row.cmp-playing")];
    playing.forEach((row) => played.add(row.dataset.system));
    most = Math.max(most, playing.length);
  };
  const stage = document.querySelector(".cmp-rows");
  new MutationObserver(look).observe(stage, { subtree: true, attributeFilter: ["class"] });
}"""


# Presses Play as soon as there is such a button, which is before there is anything to hear.
PLAY_AT_ONCE = """() => new MutationObserver((_, watch) => {
  const button = document.querySelector(".cmp-row[data-system=naive] .cmp-play");
  if (!button) return;
  watch.disconnect();
  button.click();
}).observe(document.querySelector(".cmp-rows"), { childList: true })"""


def query_of(page: Any) -> list[tuple[str, str]]:
    return parse_qsl(urlsplit(page.url).query)


def facts(page: Any, system: str) -> str:
    return page.inner_text(f".cmp-row[data-system='{system}'] .cmp-facts")


def job_of(page: Any) -> str:
    return page.evaluate("JSON.parse(sessionStorage.getItem('compare-job')).id")


def test_two_systems_are_decoded_with_seams_and_latency(decoded: Visitor):
    page = decoded.page
    shown = page.locator(".cmp-row").evaluate_all("rows => rows.map((row) => row.dataset.system)")
    assert shown == ["reference", "naive", "causal", "copy-synthesis", "tokenizer"]
    for system in ("naive", "causal"):
        assert re.search(r"First packet\s+[\d]+ ms", facts(page, system))
        assert "acoustic model" in facts(page, system)
        assert "of speech must have arrived first" in facts(page, system)
        label = page.get_attribute(f".cmp-row[data-system='{system}'] canvas", "aria-label")
        assert re.search(r"[1-9]\d* seams", label), label
    page.wait_for_selector(".cmp-side svg, .cmp-side img", timeout=LONG_MS)
    shot(page, "desktop")
    assert not decoded.problems


def test_nothing_sounds_until_play_is_pressed_and_one_at_a_time(decoded: Visitor):
    page = decoded.page
    assert page.locator(".cmp-play[aria-pressed=true]").count() == 0
    page.evaluate(WATCH)
    page.click(".cmp-row[data-system=naive] .cmp-play")
    page.wait_for_function(PLAYED)
    page.keyboard.press("2")
    page.wait_for_function("played.has('causal')")
    page.keyboard.press("Escape")
    page.wait_for_function("!document.querySelector('.cmp-playing')")
    assert page.evaluate("[...played]") == ["naive", "causal"] and page.evaluate("most") == 1
    assert re.search(r"As heard\s+\d+ ms", facts(page, "naive"))


def test_a_refresh_keeps_the_form_and_what_was_decoded(decoded: Visitor):
    page, before = decoded.page, decoded.form()
    measured = facts(page, "naive").partition("As heard")[0].split()[:3]
    page.reload()
    decoded.ready()
    decoded.wait_said("ready")
    decoded.has_form(before)
    assert facts(page, "naive").split()[:3] == measured
    assert page.locator(".cmp-row").count() == 5


def test_the_link_shows_somebody_else_the_same_form_but_not_the_decode(decoded: Visitor, visit: Any):
    other = visit()
    other.compare(urlsplit(decoded.page.url).query)
    other.has_form(decoded.form())
    assert query_of(other.page) == query_of(decoded.page)
    assert other.page.locator(".cmp-row").count() == 0
    job = job_of(decoded.page)
    for path in (f"{job}/events", f"{job}/audio/naive.wav", f"{job}/side-by-side"):
        assert decoded.page.request.get(f"{other.url}/live/jobs/{path}").status == 200
        reply = other.page.request.get(f"{other.url}/live/jobs/{path}")
        assert reply.status == 404
        assert "\n" not in reply.json()["error"]
    refused = other.page.request.post(f"{other.url}/live/jobs/{job}/cancel", data={})
    assert refused.status == 404


def test_a_stream_is_heard_while_it_comes_and_can_be_cancelled(visit: Any):
    person = visit()
    page = person.compare(f"utterance={LONGEST}&rate=5&system=naive")  # five tokens a second: 28 s for the stream
    page.evaluate(PLAY_AT_ONCE)
    person.decode()
    page.wait_for_function(
        "document.querySelector('[data-system=naive] canvas')?.ariaLabel.includes(' 0.00 s') === false", timeout=LONG_MS
    )
    page.wait_for_function(
        "document.querySelector('[data-system=naive] .cmp-facts').innerText.includes('last needed token')",
        timeout=LONG_MS,
    )
    page.wait_for_function(
        "/Under-runs\\s+[1-9]/.test(document.querySelector('[data-system=naive] .cmp-facts').innerText)",
        timeout=LONG_MS,
    )
    page.click(".cmp-cancel")
    page.wait_for_selector(".cmp-row[data-system=naive][data-state=cancelled]")
    person.wait_said("cancelled")
    assert page.get_attribute(".cmp-stage", "aria-busy") == "false"
    assert not person.problems


def test_a_variant_is_drawn_as_it_is_edited_and_joins_the_link(visit: Any):
    person = visit()
    page = person.compare()
    page.get_by_text("Change a system's parameters").click()
    figure = page.locator(".cmp-attention figure")
    figure.wait_for()
    before = figure.inner_text()
    page.get_by_role("spinbutton", name=re.compile("Blocks at once")).fill("4")
    page.keyboard.press("Tab")
    page.wait_for_function(
        "(before) => document.querySelector('.cmp-attention figure').innerText !== before", arg=before
    )
    page.locator(".cmp-name").locator("input, textarea").fill("slow")
    page.get_by_role("button", name="Add to the systems").click()
    page.wait_for_function("decodeURIComponent(location.search).includes('slow:streamflow-sr,hop=4')")
    page.wait_for_selector(".cmp-systems label:has(input:checked):has-text('slow')")


def test_a_link_that_cannot_be_read_says_so_in_one_line(visit: Any):
    person = visit()
    person.page.goto(f"{person.url}/app/compare?utterance=nobody_1")
    alert = person.page.wait_for_selector(".cmp-error:not([hidden])")
    assert "utterance=nobody_1" in alert.inner_text()
    person.page.wait_for_selector(".cmp-systems input:checked")


def test_a_phone_sends_a_recording_decodes_and_deletes_it(visit: Any):
    person = visit("phone", has_touch=True)
    page = person.compare("rate=0&system=naive")
    page.get_by_text("Your own recording").click()
    page.set_input_files(".cmp-source input[type=file]", SHIPPED / "flite_awb_4.flac")
    page.wait_for_function("location.search.includes('upload=')", timeout=LONG_MS)
    upload = dict(query_of(page))["upload"]
    person.decode()
    person.wait_said("ready")
    page.locator(".cmp-row[data-system=naive] .cmp-play").tap()
    page.wait_for_function(PLAYED)
    assert page.evaluate("document.scrollingElement.scrollWidth - innerWidth") <= 0
    shot(page, "phone")
    page.click(".cmp-delete")
    page.wait_for_function("location.search.includes('utterance=')")
    assert page.request.get(f"{person.url}/live/uploads/{upload}").status == 404
    assert not person.problems


def test_what_is_no_recording_is_refused_in_one_line(visit: Any):
    person = visit()
    page = person.compare()
    page.get_by_text("Your own recording").click()
    page.set_input_files(
        ".cmp-source input[type=file]", {"name": "a.wav", "mimeType": "audio/wav", "buffer": b"RIFF no"}
    )
    bad = page.wait_for_selector(".cmp-source-said.cmp-bad")
    assert bad.inner_text().strip() and "\n" not in bad.inner_text().strip()
    assert "upload=" not in page.url


def test_the_microphone_is_recorded_and_becomes_what_is_decoded(browser: Any, visit: Any):
    flags = ["--no-sandbox", "--mute-audio", "--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream"]
    with_microphone = browser.browser_type.launch(executable_path=CHROMIUM, args=flags)
    try:
        person = visit(using=slowed(with_microphone), permissions=["microphone"])
        page = person.compare()
        page.get_by_text("Your own recording").click()
        page.click(".cmp-record")
        page.wait_for_function(
            "/recording ([2-9]|1\\d)\\./.test(document.querySelector('.cmp-source-said').textContent)"
        )
        page.click(".cmp-record")
        page.wait_for_function("location.search.includes('upload=')", timeout=LONG_MS)
        assert re.search(r"recording\.wav, \d+\.\d+ s", page.inner_text(".cmp-source-said"))
        page.reload()
        person.ready()
        assert "upload=" in page.url
        assert not person.problems
        person.context.close()
    finally:
        with_microphone.close()
