"""A sound that does not come, an answer that cannot be saved, a button pressed thrice."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from .steps import ACR, STEPS, Page, send, step

pytestmark = pytest.mark.slow


def test_a_clip_that_does_not_come_can_be_asked_for_again(open_page: Callable[..., Page]) -> None:
    page = open_page()
    broken = step("scale", "A", scale=ACR)
    broken["stimuli"][0]["url"] = "/nothing"
    page.evaluate("(step) => { window.broken = step; return mount(step); }", broken)
    page.wait_for_selector("[role=status]:has-text('The sound did not arrive. Check your connection.')")
    page.evaluate("broken.stimuli[0].url = '/sound/1.0/1'")
    page.get_by_role("button", name="Try again").click()
    page.wait_for_selector(".lt-trial:not([aria-busy])")
    assert page.evaluate("player.duration") == pytest.approx(1.0, abs=1e-3)


def test_an_answer_that_could_not_be_saved_can_be_sent_again(open_page: Callable[..., Page]) -> None:
    page = open_page()
    page.evaluate(
        "(step) => mount(step, () => answers.length === 1 ? Promise.reject(new Error('no answer')) : undefined)",
        STEPS["acr"],
    )
    page.wait_for_selector(".lt-trial:not([aria-busy])")
    page.keyboard.press("Space")
    page.wait_for_function("player.coverage('A') > 0.999")
    page.keyboard.press("3")
    send(page)
    page.wait_for_selector("[role=status]:has-text('no answer')")
    assert send(page)["answer"] == {"value": 3}


def test_one_press_sends_one_answer(open_page: Callable[..., Page]) -> None:
    page = open_page()
    page.evaluate("(step) => mount(step, () => new Promise(() => undefined))", STEPS["acr"])
    page.wait_for_selector(".lt-trial:not([aria-busy])")
    page.keyboard.press("Space")
    page.wait_for_function("player.coverage('A') > 0.999")
    page.keyboard.press("3")
    for _ in range(3):
        page.get_by_role("button", name="Continue", exact=True).click(force=True)
    page.keyboard.press("Enter")
    assert page.evaluate("answers.length") == 1
