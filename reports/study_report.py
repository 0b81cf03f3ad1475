"""A listening test's report as one HTML file that loads nothing else; made of the analysis' tables alone."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from plotly.offline import get_plotlyjs

from harness.storage import write_bytes
from reports import visual
from reports.colours import Appearance, appearances
from reports.formatting import count, interval, join, number
from reports.html import STATIC, _environment, plain_script, policy, script_of
from reports.methods import Fact
from reports.study_sections import sections_of, unit_of
from reports.study_tables import decimals, p_text

ENOUGH = 0.05


def write_study_report(content: Mapping[str, Any], out: str | Path) -> Path:
    """Write the report and return where it is.

    Args:
        content: ``Analysis.content()``, or the JSON of ``Analysis.to_json`` read back.
        out: the file.

    Raises:
        OSError: it cannot be written; what was there before stays.
    """
    out = Path(out)
    write_bytes(out, render_study(content).encode("utf-8"))
    return out


def render_study(content: Mapping[str, Any]) -> str:
    """The page as text; the same analysis gives the same text."""
    looks = appearances_of(content)
    script = script_of()
    plotly = plain_script(get_plotlyjs())
    return (
        _environment()
        .get_template("study.html.j2")
        .render(
            study=content["study"],
            looks=looks,
            facts=facts(content),
            findings=findings(content),
            sections=sections_of(content, looks),
            methods=content["methods"],
            style=visual.style() + (STATIC / "report.css").read_text(encoding="utf-8"),
            script=script,
            plotly=plotly,
            policy=policy(script, plotly),
        )
    )


def appearances_of(content: Mapping[str, Any]) -> dict[str, Appearance]:
    """A system looks as in the comparison report; a pair looks as the system that is judged in it."""
    looks = appearances(content["study"]["systems"])
    for row in content["estimates"]:
        judged = str(row["system"]).split(" against ")[0]
        if judged in looks:
            looks.setdefault(row["system"], looks[judged])
    return looks


def facts(content: Mapping[str, Any]) -> list[Fact]:
    """The header's lines."""
    study, counts = content["study"], content["counts"]
    people = f"{counts['listeners']} analysed of {counts['listeners_before']}"
    found = [
        Fact("protocol", study["protocol"]),
        Fact("listeners", people + (" (simulated)" if study["simulated"] else "")),
        Fact(
            "ratings",
            f"{counts['ratings']} in {count(counts['trials'], 'trial')}, {count(counts['sentences'], 'sentence')}",
        ),
        Fact("claim", f"about {content['claim']}"),
    ]
    return found + [Fact(name, str(content["facts"][name])) for name in ("opened", "run") if content["facts"].get(name)]


def findings(content: Mapping[str, Any]) -> list[dict[str, Any]]:
    """What the study says, in sentences, and no more than it says."""
    apart = _differences(content) + _comparisons(content) + _discrimination(content)
    found = [("Results", _results(content)), ("Told apart", apart)]
    removed = [f"{row['removed']} ({row['rule']})" for row in content["exclusions"] if row["removed"]]
    left_out = f"Left out: {join(removed)}." if removed else "Nobody was left out."
    found.append(("Exclusions", [left_out]))
    against = sum(
        row["what"] == "against the others" and not _is_out(content, row["listener"]) for row in content["anomalies"]
    )
    if against:
        who = count(against, "listener")
        found.append(
            ("Look at", [f"{who} analysed went against the others, as if the scale were upside down: see Listeners."])
        )
    if content["study"]["simulated"]:
        found.insert(0, ("Simulated", ["These listeners are programs: the numbers test the method, not the systems."]))
    return [{"topic": topic, "sentences": sentences} for topic, sentences in found if sentences]


def _is_out(content: Mapping[str, Any], listener: str) -> bool:
    return any(row["listener"] == listener for row in content["excluded"])


def _results(content: Mapping[str, Any]) -> list[str]:
    rows = sorted(content["estimates"], key=lambda row: -row["mean"])
    digits = decimals(rows)
    told = [
        f"{row['system']} {number(row['mean'], digits)}"
        + (f" ({interval(row['low'], row['high'], digits)})" if row["low"] is not None else "")
        for row in rows
    ]
    return [f"{unit_of(content['study']['protocol']).capitalize()}: {join(told)}."]


def _differences(content: Mapping[str, Any]) -> list[str]:
    rows = content["differences"]
    if not rows:
        return []
    digits = decimals(rows)
    apart = [row for row in rows if row["p_holm"] is not None and row["p_holm"] < ENOUGH]
    rest = [f"{row['a']} and {row['b']}" for row in rows if row not in apart]
    said = [
        f"{row['a']} − {row['b']} = {number(row['mean'], digits, signed=True)} (p {p_text(row['p_holm'])} after Holm)"
        for row in apart
    ]
    sentences = [f"{join(said)}."] if said else []
    sentences += [f"Not told apart, which does not show that they are alike: {join(rest)}."] if rest else []
    return sentences + _equivalent(rows, lambda row: f"{row['a']} and {row['b']}")


def _comparisons(content: Mapping[str, Any]) -> list[str]:
    """AB and CCR: pairs whose mean was tested against neither."""
    rows = [row for row in content["estimates"] if row["p_holm"] is not None]
    apart = [row for row in rows if row["p_holm"] < ENOUGH]
    ab, digits = content["study"]["protocol"] == "ab", decimals(content["estimates"])
    said = [f"{_better(row, digits, ab)} (p {p_text(row['p_holm'])} after Holm)" for row in apart]
    rest = [row["system"] for row in rows if row not in apart]
    sentences = [f"{join(said)}."] if said else []
    sentences += [f"No preference shown, which does not show that there is none: {join(rest)}."] if rest else []
    return sentences + _equivalent(rows, lambda row: row["system"])


def _better(row: Mapping[str, Any], digits: int, ab: bool) -> str:
    """The better system first, by how much: points, or the share of answers (no preference counts half)."""
    system, base = row["system"].split(" against ")
    over = row["mean"] - 0.5 if ab else row["mean"]
    better, worse = (system, base) if over > 0 else (base, system)
    how = f"in {number(0.5 + abs(over), digits)} of the answers" if ab else f"by {number(abs(over), digits)} points"
    return f"{better} preferred to {worse} {how}"


def _equivalent(rows: Sequence[Mapping[str, Any]], name: Callable[[Mapping[str, Any]], str]) -> list[str]:
    """What the registered equivalence tests say."""
    tested = [row for row in rows if row.get("margin") is not None]
    if not tested:
        return []
    alike, margin = [name(row) for row in tested if row["equivalent"]], f"{tested[0]['margin']:g} points"
    return [
        f"Equivalent within {margin}: {join(alike)}." if alike else f"Equivalence within {margin} was shown of no pair."
    ]


def _discrimination(content: Mapping[str, Any]) -> list[str]:
    rows = content["abx"] or content["same_different"]
    said = [
        f"{row['system']} from {row['against']}: d′ {number(row['d_prime'])} (p {p_text(row['p_holm'])} after Holm)"
        for row in rows
        if row["p_holm"] < ENOUGH
    ]
    rest = [f"{row['system']} and {row['against']}" for row in rows if row["p_holm"] >= ENOUGH]
    below = [f"{row['system']} and {row['against']}" for row in content["abx"] if row["p_below"] < ENOUGH / len(rows)]
    sentences = [f"{join(said)}."] if said else []
    sentences += [f"Not told apart, which does not show that nobody can: {join(rest)}."] if rest else []
    return sentences + (
        [f"Fewer right than by guessing, so look for answers turned round: {join(below)}."] if below else []
    )
