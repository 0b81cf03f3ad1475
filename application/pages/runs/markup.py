"""Pieces of HTML that the overview and the runs page share. Everything that is not ours is escaped."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from html import escape
from pathlib import Path
from typing import Any

import gradio

from streamflow.errors import StreamflowError

from ...routes.files import files_link
from ...site import Site


def html(**options: Any) -> gradio.HTML:
    """A place for HTML of ours, without what Gradio does to the looks of running text."""
    classes = ["rn", *options.pop("elem_classes", [])]
    return gradio.HTML(apply_default_css=False, elem_classes=classes, **options)


def table(
    caption: str,
    head: Sequence[str],
    rows: Iterable[Sequence[str]],
    *,
    numeric: Sequence[int] = (),
    seen: bool = True,
    kind: str = "",
) -> str:
    """A table that scrolls by itself where it is too wide; its cells are HTML, the first one of a row its name.

    Args:
        caption: what it is; ``seen`` False where a heading above says the same to those who see.
        head: names of the columns.
        rows: their cells.
        numeric: columns that are set flush right.
        seen: whether the caption shows.
        kind: a class of a table whose rows a phone has as a few lines each (runs.css); its cells carry their column's
            name for that, and all of it its roles, which browsers drop where a table is not set as one.
    """
    role = (lambda name: f' role="{name}"') if kind else (lambda name: "")
    of = [f' data-of="{escape(one)}"' if kind else "" for one in head]
    hidden = "" if seen else ' class="rn-unseen"'
    heads = "".join(
        f'<th scope="col"{role("columnheader")}{_numeric(i, numeric)}>{escape(one)}</th>' for i, one in enumerate(head)
    )
    body = "".join(
        f"<tr{role('row')}>"
        + "".join(
            f'<th scope="row"{role("rowheader")}>{cell}</th>'
            if i == 0
            else f"<td{role('cell')}{of[i]}{_numeric(i, numeric)}>{cell}</td>"
            for i, cell in enumerate(row)
        )
        + "</tr>"
        for row in rows
    )
    return (
        f'<div class="rn-scroll" tabindex="0" role="region" aria-label="{escape(caption)}">'
        f'<table class="{f"rn-table {kind}".strip()}"{role("table")}><caption{hidden}>{escape(caption)}</caption>'
        f"<thead{role('rowgroup')}><tr{role('row')}>{heads}</tr></thead><tbody{role('rowgroup')}>{body}</tbody></table></div>"
    )


def _numeric(column: int, numeric: Sequence[int]) -> str:
    return ' class="rn-number"' if column in numeric else ""


def anchor(address: str, text: str, *, kind: str = "") -> str:
    """A link; ``kind`` is a class of it, such as ``rn-button``."""
    marked = f' class="{kind}"' if kind else ""
    return f'<a href="{escape(address)}"{marked}>{escape(text)}</a>'


def badge(text: str, tone: str) -> str:
    """A word on a tint: tone good, bad, warn or plain. The word says it, the colour only helps."""
    return f'<span class="rn-badge rn-{tone}">{escape(text)}</span>'


def note(text: str, tone: str = "plain") -> str:
    """A line in a box."""
    role = ' role="alert"' if tone == "bad" else ""
    return f'<p class="rn-note rn-{tone}"{role}>{escape(text)}</p>'


def facts(pairs: Iterable[tuple[str, str]]) -> str:
    """Names and values, the values HTML; what is empty is left out."""
    return (
        '<dl class="rn-facts">'
        + "".join(f"<div><dt>{escape(name)}</dt><dd>{value}</dd></div>" for name, value in pairs if value)
        + "</dl>"
    )


def when(moment: datetime) -> str:
    """Date and time as UTC, with how long ago that is."""
    text = moment.astimezone(UTC).strftime("%Y-%m-%d %H:%M")
    return f'<time datetime="{escape(moment.isoformat())}">{text} UTC</time>'


def ago(moment: datetime, now: datetime | None = None) -> str:
    """How long ago in words."""
    seconds = ((now or datetime.now(UTC)) - moment).total_seconds()
    for size, word in ((86_400, "day"), (3_600, "hour"), (60, "minute")):
        if (number := int(seconds // size)) >= 1:
            return f"{number} {word}{'s' if number > 1 else ''} ago"
    return "just now"


def duration(seconds: float) -> str:
    """A time to wait, as one says it."""
    if seconds < 90:
        return f"{max(1, round(seconds))} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 90 else f"{seconds / 3600:.1f} h"


def framed(site: Site, folder: Path, path: str, title: str) -> str:
    """A page of a run or gate inside this one, with a link that opens it alone; an error in its place where it is gone."""
    try:
        source = ".." + files_link(site, folder, path)
    except StreamflowError as error:
        return note(str(error), "bad")
    return (
        f'<p class="rn-actions"><a class="rn-button" href="{escape(source)}" target="_blank" rel="noopener">'
        f"Open it alone</a></p>"
        f'<iframe class="rn-frame" src="{escape(source)}" title="{escape(title)}" loading="lazy"></iframe>'
    )
