"""The sections of a study's report: for every part of the analysis that has rows, figures and a table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from reports.colours import Appearance
from reports.figures import Figure
from reports.formatting import number
from reports.study_figures import (
    before_after_figure,
    box_figure,
    interval_figure,
    objective_figures,
    preference_figure,
    reliability_figure,
)
from reports.study_tables import ABSENT, decimals, estimated, p_text, table
from reports.tables import Cell, Column, Row, Table

Content = Mapping[str, Any]
Looks = Mapping[str, Appearance]
INTERVAL = ("mean", "low", "high")


@dataclass(slots=True)
class Section:
    """``figures``: title, figure; ``pick``: figures of which one is shown, by name."""

    id: str
    title: str
    lead: str = ""
    figures: list[tuple[str, Figure]] = field(default_factory=list)
    pick: dict[str, Figure] = field(default_factory=dict)
    tables: list[tuple[Table, bool]] = field(default_factory=list)  # and whether its cells are numbers


def unit_of(protocol: str) -> str:
    """What an estimate of the protocol is called on an axis."""
    names = {"ab": "share preferred", "ccr": "comparison score", "abx": "share right", "abx-offline": "share right",
             "same-different": "share right", "seam-locating": "share of joins heard", "mushra": "mean rating",
             "multi-stimulus": "mean rating"}  # fmt: skip
    return names.get(protocol, "mean opinion score")


def sections_of(content: Content, looks: Looks) -> list[Section]:
    """Those that have something to show, in the order of the page."""
    makers = (results, pairs, discrimination, preferences, mushra, seams, objective, listeners, exclusions, balance)
    return [section for make in makers if (section := make(content, looks))]


def results(content: Content, looks: Looks) -> Section:
    rows, unit = content["estimates"], unit_of(content["study"]["protocol"])
    digits = decimals(rows)
    rule = {"ab": 0.5, "abx": 0.5, "abx-offline": 0.5, "same-different": 0.5, "ccr": 0.0}.get(
        content["study"]["protocol"]
    )
    shown = interval_figure(rows, looks, unit, ("system", *INTERVAL), rule)
    told = table(
        f"The {unit} with its 95 % interval; the claim is about {content['claim']}."
        + (" Every trial counts once, however many joins it has." if content["seams"] else ""),
        "system" if content["differences"] else "judged",
        rows,
        {
            unit: lambda row: estimated(row, INTERVAL, digits),
            **(_tested(rows) if any(row["p_holm"] is not None for row in rows) else {}),
            "ratings": lambda row: row["ratings"],
            "listeners": lambda row: row["listeners"],
            "sentences": lambda row: row["sentences"],
            **({"note": lambda row: row["note"] or ""} if any(row["note"] for row in rows) else {}),
        },
        label=lambda row: row["system"],
        looks=looks,
    )
    return Section("results", "Results", figures=[("", shown)], tables=[(told, True)])


def pairs(content: Content, looks: Looks) -> Section | None:
    rows = [{**row, "pair": f"{row['a']} − {row['b']}", "of": row["a"]} for row in content["differences"]]
    if not rows:
        return None
    digits = decimals(rows)
    shown = interval_figure(rows, looks, "difference (points)", ("pair", *INTERVAL), 0.0)
    told = table(
        "Differences with 95 % intervals, each uncorrected; p by Satterthwaite's t, and corrected by Holm over all rows.",
        "pair",
        rows,
        {"difference": lambda row: estimated(row, INTERVAL, digits, signed=True), **_tested(rows)},
        label=lambda row: row["pair"],
    )
    tables = [(told, True), (_sizes_table(rows), True)]
    section = Section("differences", "Pairwise differences", figures=[("", shown)], tables=tables)
    model = content["model"]
    if model and model["rows"]:
        section.tables.append((_model_table(model, digits), True))
    elif model:
        section.lead = f"The mixed model that checks these differences was {model['note']}."
    return section


def _tested(rows: Sequence[Content]) -> dict[str, Any]:
    """Columns of p, of p after Holm, and of the equivalence test where one was registered."""
    columns: dict[str, Any] = {
        "p": lambda row: p_text(row["p_value"]),
        "p (Holm)": lambda row: _told_apart(row["p_holm"]),
    }
    if any(row.get("margin") is not None for row in rows):
        columns[f"equivalent within {rows[0]['margin']:g} (p, Holm)"] = lambda row: Cell(
            p_text(row["p_equivalence_holm"]), "equivalent" if row["equivalent"] else ""
        )
    return columns


def _told_apart(p_value: float | None) -> Cell:
    return Cell(p_text(p_value), "told apart" if p_value is not None and p_value < 0.05 else "")


def _sizes_table(rows: Sequence[Content]) -> Table:
    columns: dict[str, Any] = {"paired d": lambda row: estimated(row, ("d", "d_low", "d_high"), 2, signed=True)}
    if "superiority" in rows[0]:
        above = ("superiority", "superiority_low", "superiority_high")
        columns["probability of superiority"] = lambda row: estimated(row, above, 2)
    columns["p (sign flips, Holm)"] = lambda row: p_text(row["p_permutation_holm"])
    caption = "How large. Paired d: mean of the listeners' own differences in their standard deviation."
    if "superiority" in rows[0]:
        caption += " Superiority: chance that a rating of the first is above one of the second, ties half."
    caption += " d and sign flips speak of other listeners, of these very sentences."
    return table(caption, "pair", rows, columns, label=lambda row: row["pair"])


def _model_table(model: Content, digits: int) -> Table:
    parts = ", ".join(f"{name.replace('_', ' × ')} {number(value)}" for name, value in model["components"].items())
    caption = f"A check by another method: linear mixed model (REML). Standard deviations in points: {parts}."
    if model["note"]:
        caption += f" Richer ones could not be fitted ({model['note'].removeprefix('left out: ').replace('_', ' × ')})."
    columns = {"difference": lambda row: estimated(row, INTERVAL, digits, signed=True),
               "p (Holm)": lambda row: p_text(row["p_holm"])}  # fmt: skip
    return table(caption, "pair", model["rows"], columns, label=lambda row: f"{row['a']} − {row['b']}")


def discrimination(content: Content, looks: Looks) -> Section | None:
    rows = [{**row, "pair": f"{row['system']} against {row['against']}", "of": row["system"]}
            for row in (content["abx"] or content["same_different"])]  # fmt: skip
    if not rows:
        return None
    shown = interval_figure(rows, looks, "d′ (differencing model)", ("pair", "d_prime", "d_low", "d_high"), 0.0)
    columns: dict[str, Any] = {"d′": lambda row: estimated(row, ("d_prime", "d_low", "d_high"), 2)}
    if content["abx"]:
        columns = {
            "right": lambda row: f"{row['correct']} of {row['trials']}",
            "needed": lambda row: row["needed"],
            "p (exact binomial)": lambda row: p_text(row["p_value"]),
            "p (Holm)": lambda row: _told_apart(row["p_holm"]),
            "share right": lambda row: estimated(row, ("share", "share_low", "share_high"), 2),
            **columns,
        }
    else:
        columns |= {
            "“different” of different": lambda row: number(row["hits"]),
            "“different” of same": lambda row: number(row["false_alarms"]),
            "p (Fisher)": lambda row: p_text(row["p_value"]),
            "p (Holm)": lambda row: _told_apart(row["p_holm"]),
        }
    caption = "Intervals: two-way bootstrap of listeners and sentences. d′ has the response bias taken out."
    told = table(caption, "pair", rows, columns, label=lambda row: row["pair"])
    return Section("discrimination", "Discrimination", figures=[("", shown)], tables=[(told, True)])


def preferences(content: Content, looks: Looks) -> Section | None:
    if not content["preferences"]:
        return None
    section = Section(
        "preferences", "Preferences", figures=[("Answers", preference_figure(content["preferences"], looks))]
    )
    rows = content["abilities"]
    if rows:
        ability = ("ability", "low", "high")
        section.figures.append(
            ("Bradley-Terry", interval_figure(rows, looks, "ability (log odds)", ("system", *ability), 0.0))
        )
        columns = {"ability": lambda row: estimated(row, ability, 2, signed=True), "preferred": lambda row: row["wins"],
                   "other preferred": lambda row: row["losses"], "neither": lambda row: row["ties"]}  # fmt: skip
        caption = "Log odds of being preferred, mean 0; 95 % by the two-way bootstrap. Ties after Davidson (1970)."
        section.tables.append(
            (table(caption, "system", rows, columns, label=lambda row: row["system"], looks=looks), True)
        )
    return section


def mushra(content: Content, looks: Looks) -> Section | None:
    rows = content["quartiles"]
    if not rows:
        return None
    told = content["friedman"]
    lead = "Box: quartiles and median of all ratings; whiskers reach the last rating within 1.5 quartile distances."
    if told:
        lead += (
            f" Friedman's test over {told['listeners']} listeners: χ² = {number(told['chi2'], 1)}, p = "
            f"{p_text(told['p_value'])}, Kendall's W = {number(told['kendall_w'])}."
        )
    columns = {"median": lambda row: number(row["median"], 1), "quartiles": lambda row: f"{row['q1']:.1f} to {row['q3']:.1f}",
               "ratings": lambda row: row["ratings"]}  # fmt: skip
    shown = table("Over ratings.", "system", rows, columns, label=lambda row: row["system"], looks=looks)
    return Section("mushra", "Medians and quartiles", lead, [("", box_figure(rows, looks))], tables=[(shown, True)])


def seams(content: Content, looks: Looks) -> Section | None:
    rows = content["seams"]
    if not rows:
        return None
    heard, false = ("hit_rate", "hit_low", "hit_high"), ("false_per_trial", "false_low", "false_high")
    figures = [("Joins heard", interval_figure(rows, looks, "share of joins", ("system", *heard))),
               ("Presses without a join", interval_figure(rows, looks, "presses a trial", ("system", *false)))]  # fmt: skip
    columns = {"heard": lambda row: estimated(row, heard, 2), "of": lambda row: row["seams"],
               "false presses a trial": lambda row: estimated(row, false, 2)}  # fmt: skip
    caption = (
        "Every join counts once. A press within the reaction window of a join is a hit. Random presses hit too, the oftener "
        "the denser the joins: compare the false presses, and mind that windows that touch leave no place for one."
    )
    told = table(caption, "system", rows, columns, label=lambda row: row["system"], looks=looks)
    return Section("seams", "Joins", figures=figures, tables=[(told, True)])


def objective(content: Content, looks: Looks) -> Section | None:
    rows = content["correlations"]
    if not rows:
        return None
    caption = "Rank and linear correlation of mean ratings with scores; 95 % by the two-way bootstrap, the systems as they are."
    columns = {
        "level": lambda row: row["level"],
        "n": lambda row: row["n"],
        "Spearman": lambda row: estimated(row, ("spearman", "spearman_low", "spearman_high"), 2, signed=True),
        "Pearson": lambda row: estimated(row, ("pearson", "pearson_low", "pearson_high"), 2, signed=True),
    }
    told = table(caption, "metric", rows, columns, label=lambda row: row["metric"])
    figures = objective_figures(content["points"], rows, looks)
    lead = "A point is a recording. Across few systems a correlation is hardly known; within, ratings are few."
    return Section("objective", "Objective metrics", lead, pick=figures, tables=[(told, True)])


def listeners(content: Content, looks: Looks) -> Section | None:
    rows, agreed = content["listeners"], content["agreement"] or {}
    single, mean = agreed.get("single"), agreed.get("mean")
    lead = "Each listener against the mean of the others in the same stimuli."
    if single is not None:
        lead += f" Intraclass correlation ({agreed['model']}): "
        if single <= 0:
            lead += "none, listeners agree no more about one recording than about another."
        else:
            lead += f"{number(single)} for one rating"
            several = number(agreed["ratings_a_stimulus"], 1)
            lead += f", {number(mean)} for the mean of {several}." if mean is not None else "."
    figures = [("Reliability", reliability_figure(rows))] if any(row["correlation"] is not None for row in rows) else []
    section = Section("listeners", "Listeners", lead, figures)
    if content["anomalies"]:
        columns = {"what": lambda row: row["what"], "detail": lambda row: row["detail"]}
        caption = "What a careful experimenter looks at. Nobody is left out for it: only the registered rules do that."
        section.tables.append(
            (table(caption, "listener", content["anomalies"], columns, label=lambda row: row["listener"][:12]), False)
        )
    return section


def exclusions(content: Content, looks: Looks) -> Section:
    columns = {"rule": lambda row: row["says"], "named": lambda row: row["caught"], "removed": lambda row: row["removed"],
               "left": lambda row: row["left"]}  # fmt: skip
    caption = "In the order applied. Named: all listeners whom the rule names; removed: those no rule before it had."
    section = Section("exclusions", "Exclusions")
    if content["exclusions"]:
        section.tables.append(
            (table(caption, "name", content["exclusions"], columns, label=lambda row: row["rule"]), False)
        )
    else:
        section.lead = "No rule was registered; everybody is analysed."
    rows = content["before_after"]
    if rows:
        unit = unit_of(content["study"]["protocol"])
        section.figures.append(
            ("Results after each rule that removed somebody", before_after_figure(rows, looks, unit))
        )
        section.tables.append((_stage_table(rows, looks), True))
    return section


def balance(content: Content, looks: Looks) -> Section:
    columns = {
        "ratings": lambda row: row["ratings"], "sentences": lambda row: row["sentences"],
        "listeners": lambda row: row["listeners"],
        "a sentence": lambda row: f"{row['fewest']} to {row['most']}", "in first place": lambda row: row["first"],
    }  # fmt: skip
    caption = "Ratings analysed. A balanced design has equal numbers; exclusions and unfinished blocks take some away."
    told = table(caption, "system", content["balance"], columns, label=lambda row: row["system"], looks=looks)
    return Section("balance", "Balance", tables=[(told, True)])


def _stage_table(rows: Sequence[Content], looks: Looks) -> Table:
    """Systems down, stages of exclusion across."""
    digits, cells = decimals(rows), {(row["stage"], row["system"]): row for row in rows}
    stages = {row["stage"]: row["of"] for row in rows}
    told = Table(
        "Rules add up from left to right.", "system", [Column(name, f"{of} listeners") for name, of in stages.items()]
    )
    for system in dict.fromkeys(row["system"] for row in rows):
        of = [cells.get((stage, system)) for stage in stages]
        shown = [ABSENT if row is None else estimated(row, INTERVAL, digits) for row in of]
        told.rows.append(Row(system, shown, slot=looks[system].slot if system in looks else None))
    return told
