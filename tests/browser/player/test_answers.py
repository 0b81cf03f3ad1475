"""What is answered on the views of trials, and what opens them for an answer."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.browser.conftest import SIZES

from .steps import ACR, STEPS, Page, hear, mount, send, step

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize(
    ("name", "choose", "expected"),
    [
        ("acr", "Good", {"value": 4}),
        ("ccr", "Slightly worse", {"value": -1}),
        ("ab", "No preference", {"choice": "same"}),
        ("abx", "X is B", {"choice": "B"}),
        ("same-different", "Different", {"choice": "different"}),
    ],
)
def test_an_answer_opens_after_listening_and_says_what_was_chosen(
    open_page: Callable[..., Page], size: str, name: str, choose: str, expected: dict
) -> None:
    page = open_page(size)
    mount(page, STEPS[name])
    radios = page.get_by_role("radiogroup", name="Your answer").get_by_role("radio")
    assert all(radio.is_disabled() for radio in radios.all())
    page.keyboard.press("Enter")
    page.evaluate("player.seek(player.duration)")
    assert radios.first.is_disabled(), "a seek unlocked the answer"
    hear(page, *[stimulus["label"] for stimulus in STEPS[name]["stimuli"]])
    chosen = page.get_by_role("radio", name=choose, exact=True)
    assert chosen.is_enabled()
    chosen.check(force=True)
    sent = send(page)
    assert sent["answer"] == expected
    for stimulus in STEPS[name]["stimuli"]:
        [[start, end]] = sent["listened"][stimulus["label"]]
        # on a busy machine the clock may have run into the fade-in (8 ms) when the page first looks at it
        assert 0 <= start <= 0.01 and end == pytest.approx(stimulus["seconds"], abs=2e-3)
    kinds = {event["type"] for event in sent["events"]}
    assert {"context", "play", "seek", "ended", "answer"} <= kinds
    assert page.evaluate("[...missing]") == [] and page.evaluate("answers.length") == 1


def test_only_the_slider_of_the_sound_that_is_heard_moves(open_page: Callable[..., Page]) -> None:
    page = open_page()
    mount(page, STEPS["mushra"])
    third = page.get_by_role("slider", name="Rating of 3")
    third.click(force=True)
    assert third.get_attribute("aria-valuetext") == "not rated"
    assert page.get_by_role("status").inner_text() == "Play 3 to rate it."
    page.keyboard.press("3")
    page.wait_for_function("player.coverage('3') > 0")
    box = third.bounding_box()
    page.mouse.click(box["x"] + box["width"] / 2, box["y"] + 14 + 0.25 * (box["height"] - 28))
    assert third.get_attribute("aria-valuenow") == "75"
    page.keyboard.press("ArrowUp")
    assert third.get_attribute("aria-valuetext") == "76, Good"
    page.keyboard.press("4")
    page.wait_for_function("player.coverage('4') > 0")
    third.click(force=True)
    assert third.get_attribute("aria-valuenow") == "76"


@pytest.mark.parametrize("size", SIZES)
def test_sliders_are_sent_as_they_stand_and_only_when_every_one_was_moved(
    open_page: Callable[..., Page], size: str
) -> None:
    page = open_page(size)
    mount(page, STEPS["multi-stimulus"])
    hear(page, "1", "2", "3")
    for label, share in (("1", 0.2), ("2", 0.9), ("3", 0.5)):
        page.get_by_role("button", name="Continue", exact=True).click(force=True)
        assert page.evaluate("answers.length") == 0, "sent with a slider that was not moved"
        page.evaluate("(label) => player.select(label)", label)
        control = page.get_by_role("slider", name=f"Rating of {label}")
        control.scroll_into_view_if_needed()
        rail = control.locator(".lt-rail").bounding_box()
        upright = rail["height"] > rail["width"]
        assert upright == (size == "desktop")
        if upright:
            page.mouse.click(rail["x"] + rail["width"] / 2, rail["y"] + (1 - share) * rail["height"])
        else:
            page.touchscreen.tap(rail["x"] + share * rail["width"], rail["y"] + rail["height"] / 2)
    values = send(page)["answer"]["values"]
    assert values == {label: pytest.approx(share, abs=1) for label, share in (("1", 20), ("2", 90), ("3", 50))}


def test_a_study_is_answered_with_the_keyboard_alone(open_page: Callable[..., Page]) -> None:
    page = open_page()
    mount(page, STEPS["acr"])
    page.keyboard.press("Space")
    page.wait_for_function("player.coverage('A') > 0.999")
    page.keyboard.press("2")
    page.keyboard.press("Enter")
    page.wait_for_function("answers.length === 1")
    assert page.evaluate("answers[0].answer") == {"value": 2}

    mount(page, STEPS["abx"])
    for key in "abx":
        page.keyboard.press(key)
        page.wait_for_function("(label) => player.coverage(label) > 0.999 && !player.playing", arg=key.upper())
    page.evaluate("player.seek(player.duration)")
    page.keyboard.press("ArrowLeft")
    assert page.evaluate("player.position") == pytest.approx(0.7, abs=0.01)
    for _ in range(12):  # buttons, track, loop, answers
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.type") == "radio":
            break
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    page.wait_for_function("answers.length === 2")
    assert page.evaluate("answers[1].answer") == {"choice": "B"}


def test_beeps_are_answered_instead_of_a_rating(open_page: Callable[..., Page]) -> None:
    page = open_page()
    mount(page, STEPS["acr"])
    page.keyboard.press("Space")
    page.wait_for_function("player.coverage('A') > 0.999")
    page.keyboard.press("5")
    page.get_by_role("radiogroup", name="Heard beeps? How many?").get_by_role("radio", name="3").check(force=True)
    assert send(page)["answer"] == {"beeps": 3}
    mount(page, step("scale", "A", scale=ACR))
    assert page.get_by_role("radiogroup", name="Heard beeps? How many?").count() == 0
