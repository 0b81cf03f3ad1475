"""The handbook: complete, true to the registries, safe, and its links lead somewhere."""

from __future__ import annotations

import re
from collections import Counter

import pytest

from application.pages.help import protocols
from harness.metrics import REGISTRY
from harness.seams import MEASURES
from listening_tests.protocols import REGISTRY as PROTOCOLS
from reports.citations import CITATIONS, cited_by
from reports.handbook import DOCS, DOCUMENTS, anchor_of, handbook, handbook_html, markdown, plain


@pytest.fixture(scope="module")
def page():
    return handbook_html(protocols())


def entries(anchor):
    return {
        entry.title: entry for section in handbook(protocols()) if section.anchor == anchor for entry in section.entries
    }


def test_every_metric_is_explained_and_nothing_else_is():
    assert list(entries("metric")) == list(REGISTRY)


@pytest.mark.parametrize("name", REGISTRY)
def test_a_metric_has_what_its_registry_says_a_range_and_a_meaning(name):
    entry, metric = entries("metric")[name], REGISTRY[name]
    facts = dict(entry.facts)
    assert facts["standard or paper"] == metric.source and facts["unit"] == (metric.unit or "none")
    assert facts["better"] == (metric.direction or "neither way")
    assert re.search(r"Range|Any sign|Milliseconds", plain(entry))
    assert len(plain(entry).split()) > 25
    for key in cited_by(name):
        assert CITATIONS[key] in plain(entry)


def test_seam_measures_and_protocols_are_there():
    assert set(MEASURES) <= set(entries("seam"))
    assert list(entries("protocol")) == list(PROTOCOLS)


def test_anchors_are_unique_and_every_link_within_the_page_leads_to_one(page):
    ids = re.findall(r'\bid="([^"]+)"', page)
    assert not [name for name, times in Counter(ids).items() if times > 1]
    assert not set(re.findall(r'href="#([^"]+)"', page)) - set(ids)
    assert anchor_of("pesq_wb[wb,16kHz]") in ids


def test_the_documents_are_those_of_the_repository(page):
    for name in DOCUMENTS:
        path = DOCS / f"{name}.md"
        if path.is_file():
            title = path.read_text(encoding="utf-8").partition("\n")[0].removeprefix("# ")
            assert f'id="doc-{name}">{title.replace("&", "&amp;")}<' in page


def test_nothing_is_loaded_from_anywhere(page):
    assert not re.search(r"<(img|script|iframe|link|object|video|audio)\b|\bsrc=|\bstyle=|javascript:", page)


def test_markup_in_a_document_is_text():
    shown = markdown("<script>alert(1)</script> <b onclick=x>bold</b> [x](javascript:alert(1)) ![p](http://a/b.png)")
    assert (
        "<script" not in shown and "<b" not in shown and "javascript:" not in shown.replace("(javascript:alert(1))", "")
    )
    assert "<img" not in shown


def test_links_between_documents_stay_on_the_page_and_paths_of_the_project_are_words():
    shown = markdown(
        "see [latency](latency.md) and [the card](../streamflow/pretrained/small/MODEL_CARD.md), [out](https://example.org/)"
    )
    assert '<a href="#doc-latency"' in shown and "MODEL_CARD" not in shown and "the card" in shown
    assert 'href="https://example.org/"' in shown


def test_what_scrolls_sideways_can_be_reached_by_keyboard(page):
    assert "<pre>" not in page
    prose = "".join(entry.body for section in handbook() for entry in section.entries)
    assert prose.count("<table>") == prose.count('<div class="scroll" tabindex="0"><table>')
