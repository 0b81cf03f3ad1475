"""What a trial looks like: it fits, nothing moves, no picture tells a sound from another; a loop is set."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.browser.conftest import SIZES

from .steps import STEPS, Page, hear, mount

pytestmark = pytest.mark.slow


LAYOUT = """() => {
  const targets = [...document.querySelectorAll("button, label.lt-choice, .lt-slider, .lt-handle")];
  const visible = targets.filter((e) => e.offsetParent);
  const small = visible.filter((e) => { const b = e.getBoundingClientRect(); return Math.min(b.width, b.height) < 43.5; });
  return { sideways: document.documentElement.scrollWidth - innerWidth, small: small.map((e) => e.outerHTML.slice(0, 90)) };
}"""


@pytest.mark.parametrize("name", STEPS)
def test_it_fits_a_small_phone_and_double_zoom_with_targets_for_a_finger(
    open_page: Callable[..., Page], name: str
) -> None:
    # 1280x800 at 200 % is laid out as 640x400
    for viewport in ({"width": 360, "height": 640}, {"width": 640, "height": 400}, SIZES["desktop"]):
        page = open_page("", viewport=viewport)
        mount(page, STEPS[name])
        if loop := page.get_by_role("button", name="Loop").all():
            loop[0].click()
        found = page.evaluate(LAYOUT)
        assert found == {"sideways": 0, "small": []}, viewport


@pytest.mark.parametrize("name", ["ccr", "mushra"])
def test_nothing_moves_when_it_is_heard_and_answered(open_page: Callable[..., Page], name: str) -> None:
    page = open_page("phone")
    page.evaluate("(step) => { mount(step); }", STEPS[name])
    places = """() => [...document.querySelectorAll(".lt-question, .lt-sound, .lt-choice, .lt-slider, .lt-track")].map((e) => {
      const { left, top, width, height } = e.getBoundingClientRect();
      return [left, top + scrollY, width, height].map(Math.round);
    })"""
    before = page.evaluate(places)
    page.wait_for_selector(".lt-trial:not([aria-busy])")
    first = "A" if name == "ccr" else "1"
    hear(page, first)
    page.get_by_role("button", name="Loop").click()
    if name == "mushra":
        page.get_by_role("slider", name="Rating of 1").press("PageUp")
    assert page.evaluate(places) == before


def test_the_picture_is_the_same_whichever_sound_is_selected(open_page: Callable[..., Page]) -> None:
    page = open_page()
    heights = "[...document.querySelectorAll('.lt-bars:not(.lt-bars-heard) rect')].map((r) => r.getAttribute('height'))"
    mount(page, STEPS["abx"])
    shapes = []
    for label in "ABX":
        page.evaluate("(label) => player.select(label)", label)
        shapes.append(page.evaluate(heights))
    assert shapes[0] == shapes[1] == shapes[2] and len(set(shapes[0])) > 5
    for name in ("acr", "seams", "dcr"):  # where a shape could tell something, there is none
        mount(page, STEPS[name])
        assert len(set(page.evaluate(heights))) == 1


def test_a_loop_region_is_set_with_the_keyboard(open_page: Callable[..., Page]) -> None:
    page = open_page()
    mount(page, STEPS["ab"])
    page.get_by_role("button", name="Loop").click()
    start, end = (page.get_by_role("slider", name=f"{edge} of the loop") for edge in ("Start", "End"))
    for _ in range(4):
        start.press("ArrowRight")
        end.press("ArrowLeft")
    assert page.evaluate("player.loop") == pytest.approx([0.2, 1.0], abs=1e-3)
    page.keyboard.press("a")
    page.wait_for_function("player.listened().A?.[0]?.[1] > 0.98")
    page.wait_for_function("player.position < 0.6")  # it began again
    page.wait_for_function("player.position > 0.8")
    assert page.evaluate("player.playing") and page.evaluate("player.listened().A") == [
        pytest.approx([0.2, 1.0], abs=0.01)
    ]
