"""A gate as Markdown for a pull request or GitHub's job summary, and as annotations of a workflow."""

from __future__ import annotations

import re
from collections.abc import Sequence

from .checks import Check, figure
from .outcome import GateResult

MOST_BYTES = 1024 * 1024  # of a job summary: GitHub drops one that is larger altogether
MOST_ERRORS = 10  # annotations of a kind that GitHub shows of one step
MOST_REGRESSIONS = 20
SIGN = {"PASS": "✅", "FAIL": "❌", "INCONCLUSIVE": "❔", "BROKEN": "⚠️"}


def to_markdown(result: GateResult, page: str = "", most_bytes: int = MOST_BYTES) -> str:
    """Verdict, reasons, table, and the utterances that fell; lines are dropped from the end to stay below the cap.

    Args:
        result: of the gate.
        page: where its HTML page is, "" to leave that out.
        most_bytes: of UTF-8.
    """
    lines = [f"## {SIGN[result.verdict]} {result.verdict}: {escaped(result.meaning)}", "", *_facts(result, page), ""]
    if reasons := result.reasons():
        lines += [*(f"- {escaped(reason)}" for reason in reasons), ""]
    if result.checks:
        lines += [*_table(result.checks), ""]
    far = [fall for fall in result.regressions if fall.far]
    if far:
        lines += ["**Utterances that fell far**", ""]
        lines += [f"- {escaped(f'{fall.system}, {fall.utterance}: {fall.why}')}" for fall in far[:MOST_REGRESSIONS]]
        if len(far) > MOST_REGRESSIONS:
            lines.append(f"- and {len(far) - MOST_REGRESSIONS} more")
        lines.append("")
    if result.notes:
        lines += [
            "<details><summary>Notes</summary>",
            "",
            *(f"- {escaped(note)}" for note in result.notes),
            "",
            "</details>",
            "",
        ]
    return _capped(lines, most_bytes)


def _facts(result: GateResult, page: str) -> list[str]:
    counts = result.counts
    facts = [f"candidate `{_code(result.candidate)}`", f"baseline `{_code(result.baseline)}`"]
    if counts:
        facts.append(f"{counts['utterances']} utterances of {counts['speakers']} speakers")
        facts.append(f"seeds {', '.join(map(str, counts['seeds']['candidate']))}")
    facts.append(f"policy `{_code(str(result.policy.get('name', '')))}`")
    if page:
        facts.append(f"listen: `{_code(page)}`")
    return [" · ".join(facts)]


def _table(checks: Sequence[Check]) -> list[str]:
    lines = ["| system | check | result | bounds | margin | n | verdict |", "|---|---|---:|---:|---:|---:|---|"]
    for check in checks:
        signed = check.kind == "quality"
        bounds = "–" if check.low is None else f"{figure(check.low, signed)} to {figure(check.high, signed)}"
        role = " (reported)" if check.must == "report" else ""
        cells = [
            escaped(check.system),
            escaped(check.name),
            figure(check.estimate, signed),
            bounds,
            f"{check.margin:g}",
            str(check.n),
            f"{SIGN[check.verdict] if check.holds_back or check.verdict == 'PASS' else ''} {check.verdict}{role}".strip(),
        ]
        lines.append(f"| {' | '.join(cells)} |")
    return lines


def _capped(lines: list[str], most_bytes: int) -> str:
    """Whole lines only, and a word on what was left out."""
    text = "\n".join(lines).rstrip("\n") + "\n"
    if len(text.encode()) <= most_bytes:
        return text
    ending = "\n\n…cut to the size that a job summary may have; `gate.json` holds everything\n"
    room, kept = most_bytes - len(ending.encode()), []
    for line in lines:
        room -= len(line.encode()) + 1
        if room < 0:
            break
        kept.append(line)
    return "\n".join(kept) + ending


def escaped(text: str) -> str:
    """Text that Markdown shows as it is, in a table's cell or a list's line."""
    text = " ".join(text.split())
    return re.sub(r"([\\`*_{}\[\]<>#|~])", r"\\\1", text).replace("@", "@\u200b")


def _code(text: str) -> str:
    return " ".join(text.split()).replace("`", "'")


def annotations(result: GateResult) -> list[str]:
    """``::error`` lines of a GitHub workflow, at most 10: the last says how many there are besides."""
    reasons = result.reasons()
    kind = "error" if result.verdict in ("FAIL", "BROKEN") else "warning"
    title = f"streamflow gate: {result.verdict}"
    shown = reasons if len(reasons) <= MOST_ERRORS else reasons[: MOST_ERRORS - 1]
    if len(reasons) > len(shown):
        shown = [*shown, f"and {len(reasons) - len(shown)} more; the job summary lists them"]
    return [f"::{kind} title={_property(title)}::{_data(reason)}" for reason in shown]


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")
