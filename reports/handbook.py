"""The handbook: what each number means and how to bring one's own, from ``docs/`` and from the registries.

Prose is written once, in Markdown. What the code knows (units, directions, sources, standards) is taken from it.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

import nh3
from markdown_it import MarkdownIt

from harness.metrics import REGISTRY, Metric
from harness.seams import MEASURES
from reports.citations import CITATIONS, cited_by
from reports.html import _environment

DOCS = Path(__file__).resolve().parent.parent / "docs"
NUMBERS = "numbers"
ANCHORS = {
    "Metrics": "metric",
    "Seams": "seam",
    "Waiting": "latency",
    "Statistics of comparisons": "statistic",
    "Statistics of listening tests": "listening",
}
"""Headings of numbers.md, and how the addresses of their entries begin: ``#metric-pesq_wb``."""
DOCUMENTS = (
    "your-own",
    "application",
    "keys",
    "latency",
    "decoding",
    "sweep",
    "bench",
    "evaluation",
    "gate",
    "listening-tests",
    "training",
    "checkpoints",
)
"""Shown after the numbers, in this order; one that is not there is left out."""
BETTER = {"higher": "higher", "lower": "lower", "": "neither way"}
NEEDS = {"reference": "the recording", "text": "the text", "other_reference": "another recording of the speaker"}
TAGS = nh3.ALLOWED_TAGS - {"img", "map", "area"}

Protocol = tuple[str, tuple[float, float], str]
"""Name, least and greatest value, and standard of a listening test's protocol; reports do not know their package."""


@dataclass(frozen=True, slots=True)
class Entry:
    """Something that can be looked up.

    Attributes:
        anchor: its address within the page.
        title: as people search for it.
        facts: (what, value) that the code knows.
        body: HTML.
    """

    anchor: str
    title: str
    facts: tuple[tuple[str, str], ...] = ()
    body: str = ""


@dataclass(slots=True)
class Section:
    """A heading with what stands under it."""

    anchor: str
    title: str
    intro: str = ""
    entries: list[Entry] = field(default_factory=list)


@cache
def handbook(protocols: tuple[Protocol, ...] = ()) -> tuple[Section, ...]:
    """All sections: numbers first, protocols of listening tests, then the documents."""
    return (
        *_numbers(),
        _protocols(protocols),
        *(_document(name) for name in DOCUMENTS if (DOCS / f"{name}.md").is_file()),
    )


def handbook_html(protocols: tuple[Protocol, ...] = ()) -> str:
    """The handbook as one piece of HTML with a place to search in; sanitised, and without pictures."""
    return _environment().get_template("handbook.html.j2").render(sections=handbook(protocols))


def anchor_of(metric: str) -> str:
    """Where a metric is explained: what other pages link to, as ``help#metric-pesq_wb``."""
    return f"metric-{metric.split('[')[0]}"


def _numbers() -> Iterator[Section]:
    for title, intro, parts in _split((DOCS / f"{NUMBERS}.md").read_text(encoding="utf-8")):
        kind = ANCHORS[title]
        section = Section(kind, title, markdown(intro))
        if kind == "seam":
            section.entries = [
                Entry(f"seam-{m.name}", m.name, (("unit", m.unit), ("sees", m.sees))) for m in MEASURES.values()
            ]
        for name, text in parts:
            facts = metric_facts(REGISTRY[name]) if kind == "metric" else ()
            section.entries.append(Entry(f"{kind}-{name}", name, facts, markdown(text)))
        yield section


def metric_facts(metric: Metric) -> tuple[tuple[str, str], ...]:
    """What the registry says of a metric."""
    needs = [NEEDS[need] for need in ("reference", "text", "other_reference") if need in metric.needs]
    facts = [
        ("unit", metric.unit or "none"),
        ("better", BETTER[metric.direction]),
        ("needs", " and ".join(needs) or "the rendering alone"),
        ("measured", "in every run" if metric.standard else f"with --metrics all, or --metrics {metric.name}"),
        ("standard or paper", metric.source),
    ]
    return (*facts, *(("cited as", CITATIONS[key]) for key in cited_by(metric.name)))


def _protocols(protocols: tuple[Protocol, ...]) -> Section:
    section = Section("protocol", "Protocols of listening tests")
    for name, (low, high), standard in protocols:
        facts = (("values", f"{low:g} to {high:g}"), ("standard", standard))
        section.entries.append(Entry(f"protocol-{name}", name, facts))
    return section


def _document(name: str) -> Section:
    """A document: an entry a heading of the second level, what stands before them as its introduction."""
    text = (DOCS / f"{name}.md").read_text(encoding="utf-8")
    head, *parts = _at(text, "## ")
    title, _, intro = head.strip().partition("\n")
    section = Section(f"doc-{name}", title.removeprefix("# "), markdown(intro))
    for part in parts:
        heading, _, body = part.partition("\n")
        section.entries.append(Entry(f"doc-{name}-{slug(heading)}", heading.strip("# "), (), markdown(body)))
    return section


def _split(text: str) -> Iterator[tuple[str, str, list[tuple[str, str]]]]:
    """(heading, introduction, [(name, text)]) of headings of the second level and those of the third under them."""
    for part in _at(text, "## ")[1:]:
        head, *entries = _at(part, "### ")
        title, _, intro = head.partition("\n")
        yield title.strip("# "), intro, [(e.partition("\n")[0].strip("# "), e.partition("\n")[2]) for e in entries]


def _at(text: str, heading: str) -> list[str]:
    """The text cut before its headings of one level; those inside code are none."""
    parts, lines, fenced = [], [], False
    for line in text.splitlines(keepends=True):
        fenced ^= line.startswith("```")
        if line.startswith(heading) and not fenced:
            parts.append("".join(lines))
            lines = []
        lines.append(line)
    return [*parts, "".join(lines)]


def slug(heading: str) -> str:
    """``When an answer counts`` -> ``when-an-answer-counts``."""
    return re.sub(r"[^a-z0-9]+", "-", heading.lower()).strip("-")


def markdown(text: str) -> str:
    """Markdown as sanitised HTML: no pictures; documents link to their sections, paths of the project to nothing."""
    parser = MarkdownIt("commonmark", {"html": False}).enable("table")
    tokens = parser.parse(text)
    for token in tokens:
        for child in token.children or ():
            if child.type == "link_open":
                child.attrSet("href", _target(str(child.attrGet("href"))))
        if token.type in ("heading_open", "heading_close"):  # below the entry's own
            token.tag = "h4"
    clean = nh3.clean(parser.renderer.render(tokens, parser.options, {}), tags=TAGS, url_schemes={"http", "https"})
    clean = clean.replace("<pre>", '<pre tabindex="0">').replace("<table>", '<div class="scroll" tabindex="0"><table>')
    clean = clean.replace("</table>", "</table></div>")
    return re.sub(r'<a rel="[^"]*">(.*?)</a>', r"\1", clean)  # went to a file of the project


def _target(address: str) -> str:
    """Where a link of a document goes on the page; "javascript:" (which is taken out) for files of the project."""
    if re.match(r"https?://|#", address):
        return address
    name = Path(address.partition("#")[0]).stem
    return f"#doc-{name}" if address.partition("#")[0].endswith(".md") and name in DOCUMENTS else "javascript:"


def plain(entry: Entry) -> str:
    """An entry's words, for tests and for search engines of other kinds."""
    facts = " ".join(f"{what} {value}" for what, value in entry.facts)
    return html.unescape(re.sub(r"<[^>]+>", " ", f"{entry.title} {facts} {entry.body}"))
