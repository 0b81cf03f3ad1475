"""The report of a listening test: says what the analysis says, holds everything, loads nothing."""

from __future__ import annotations

import json
import re
import shutil
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "listening_tests" / "analysis"))

from make_ratings import make_ratings, make_sessions, make_study

from listening_tests.analysis.analyse import analyse
from reports.study_report import render_study, write_study_report
from tests.slowness import PATIENCE_MS, slowed

HOSTILE = '</script><script>document.title="owned"</script>'
PARTS = {
    "acr-naturalness": {"differences", "listeners", "exclusions", "balance"},
    "mushra": {"differences", "mushra"},
    "ab": {"preferences"},
    "ccr": {"preferences"},
    "abx": {"discrimination"},
    "same-different": {"discrimination"},
    "seam-locating": {"seams", "differences"},
}


def content_of(protocol: str, **changes: object) -> dict:
    study = make_study(protocol, **changes)
    return json.loads(analyse(make_ratings(protocol), study, sessions=make_sessions()).to_json())


@pytest.mark.parametrize("protocol", PARTS)
def test_every_protocol_has_its_sections_and_drawable_figures(protocol: str) -> None:
    page = render_study(content_of(protocol))
    assert set(re.findall(r'<section id="([^"]+)"', page)) >= PARTS[protocol] | {"summary", "results", "methods"}
    figures = re.findall(r'<script type="application/json" id="([^"]+)">(.*?)</script>', page, re.S)
    assert figures and all(json.loads(text)["data"] for _, text in figures)
    placed = re.findall(r'<figure[^>]*data-plot="([^"]+)"', page)
    assert sorted(placed) == sorted(name for name, _ in figures)


def test_numbers_on_the_page_are_those_of_the_analysis() -> None:
    content = content_of("acr-naturalness")
    page = render_study(content)
    for row in content["estimates"]:
        assert f"{row['mean']:.2f}" in page and f"{row['low']:.2f} to {row['high']:.2f}" in page
    assert "9 analysed of 12" in page and "Left out: 1 (incomplete) and 2 (traps)." in page
    assert "Not told apart, which does not show that they are alike: streamflow-sr and full." in page


def test_texts_of_a_study_are_text_not_markup() -> None:
    page = render_study(content_of("acr-naturalness", question={"en": HOSTILE}))
    assert HOSTILE not in page and "&lt;script&gt;document.title" in page


def test_simulated_listeners_are_said_to_be_so() -> None:
    assert "These listeners are programs" in render_study(content_of("acr-naturalness", simulated=True))


def test_nothing_is_loaded_and_the_file_is_whole(tmp_path: Path) -> None:
    path = write_study_report(content_of("mushra"), tmp_path / "deep" / "report.html")
    page = path.read_text(encoding="utf-8")
    markup = re.sub(r"<script.*?</script>", "", page, flags=re.S)
    assert not re.findall(r'(?:src|href)="(?!#|data:)', markup) and "default-src &#39;none&#39;" in page
    assert page.rstrip().endswith("</html>") and [item.name for item in path.parent.iterdir()] == ["report.html"]


@pytest.mark.skipif(shutil.which("chromium") is None, reason="no chromium")
@pytest.mark.parametrize("width", [400, 1400])
def test_a_browser_draws_it_without_errors_or_sideways_scrolling(width: int, tmp_path: Path) -> None:
    playwright = pytest.importorskip("playwright.sync_api")
    path = write_study_report(content_of("ab"), tmp_path / "report.html")
    problems, asked = [], []
    with playwright.sync_playwright() as p:
        browser = p.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        page = slowed(browser).new_page(viewport={"width": width, "height": 900})
        page.set_default_timeout(PATIENCE_MS)
        page.on("pageerror", lambda error: problems.append(str(error)))
        page.on("console", lambda message: problems.append(message.text) if message.type == "error" else None)
        page.on("request", lambda request: asked.append(request.url))
        page.goto(path.as_uri())
        for section in page.query_selector_all("section"):
            section.scroll_into_view_if_needed()
        for place in page.query_selector_all("[data-plot]"):  # each is drawn when it comes near
            place.scroll_into_view_if_needed()
            page.wait_for_function("(place) => 'drawn' in place.dataset", arg=place)
        over = page.evaluate("document.scrollingElement.scrollWidth - document.scrollingElement.clientWidth")
        browser.close()
    assert problems == [] and over <= 0
    assert [url for url in asked if not url.startswith(("data:", "blob:", path.as_uri()))] == []
