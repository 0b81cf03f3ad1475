"""A table as CSV, LaTeX and Markdown: the numbers in full for programs, as shown for papers."""

from __future__ import annotations

import csv
import io
import math
import re
from collections.abc import Callable

from reports.formatting import MINUS, THIN_SPACE
from reports.tables import Cell, Column, Table

MARKS = re.compile(r"\s*[▲▼≈≠]|\s*[↑↓]")  # of direction and verdict: colour and words say it on the page
LATEX = {
    "\\": r"\textbackslash{}", "&": r"\&", "%": r"\%", "$": r"\$", "#": r"\#", "_": r"\_", "{": r"\{", "}": r"\}",
    "~": r"\textasciitilde{}", "^": r"\textasciicircum{}", "<": r"\textless{}", ">": r"\textgreater{}",
    "|": r"\textbar{}",
    MINUS: "$-$", THIN_SPACE: r"\,", "–": "--", "—": "---", "±": r"$\pm$", "→": r"$\to$", "×": r"$\times$",
    "≤": r"$\leq$", "≥": r"$\geq$", "∞": r"$\infty$", "°": r"$^\circ$", "↑": r"$\uparrow$", "↓": r"$\downarrow$",
    "≈": r"$\approx$",
}  # fmt: skip


def exports(table: Table) -> dict[str, str]:
    """The table as text, by format: ``csv``, ``tex`` and ``md``."""
    return {"csv": to_csv(table), "tex": to_latex(table), "md": to_markdown(table)}


def to_csv(table: Table) -> str:
    """RFC 4180 with a header; a value in full, its interval and n in columns of their own, what is absent in words."""
    extras = [[name for name in ("low", "high", "n") if _any(table, at, name)] for at in range(len(table.columns))]
    header = [table.first]
    for column, names in zip(table.columns, extras, strict=True):
        label = heading(column)
        header += [label, *(f"{label} {name}" for name in names)]
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\r\n")
    writer.writerow([_plain(name) for name in header])
    for row in table.rows:
        cells = [_safe(row.label)]
        for cell, names in zip(row.cells, extras, strict=True):
            cells += [_value(cell), *(_full(getattr(cell, name)) for name in names)]
        writer.writerow(cells)
    return buffer.getvalue()


def to_latex(table: Table) -> str:
    """A ``table`` environment with booktabs rules; better and worse are bold."""
    lines = [
        r"% needs \usepackage{booktabs}",
        r"\begin{table}",
        r"\centering",
        rf"\caption{{{latex(table.caption)}}}",
        rf"\begin{{tabular}}{{l{'r' * len(table.columns)}}}",
        r"\toprule",
        _latex_row([latex(table.first), *(latex(heading(c, arrow=True)) for c in table.columns)]),
        r"\midrule",
        *(_latex_row([latex(row.label), *(_latex_cell(cell) for cell in row.cells)]) for row in table.rows),
        r"\bottomrule",
        r"\end{tabular}",
        r"\end{table}",
    ]
    return "\n".join(lines) + "\n"


def to_markdown(table: Table) -> str:
    """A pipe table (GitHub Flavored Markdown) and the caption under it."""
    head = [markdown(table.first), *(markdown(heading(column, arrow=True)) for column in table.columns)]
    rows = [[markdown(row.label), *(markdown(_told(cell)) for cell in row.cells)] for row in table.rows]
    rule = ["---", *("---:" for _ in table.columns)]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in (head, rule, *rows)) + f"\n\n{markdown(table.caption)}\n"


def heading(column: Column, *, arrow: bool = False) -> str:
    """A column's label with its unit or note."""
    label = column.label if arrow else MARKS.sub("", column.label)
    return f"{label} ({column.note})" if column.note else label


def latex(text: str) -> str:
    """Plain text as LaTeX writes it."""
    return "".join(LATEX.get(letter, letter) for letter in " ".join(text.split()))


def markdown(text: str) -> str:
    """Plain text that no Markdown reader takes for markup."""
    return re.sub(r"([\\|*_`<>\[\]])", r"\\\1", " ".join(text.split()))


def _told(cell: Cell) -> str:
    return f"{cell.text} ({cell.note})" if cell.note else cell.text


def _latex_cell(cell: Cell) -> str:
    text = latex(MARKS.sub("", cell.text))
    bold = rf"\textbf{{{text}}}" if cell.tone in ("better", "worse") else text
    return rf"{bold} {{\scriptsize ({latex(cell.note)})}}" if cell.note else bold


def _latex_row(cells: list[str]) -> str:
    return " & ".join(cells) + r" \\"


def _any(table: Table, at: int, name: str) -> bool:
    return any(getattr(row.cells[at], name) is not None for row in table.rows)


def _value(cell: Cell) -> str:
    return _full(cell.value) if cell.value is not None else _safe(_told(cell))


def _full(value: float | None) -> str:
    if value is None or math.isnan(value):
        return ""
    return f"{value:.10g}"


def _plain(text: str) -> str:
    return MARKS.sub("", text).replace(MINUS, "-").replace(THIN_SPACE, " ")


def _safe(text: str) -> str:
    """Text that no spreadsheet takes for a formula (OWASP, CSV injection)."""
    plain = _plain(text).strip()
    formula = plain[:1] in ("=", "+", "@", "\t", "\r") or (plain[:1] == "-" and not _is_number(plain))
    return f"'{plain}" if formula and not _is_number(plain) else plain


def _is_number(text: str) -> bool:
    try:
        float(text.replace(" ", ""))
    except ValueError:
        return False
    return True


class Collected:
    """The tables of a page by their ids, taken down as the template asks for their texts."""

    def __init__(self, make: Callable[[Table], dict[str, str]] = exports) -> None:
        self.texts: dict[str, dict[str, str]] = {}
        self._make = make

    def __call__(self, table: Table, identity: str) -> dict[str, str]:
        """Texts of a table, kept under its id."""
        self.texts[identity] = self._make(table)
        return self.texts[identity]
