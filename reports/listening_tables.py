"""What listeners said of a run's systems: a table of the ratings, one of the metrics beside them, and the sentences between."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from reports.colours import Appearance
from reports.comparison import Comparison
from reports.formatting import count, interval, number
from reports.headline import Finding
from reports.listening import Row, Study, read_listening
from reports.study_sections import unit_of
from reports.study_tables import ABSENT, decimals, estimated, p_text
from reports.tables import Cell, Column, Table
from reports.tables import Row as TableRow

ENOUGH = 0.05  # p after Holm below which two are told apart
MOST_NAMED = 12  # pairs that were not told apart; all of them are in the study's own report
LEVELS = {"system": "across systems", "utterance": "across recordings"}


@dataclass(frozen=True, slots=True)
class ListeningSection:
    """What the page shows of them."""

    ratings: Table | None
    findings: list[Finding]
    correlations: Table | None
    unread: list[str]


def listening_section(comparison: Comparison) -> ListeningSection | None:
    """None where nobody has listened yet."""
    found = read_listening(comparison.run.path)
    if not found:
        return None
    return ListeningSection(
        ratings_table(comparison, found.studies),
        told_apart(found.studies),
        correlation_table(comparison, found.studies),
        found.unread,
    )


def ratings_table(comparison: Comparison, studies: Sequence[Study]) -> Table | None:
    """A row a study and system (or pair): the mean with its interval, and what it rests on."""
    if not studies:
        return None
    table = Table(
        "Below the mean its 95 % confidence interval, over those whom the claim names. Scores depend on which systems are in a "
        "test: compare them within a study, not between two.",
        "system",
        [Column(name) for name in ("mean", "study", "listeners", "sentences", "claim about")],
    )
    for study in studies:
        unit, digits = unit_of(study.protocol), decimals(study.estimates)
        told = ", ".join(
            [study.protocol]
            + [f"opened {study.opened}"] * bool(study.opened)
            + ["simulated listeners"] * study.simulated
        )
        for row in study.estimates:
            look = look_of(comparison, row["system"])
            value = estimated(row, ("mean", "low", "high"), digits)
            cells = [
                value if value is ABSENT else Cell(value.text, value.note, unit),
                Cell(study.title, told),
                Cell(str(row["listeners"])),
                Cell(str(row["sentences"])),
                Cell(study.claim),
            ]
            table.rows.append(TableRow(row["system"], cells, look.slot if look else None))
    return table


def look_of(comparison: Comparison, judged: str) -> Appearance | None:
    """As the system looks everywhere in the report; a pair looks as the system judged in it."""
    return comparison.appearance.get(judged) or comparison.appearance.get(judged.split(" against ")[0])


def told_apart(studies: Sequence[Study]) -> list[Finding]:
    """What each study shows after Holm's correction, and what it does not."""
    return [Finding(study.title, sentences) for study in studies if (sentences := _sentences(study))]


def _sentences(study: Study) -> list[str]:
    found = _compared(study)
    sentences = ["These listeners are programs: the numbers say nothing of the systems."] * study.simulated
    tested = [(p, name, text) for p, name, text in found if p is not None]
    apart = [f"{text} ({_p(p)})" for p, _, text in tested if p < ENOUGH]
    rest = [name for p, name, _ in tested if p >= ENOUGH]
    untested = [text for p, _, text in found if p is None]
    if apart:
        of = count(len(tested), "comparison")
        sentences.append(f"Told apart after Holm's correction, {len(apart)} of {of}: {'; '.join(apart)}.")
    if rest:
        sentences.append(f"Not told apart, which does not show that they are alike: {_some(rest)}.")
    if untested:
        sentences.append(f"Without a test, as the answers hardly vary: {_some(untested)}.")
    return sentences


def _compared(study: Study) -> list[tuple[float | None, str, str]]:
    """p after Holm, the pair, and what was found of it, for whatever the protocol compares."""
    if differences := [row for row in study.differences if row["mean"] is not None]:
        digits = decimals(differences)
        return [
            (row["p_holm"], f"{row['a']} and {row['b']}", f"{row['a']} − {row['b']} = "
             + number(row["mean"], digits, signed=True) + _within(row["low"], row["high"], digits))
            for row in sorted(differences, key=lambda row: -abs(row["mean"]))
        ]  # fmt: skip
    if rows := study.abx or study.same_different:
        return [
            (row["p_holm"], f"{row['system']} and {row['against']}", f"{row['system']} from {row['against']}, d′ "
             + number(row["d_prime"]) + _within(row["d_low"], row["d_high"], 2, signed=False))
            for row in rows
        ]  # fmt: skip
    unit, digits = unit_of(study.protocol), decimals(study.estimates)
    pairs = [row for row in study.estimates if " against " in row["system"] and row["mean"] is not None]
    return [(row["p_holm"], row["system"], f"{row['system']}, {unit} {number(row['mean'], digits)}") for row in pairs]


def _within(low: float | None, high: float | None, digits: int, signed: bool = True) -> str:
    return "" if low is None or high is None else f", 95 % {interval(low, high, digits, signed)}"


def _p(value: float) -> str:
    return f"p {p_text(value)}" if value < 0.001 else f"p = {p_text(value)}"


def _some(words: list[str]) -> str:
    more = len(words) - MOST_NAMED
    return "; ".join(words[:MOST_NAMED]) + (f"; and {more} more" if more > 0 else "")


def correlation_table(comparison: Comparison, studies: Sequence[Study]) -> Table | None:
    """A row a metric: how it goes with the ratings of each study; None where no study has been joined with scores."""
    columns = [
        (study, level)
        for study in studies
        for level in LEVELS
        if any(row["level"] == level for row in study.correlations)
    ]
    if not columns:
        return None
    table = Table(
        "Spearman's rank correlation of the mean rating with the score, below it the 95 % interval by the two-way bootstrap of "
        "listeners and sentences, the systems as they are; then Pearson's. Across few systems it is hardly known.",
        "metric",
        [Column(study.title, f"{study.protocol}, {LEVELS[level]}") for study, level in columns],
    )
    for identity, name in _metrics(comparison, studies).items():
        cells = []
        for study, level in columns:
            rows = [row for row in study.correlations if row["identity"] == identity and row["level"] == level]
            cells.append(_correlation(rows[0]) if rows else ABSENT)
        table.rows.append(TableRow(name, cells))
    return table


def _metrics(comparison: Comparison, studies: Sequence[Study]) -> dict[str, str]:
    """Identity -> name of the metrics that a study was joined with: first those of the run, in its order."""
    joined = {row["identity"]: row["metric"] for study in studies for row in study.correlations}
    known = {m.identity: f"{m.name} {m.arrow}".strip() for m in comparison.metrics if m.identity in joined}
    return known | {identity: name for identity, name in joined.items() if identity not in known}


def _correlation(row: Row) -> Cell:
    cell = estimated(row, ("spearman", "spearman_low", "spearman_high"), 2, signed=True)
    if cell is ABSENT:
        return ABSENT
    return Cell(cell.text, cell.note, f"Pearson {number(row['pearson'], 2, signed=True)}, n {row['n']}")
