"""The blind test on the spot in a real browser: start, hear, answer four trials, see what they say and the names."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import uvicorn
from fastapi.responses import HTMLResponse

from application.assets import add_assets, asset
from application.routes.blind import add_blind_routes
from application.visitor import Visitors
from listening_tests.on_the_spot import Desk
from listening_tests.service import create_service
from listening_tests.workspace import Workspace
from tests.browser.conftest import HEARD, SIZES
from tests.browser.serving import violations
from tests.listening_tests.on_the_spot.speech import spoken
from tests.slowness import PATIENCE_MS

SECONDS = 1.2
PAGE = f"""<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>Blind test</title><link rel="stylesheet" href="../app-static/any/visual.css">
<style>body {{ background: var(--page); color: var(--ink); margin: 1rem }}</style>
<main><h1>Compare</h1><div id="panel"></div></main>
<script type="module">
  const {{ mountBlind }} = await import(new URL("..{asset("blind/panel.js")}", document.baseURI));
  mountBlind(document.querySelector("#panel"));
  const detail = {{ job: "decoded", systems: ["reference", "full", "naive"] }};
  document.dispatchEvent(new CustomEvent("compare-finished", {{ detail }}));
  document.body.dataset.ready = "yes";
</script></html>"""


def decoded(job: str, visitor: str, system: str) -> np.ndarray:
    first, dull = spoken(SECONDS)
    return {"full": first, "naive": 0.4 * dull, "reference": first}[system]


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The panel's own routes and files, and those of the listeners' player, served for real."""
    folder = tmp_path_factory.mktemp("blind")
    for name in ("runs", "studies"):
        (folder / name).mkdir()
    app = create_service(Workspace(folder / "studies", runs=folder / "runs"))
    add_blind_routes(app, Desk(), decoded)
    add_assets(app)
    app.get("/app/blind", response_class=HTMLResponse)(lambda: PAGE)
    app.add_middleware(Visitors)
    server = uvicorn.Server(uvicorn.Config(app, host="127.0.0.1", port=0, log_level="warning"))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started and thread.is_alive():
        thread.join(0.05)
    port = server.servers[0].sockets[0].getsockname()[1]
    yield f"http://127.0.0.1:{port}/app/blind"
    server.should_exit = True
    thread.join(20)


class Person:
    """A person at the panel."""

    def __init__(self, context: Any, address: str) -> None:
        self.problems: list[str] = []
        self.responses: list[Any] = []
        self.page = context.new_page()
        self.page.set_default_timeout(PATIENCE_MS)
        self.page.on("pageerror", lambda error: self.problems.append(str(error)))
        self.page.on("response", self._keep)
        self.page.goto(address)
        self.page.wait_for_selector("body[data-ready] .blind-fields:not([disabled])")

    def _keep(self, response: Any) -> None:
        if "/blind/tests" in response.url and response.ok:
            self.responses.append(response)

    def start(self, kind: str, trials: int) -> None:
        self.page.select_option(".blind [name=kind]", kind)
        self.page.fill(".blind [name=trials]", str(trials))
        self.page.click(".blind [type=submit]")
        self.trial(1)

    def trial(self, number: int) -> None:
        self.page.wait_for_selector(f".blind-progress:has-text('Trial {number} of')")
        self.page.wait_for_selector(".blind .lt-trial:not([aria-busy])")

    def hear(self) -> None:
        """Play every sound from its beginning to its end."""
        for button in self.page.query_selector_all(".blind .lt-sound"):
            button.click()
            self.page.wait_for_function(HEARD, arg=button)
        self.page.wait_for_selector(".blind .lt-choices:not(.lt-locked)")

    def say(self, place: int) -> None:
        self.page.click(f".blind .lt-choice >> nth={place}")
        self.page.click(".blind .lt-submit:not(.lt-off)")


@pytest.fixture
def person(browser: Any, address: str, request: pytest.FixtureRequest) -> Iterator[Person]:
    size = getattr(request, "param", "desktop")
    context = browser.new_context(viewport=SIZES[size], has_touch=size == "phone")
    found = Person(context, address)
    yield found
    assert not found.problems
    context.close()


def look(page: Any, name: str) -> None:
    over = page.evaluate("document.scrollingElement.scrollWidth - innerWidth")
    assert over <= 0, f"{name} is {over} px too wide"
    if folder := os.environ.get("STREAMFLOW_SCREENSHOTS"):
        page.screenshot(path=Path(folder) / f"blind-{name}-{page.viewport_size['width']}.png", full_page=True)


@pytest.mark.slow
@pytest.mark.parametrize("person", SIZES, indirect=True)
def test_four_trials_to_the_names(person):
    page = person.page
    look(page, "form")
    person.start("abx", 4)
    for number in range(1, 5):
        person.trial(number)
        person.hear()
        if number == 2:
            assert "of 1 right" in page.inner_text(".blind-count")
            look(page, "trial")
        assert "full" not in page.inner_html(".blind-trial") and "naive" not in page.inner_html(".blind-trial")
        person.say(0)
    page.wait_for_selector(".blind[data-state=over] .blind-verdict")
    look(page, "result")
    rows = page.eval_on_selector_all(
        ".blind-result tbody tr", "rows => rows.map(r => [...r.cells].map(c => c.textContent))"
    )
    assert len(rows) == 4
    right = sum(row[-1] == "right" for row in rows)
    for _, a, b, x, said, outcome in rows:
        assert {a, b} == {"full", "naive"} and said == "X is A"
        assert (outcome == "right") == (x == a)
    assert page.inner_text(".blind-verdict").startswith(f"{right} of 4 right")
    assert len(person.responses) == 5
    assert all(response.json()["trials"] is None for response in person.responses[:-1])


def test_a_refresh_goes_on_with_the_same_trial_and_ending_early_says_so(person):
    page = person.page
    person.start("ab", 6)
    person.hear()
    person.say(1)
    person.trial(2)
    page.reload()
    person.trial(2)
    page.click("text=End and show the names")
    page.wait_for_selector(".blind[data-state=over] .blind-verdict")
    assert "Nothing was answered that decides" in page.inner_text(".blind-verdict")
    assert page.inner_text(".blind-result tbody").split("\t")[-1] == "neither"
    page.click(".blind [type=submit]")  # and another one
    person.trial(1)


def test_of_two_starts_the_later_one_counts_whichever_is_answered_first(person):
    page, waiting = person.page, []
    page.route("**/blind/tests", lambda route: waiting.append(route), times=1)
    page.fill(".blind [name=trials]", "4")
    with page.expect_request("**/blind/tests"):
        page.click(".blind [type=submit]")
    person.start("ab", 6)
    with page.expect_response("**/blind/tests"):
        waiting[0].continue_()
    page.evaluate("new Promise((done) => setTimeout(done, 200))")
    person.trial(1)
    assert page.inner_text(".blind-progress") == "Trial 1 of 6"


def test_nothing_sounds_and_nothing_can_be_answered_before_one_presses_play(person):
    page = person.page
    person.start("abx", 4)
    assert page.query_selector(".blind .lt-choices.lt-locked")
    assert not page.query_selector(".blind .lt-playing")
    page.dispatch_event(".blind .lt-submit", "click")  # disabled by ARIA alone, so that it can say why
    page.wait_for_selector(".blind .lt-status:has-text('at least a second')")
    assert page.get_attribute(".blind", "data-done") == "0"


def test_the_keyboard_suffices(person):
    page = person.page
    page.focus(".blind [name=first]")
    for name in ("second", "kind", "trials", "show_running"):
        page.keyboard.press("Tab")
        assert page.evaluate("document.activeElement.name") == name
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    person.trial(1)
    for key in "abx":
        page.keyboard.press(key)
        button = page.wait_for_selector(f".blind .lt-sound.lt-selected:has-text('{key.upper()}')")
        page.wait_for_function(HEARD, arg=button)
    page.wait_for_selector(".blind .lt-choices:not(.lt-locked)")
    page.focus(".blind .lt-choice input")
    page.keyboard.press(" ")
    page.keyboard.press("Enter")
    person.trial(2)


# The stage begins to play as soon as it hears that the panel does: the sound is too short to wait for it from here.
STAGE = """() => {
  const plays = () => document.querySelector(".blind .lt-playing") !== null;
  const begin = () => {
    const before = plays();
    document.dispatchEvent(new CustomEvent("compare-playing"));
    document.body.dataset.heard = `before ${before}, after ${plays()}`;
  };
  document.addEventListener("blind-playing", () => queueMicrotask(begin), { once: true });
}"""


def test_the_stage_and_the_test_do_not_sound_together(person):
    page = person.page
    page.evaluate(STAGE)
    person.start("ab", 2)
    page.click(".blind .lt-sound")
    page.wait_for_selector("body[data-heard]", state="attached")
    assert page.get_attribute("body", "data-heard") == "before true, after false"


@pytest.mark.slow
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_serious(browser, address, scheme):
    context = browser.new_context(viewport=SIZES["phone"], color_scheme=scheme)
    person = Person(context, address)
    for moment in ("form", "trial", "result"):
        if moment == "trial":
            person.start("abx", 2)
        if moment == "result":
            person.hear()
            person.say(0)
            person.trial(2)
            person.page.click("text=End and show the names")
            person.page.wait_for_selector(".blind-verdict")
        assert violations(person.page) == [], moment
    context.close()
