"""A gate as a table in a terminal."""

from __future__ import annotations

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from .checks import Check, figure
from .outcome import GateResult

COLOURS = {"PASS": "green", "FAIL": "red", "INCONCLUSIVE": "yellow", "BROKEN": "red"}
LOG_WIDTH = 160  # columns, where the output is no terminal
NARROW = 100


def terminal() -> Console:
    """Standard output; in a log, wide enough for the table."""
    console = Console(highlight=False)
    return console if console.is_terminal else Console(highlight=False, width=LOG_WIDTH)


def print_result(result: GateResult, console: Console) -> None:
    """Every check, then the verdict with its reasons and what else is to be known."""
    if result.checks:
        console.print(_table(result, narrow=console.width < NARROW))
    for note in result.notes:
        console.print(f"note: {escape(note)}", soft_wrap=True)
    for reason in result.reasons():
        console.print(f"- {escape(reason)}", soft_wrap=True)
    colour = COLOURS[result.verdict]
    console.print(f"[bold {colour}]{result.verdict}[/]: {result.meaning}")


def _table(result: GateResult, narrow: bool) -> Table:
    """Without the name of the only system; in a narrow terminal also without bounds and p, which gate.json has."""
    several = len({check.system for check in result.checks}) > 1
    columns = {"system": several, "check": True, "result": True, "bounds": not narrow, "margin": True, "n": True}
    columns |= {"p (Holm)": not narrow, "verdict": True}
    table = Table(box=None, pad_edge=False, header_style="bold")
    for title, shown in columns.items():
        if shown:
            words = title in ("system", "check", "verdict")
            table.add_column(title, justify="left" if words else "right", no_wrap=title != "system")
    for check in result.checks:
        cells = zip(columns.values(), _cells(check), strict=True)
        table.add_row(*(cell for shown, cell in cells if shown))
    return table


def _cells(check: Check) -> list[str]:
    signed = check.kind == "quality"
    bounds = "–" if check.low is None else f"{figure(check.low, signed)} to {figure(check.high, signed)}"
    dim = "" if check.holds_back or check.must == "pass" else "dim "
    role = " (reported)" if check.must == "report" else ""
    verdict = f"[{dim}{COLOURS[check.verdict]}]{check.verdict}{role}[/]"
    found = [figure(check.estimate, signed), bounds, f"{check.margin:g}", str(check.n), figure(check.p_holm, False)]
    return [escape(check.system), escape(check.name), *found, verdict]
