"""The gate's page in a real Chromium, opened from disk, with the network unreachable."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pandas
import pytest

from harness.gate.evaluate import evaluate
from harness.gate.policy import MetricRule, Policy, TailRule
from reports.gate_report import write_gate_report
from tests.slowness import PATIENCE_MS, slowed

playwright = pytest.importorskip("playwright.sync_api", reason="no playwright; install the extra dev")

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
pytestmark = [
    pytest.mark.skipif(CHROMIUM is None, reason="no Chromium; install Debian's package chromium"),
    pytest.mark.slow,
]
FLAGS = ["--no-sandbox", "--disable-gpu", "--mute-audio", "--autoplay-policy=no-user-gesture-required",
         "--proxy-server=127.0.0.1:9"]  # fmt: skip
SYSTEM = "streamflow-sr"


@pytest.fixture(scope="module")
def gate_page(run_path: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A FAIL with two utterances that fell."""
    folder = tmp_path_factory.mktemp("gate")
    shutil.copytree(run_path, folder / "new")
    scores = pandas.read_parquet(folder / "new" / "scores.parquet")
    fell = scores["utterance"].isin(["flite_slt_1", "flite_slt_2"]) & (scores["system"] == SYSTEM)
    scores.loc[fell & (scores["metric"] == "stoi"), "value"] -= 0.3
    scores.to_parquet(folder / "new" / "scores.parquet", index=False)
    rules = {"stoi": MetricRule(margin=0.02), "mel_distance": MetricRule(margin=0.2)}
    policy = Policy(metrics=rules, tail=TailRule(), calibration="off", missing=0.5)
    result = evaluate(run_path, folder / "new", policy, systems=[SYSTEM])
    return write_gate_report(result, run_path, folder / "new", folder / "out" / "index.html")


@pytest.fixture(scope="module")
def browser() -> Iterator[playwright.Browser]:
    with playwright.sync_playwright() as running:
        started = running.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield slowed(started)
        started.close()


@pytest.fixture
def opened(browser: playwright.Browser, gate_page: Path) -> Iterator[tuple[playwright.Page, list[str]]]:
    page = browser.new_page(viewport={"width": 1400, "height": 900})
    page.set_default_timeout(PATIENCE_MS)
    said: list[str] = []
    page.on("console", lambda message: said.append(message.text))
    page.on("pageerror", lambda error: said.append(str(error)))
    page.goto(gate_page.as_uri())
    yield page, said
    page.close()


def test_the_page_opens_from_disk_and_nothing_goes_wrong(opened: tuple[playwright.Page, list[str]]) -> None:
    page, said = opened
    assert page.locator("h1").inner_text() == "FAIL: worse than the baseline"
    page.locator("details summary").last.click()
    assert said == []


def test_keys_play_recording_baseline_and_candidate_at_the_same_place(
    opened: tuple[playwright.Page, list[str]],
) -> None:
    page, said = opened
    utterance = page.locator(".utterance").first
    utterance.scroll_into_view_if_needed()
    buttons = utterance.locator("button.play")
    assert buttons.count() == 3
    page.evaluate(
        "document.querySelectorAll('audio').forEach((audio) => { audio.loop = true; })"
    )  # none ends by itself
    buttons.first.click()
    page.wait_for_function("() => document.querySelector('.utterance .play').getAttribute('aria-pressed') === 'true'")
    page.keyboard.press("3")
    page.wait_for_function(
        "() => document.querySelectorAll('.utterance .play')[2].getAttribute('aria-pressed') === 'true'"
    )
    page.wait_for_function(
        "() => document.querySelectorAll('.utterance .play')[0].getAttribute('aria-pressed') === 'false'"
    )
    assert said == []


def test_spectrograms_are_seen_with_seams_as_wide_as_they_are(opened: tuple[playwright.Page, list[str]]) -> None:
    page, _ = opened
    picture = page.locator(".gate-picture").nth(1)
    picture.scroll_into_view_if_needed()
    image, seams = picture.locator("img"), picture.locator("svg")
    assert image.evaluate("(image) => image.decode().then(() => image.naturalWidth)") > 100
    assert image.bounding_box()["height"] > 80
    assert seams.bounding_box()["width"] == pytest.approx(image.bounding_box()["width"], abs=1)


@pytest.mark.parametrize("width", [400, 768, 1100, 1920])
def test_nothing_is_wider_than_the_window(opened: tuple[playwright.Page, list[str]], width: int) -> None:
    page, _ = opened
    page.set_viewport_size({"width": width, "height": 900})
    page.wait_for_function("width => document.documentElement.scrollWidth <= width", arg=width)
