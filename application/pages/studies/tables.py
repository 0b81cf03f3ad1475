"""Rows as HTML tables with a caption, for eyes and screen readers."""

from __future__ import annotations

import html
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from listening_tests.cells import cell_text

Rows = Sequence[Mapping[str, Any]]


def table(title: str, rows: Rows, links: Mapping[str, str] | None = None) -> str:
    """A table that scrolls sideways by itself where it is wide.

    Args:
        rows: cells by column; the first row names the columns.
        links: text of a first cell -> where it leads.
    """
    caption = html.escape(title)
    if not rows:
        return f'<section class="study-table"><h2>{caption}</h2><p>nothing yet</p></section>'
    columns = list(rows[0])
    numbers = {name for name in columns if any(_is_number(row.get(name)) for row in rows)}
    head = "".join(f'<th scope="col"{_side(name, numbers)}>{html.escape(name)}</th>' for name in columns)
    body = "".join(f"<tr>{_cells(row, columns, numbers, links or {})}</tr>" for row in rows)
    return (
        f'<section class="study-table"><h2>{caption}</h2><div class="study-scroll" role="region" tabindex="0" '
        f'aria-label="{caption}"><table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div></section>'
    )


def tables(titled: Iterable[tuple[str, Rows]]) -> str:
    """Several, one below the other."""
    return "".join(table(title, rows) for title, rows in titled)


def note(text: str, kind: str = "") -> str:
    """A line of words; ``kind`` is ``good``, ``bad`` or nothing."""
    return f'<p class="study-note {kind}" role="status">{html.escape(text)}</p>' if text else ""


def _cells(row: Mapping[str, Any], columns: list[str], numbers: set[str], links: Mapping[str, str]) -> str:
    cells = []
    for place, name in enumerate(columns):
        text = html.escape(cell_text(row.get(name), name))
        if place == 0 and (target := links.get(str(row.get(name)))):
            text = f'<a href="{html.escape(target, quote=True)}">{text}</a>'
        tag = 'th scope="row"' if place == 0 else "td"
        cells.append(f"<{tag}{_side(name, numbers)}>{text}</{tag[:2]}>")
    return "".join(cells)


def _side(name: str, numbers: set[str]) -> str:
    return ' class="number"' if name in numbers else ""


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
