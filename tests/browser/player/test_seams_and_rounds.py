"""Views that are heard in one go: joins are marked, a headphone round plays each sound once."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from .steps import STEPS, Page, mount, send, step

pytestmark = pytest.mark.slow


# Long, and heard as soon as a fifth of a second of it was: nothing here depends on how soon a key is pressed.
LONG = step("seams", "A", seconds=20, coverage=0.01, question_key="question.seam-locating")
TO_THE_END = "player.seek(player.duration - 0.3)"
WHOLE = ".lt-submit:not(.lt-off)"  # it was heard to its end, and no late press can come any more
# Where the sound was before and after each press; and one press after the end, when it still answers what was just heard.
PRESSES = """() => {
  window.at = [];
  addEventListener("pointerdown", () => at.push([player.heardPosition]), true);
  addEventListener("pointerdown", () => at.at(-1).push(player.heardPosition));
  const press = () => document.querySelector(".lt-press").dispatchEvent(new PointerEvent("pointerdown"));
  player.on("ended", () => setTimeout(press));
}"""


def play_until(page: Page, second: float) -> None:
    page.wait_for_function("(s) => player.playing && player.position > s", arg=second)


def test_joins_are_marked_while_it_plays_and_playing_again_starts_over(open_page: Callable[..., Page]) -> None:
    page = open_page()
    mount(page, LONG)
    page.keyboard.press("Space")
    play_until(page, 0.3)
    page.keyboard.press("Space")
    page.evaluate(TO_THE_END)
    page.wait_for_selector(WHOLE)
    page.evaluate(PRESSES)
    page.keyboard.press("p")
    for second in (0.25, 0.6):
        play_until(page, second)
        page.get_by_role("button", name="I hear a join").dispatch_event("pointerdown", {"button": 0})
    page.evaluate(TO_THE_END)
    presses = send(page)["answer"]["presses"]
    assert len(presses) == 3 and presses == sorted(presses)
    for press, (before, after) in zip(presses[:2], page.evaluate("at.slice(0, 2)"), strict=True):
        assert before - 1e-3 <= press <= after + 1e-3
    assert presses[0] > 0.2 and 20 <= presses[2] <= 21


def test_marks_of_a_listening_that_was_stopped_are_not_sent(open_page: Callable[..., Page]) -> None:
    page = open_page()
    mount(page, LONG)
    page.keyboard.press("p")
    play_until(page, 0.2)
    page.evaluate(TO_THE_END)
    page.wait_for_selector(WHOLE)
    page.keyboard.press("p")
    play_until(page, 0.2)
    page.keyboard.press("Space")
    page.keyboard.press("p")  # stops
    page.wait_for_function("!player.playing")
    page.get_by_role("button", name="Continue", exact=True).click(force=True)
    assert page.evaluate("answers.length") == 0
    page.keyboard.press("p")
    play_until(page, 0.2)
    page.evaluate(TO_THE_END)
    assert send(page)["answer"] == {"presses": []}


def test_a_headphone_round_plays_each_sound_once(open_page: Callable[..., Page]) -> None:
    page = open_page("phone")
    mount(page, STEPS["intervals"])
    play = page.get_by_role("button", name="Play the three sounds")
    play.tap()
    page.wait_for_function("['1', '2', '3'].every((label) => player.coverage(label) > 0.999)")
    page.wait_for_function("!trial.view.running")
    assert play.is_disabled()
    page.get_by_role("radio", name="Sound 2").check(force=True)
    sent = send(page)
    assert sent["answer"] == {"choice": "2"}
    assert [event["label"] for event in sent["events"] if event["type"] == "play"] == ["1", "2", "3"]
