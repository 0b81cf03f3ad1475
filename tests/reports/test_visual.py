"""The visual language: every pair of colours that is put on one another can be told apart, in both schemes."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from reports.colours import DARK_PAGE, LIGHT_PAGE
from reports.visual import style, tokens

ROOT = Path(__file__).parents[2]
SHEETS = [
    path for folder in ("reports/static", "application/static", "listening_tests/page/static")
    for path in sorted((ROOT / folder).rglob("*.css"))
]  # fmt: skip
GIVEN = {
    "colour",
    "share",
    "own",
    "lt-value",
    "lt-page",
    "lt-touch",
}  # set on elements, or by listener.css for flow.css
ON = [
    ("ink", "page"), ("ink", "ground"), ("ink", "raised"), ("ink", "tint"), ("ink", "sunken"),
    ("quiet", "page"), ("quiet", "ground"), ("quiet", "raised"), ("quiet", "sunken"),
    ("accent", "page"), ("accent", "ground"), ("accent", "raised"), ("accent", "tint"), ("accent-strong", "page"),
    ("accent-ink", "accent"), ("accent-ink", "accent-strong"),
    ("good", "page"), ("good", "ground"), ("good", "raised"), ("good", "good-tint"),
    ("bad", "page"), ("bad", "ground"), ("bad", "raised"), ("bad", "bad-tint"),
    ("warn", "page"), ("warn", "warn-tint"), ("ink", "good-tint"), ("ink", "bad-tint"), ("ink", "warn-tint"),
]  # fmt: skip
BESIDE = [
    ("edge", "page"),
    ("edge", "ground"),
    ("focus", "page"),
    ("focus", "ground"),
    ("focus", "raised"),
    ("reference", "page"),
]


def luminance(colour: str) -> float:
    """Relative luminance of ``#rrggbb``, WCAG 2.2."""
    channels = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    """Contrast ratio, 1 to 21."""
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("scheme", [0, 1], ids=["light", "dark"])
@pytest.mark.parametrize(("front", "back"), ON)
def test_words_can_be_read(front: str, back: str, scheme: int) -> None:
    assert contrast(tokens()[front][scheme], tokens()[back][scheme]) >= 4.5


@pytest.mark.parametrize("scheme", [0, 1], ids=["light", "dark"])
@pytest.mark.parametrize(("front", "back"), BESIDE)
def test_what_is_pressed_or_read_off_stands_out(front: str, back: str, scheme: int) -> None:
    assert contrast(tokens()[front][scheme], tokens()[back][scheme]) >= 3


def test_the_systems_colours_were_chosen_for_this_page() -> None:
    assert tuple(value.upper() for value in tokens()["page"]) == (LIGHT_PAGE.upper(), DARK_PAGE.upper())


def test_each_scheme_gets_its_half_and_paper_is_light() -> None:
    sheet = style()
    assert "light-dark(" not in sheet
    light, *dark = re.findall(r"--page:([^;]+);", sheet)
    assert light == tokens()["page"][0]
    assert dark == [tokens()["page"][1]] * 2
    assert sheet.index("@media screen") < sheet.index("--page", sheet.index("--page") + 1)


@pytest.mark.parametrize("sheet", SHEETS, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_a_style_sheet_uses_no_token_that_is_not_there(sheet: Path) -> None:
    text = re.sub(r"/\*.*?\*/", "", sheet.read_text("utf-8"), flags=re.DOTALL)
    own = set(re.findall(r"--([\w-]+)\s*:", text))
    used = set(re.findall(r"var\(--([\w-]+)\s*\)", text))
    assert used - own - GIVEN - set(tokens()) == set()
