"""The whole analysis of a study: ratings and registered rules in, tables out."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any

import pandas

from harness.run import Run
from harness.statistics import holm
from listening_tests.errors import StudyError
from listening_tests.model import ANCHOR_LOW, ANCHOR_MID, REFERENCE
from listening_tests.protocols import get_protocol
from listening_tests.study import Study

from .abx import abx_scores
from .anomalies import anomalies
from .bradley_terry import bradley_terry
from .crossed_bootstrap import mean_opinion
from .exclusions import Exclusions, apply_exclusions, repeat_pairs
from .methods_text import methods_text
from .mushra import friedman, quartiles
from .objective import correlations, points
from .pairwise import comparison_rows, model_check, pair_rows
from .reliability import agreement, listener_table
from .rows import ABX_PROTOCOLS, NEUTRAL, PAIR_PROTOCOLS, check_frame, judged, main_rows, trials_of, with_subject
from .same_different import same_different_scores
from .seams import seam_hits

Rows = list[dict[str, Any]]
NOT_SYSTEMS = (REFERENCE, ANCHOR_LOW, ANCHOR_MID)


@dataclass(frozen=True, slots=True)
class Analysis:
    """What a study found. Every table is a list of rows that JSON can hold (NaN is None there).

    Attributes:
        study: the study file as a table. facts: what was given beside, such as texts and recruitment.
        claim: whom intervals speak of. counts: listeners, sentences, ratings, before and after exclusions.
        estimates: a row a system (or pair): mean, low, high, ratings, listeners, sentences.
        differences: a row a pair of systems, p values by Holm, effect sizes, equivalence (``pairwise.pair_rows``); empty for
            pair protocols. model: the differences by a mixed model (``pairwise.model_check``), None where means are no result.
        exclusions: a row a rule. before_after: a row a stage and system. excluded: listener and reasons.
        abx, same_different, abilities, preferences, quartiles, friedman, seams: of the protocols that have them.
        agreement, listeners, repeats, anomalies, balance: of the listeners and the design.
        correlations, points: with the run's metrics. methods: title and paragraphs.
    """

    study: dict[str, Any]
    facts: dict[str, Any]
    claim: str
    counts: dict[str, int]
    estimates: Rows
    differences: Rows = field(default_factory=list)
    model: dict[str, Any] | None = None
    exclusions: Rows = field(default_factory=list)
    before_after: Rows = field(default_factory=list)
    excluded: Rows = field(default_factory=list)
    abx: Rows = field(default_factory=list)
    same_different: Rows = field(default_factory=list)
    abilities: Rows = field(default_factory=list)
    preferences: Rows = field(default_factory=list)
    quartiles: Rows = field(default_factory=list)
    friedman: dict[str, Any] | None = None
    seams: Rows = field(default_factory=list)
    agreement: dict[str, Any] | None = None
    listeners: Rows = field(default_factory=list)
    repeats: Rows = field(default_factory=list)
    anomalies: Rows = field(default_factory=list)
    balance: Rows = field(default_factory=list)
    correlations: Rows = field(default_factory=list)
    points: Rows = field(default_factory=list)
    methods: Rows = field(default_factory=list)

    def content(self) -> dict[str, Any]:
        """Everything, as JSON holds it."""
        return {item.name: _plain(getattr(self, item.name)) for item in fields(self)}

    def to_json(self) -> str:
        """The same as text."""
        return json.dumps(self.content(), indent=1, ensure_ascii=False, allow_nan=False)

    def tables(self) -> list[tuple[str, Rows]]:
        """Titles and rows for a terminal: the most telling columns of the tables that have rows."""
        chosen = {
            "estimates": ("system", "mean", "low", "high", "p_value", "p_holm", "equivalent", "ratings", "listeners",
                          "sentences"),
            "differences": ("a", "b", "mean", "low", "high", "p_value", "p_holm", "d", "superiority", "equivalent"),
            "abx": ("system", "against", "trials", "correct", "p_value", "p_holm", "d_prime", "d_low", "d_high"),
            "same_different": ("system", "against", "hits", "false_alarms", "p_value", "p_holm", "d_prime", "d_low", "d_high"),
            "abilities": ("system", "ability", "low", "high", "wins", "losses", "ties"),
            "quartiles": ("system", "median", "q1", "q3", "ratings"),
            "seams": ("system", "seams", "hit_rate", "hit_low", "hit_high", "false_per_trial"),
            "exclusions": ("rule", "caught", "removed", "left"),
            "correlations": ("metric", "level", "n", "pearson", "spearman", "spearman_low", "spearman_high"),
            "anomalies": ("listener", "what", "detail"),
        }  # fmt: skip
        found = [(name, getattr(self, name)) for name in chosen]
        return [(name.replace("_", " "), _columns(rows, chosen[name])) for name, rows in found if rows]


def analyse(
    frame: pandas.DataFrame,
    study: Study,
    run: Run | None = None,
    facts: Mapping[str, Any] | None = None,
    *,
    sessions: pandas.DataFrame | None = None,
    claim: str | None = None,
    seed: int = 0,
) -> Analysis:
    """Apply the registered exclusions, then estimate.

    Args:
        frame: RATING_COLUMNS, every role, unfinished sessions too (``complete_only`` is a rule like others).
        run: whose metrics to join; sentences are its utterances.
        facts: for the methods text: ``recruitment``, ``question``, ``scale_labels``, ``stimuli``, ``opened``, ``hash``
            and ``version``, all optional.
        sessions: see :func:`.exclusions.apply_exclusions`; ``participant`` (a keyed hash) and ``minutes`` are read too.
        claim: "listeners and sentences" or "listeners"; None for the registered one.

    Raises:
        StudyError: columns missing, or no ratings left.
    """
    check_frame(frame)
    done = apply_exclusions(frame, study, sessions)
    rows = main_rows(done.kept)
    if rows.empty:
        raise StudyError(_nobody(done, frame))
    claim = claim or study.analysis.claim
    counted = judged(rows, study.protocol)
    order = _order(counted, study)
    estimates = _estimates(counted, order, study, claim, seed)
    found: dict[str, Any] = {
        "counts": _counts(frame, done, rows), "estimates": estimates, **_differences(counted, study, claim, seed),
        "exclusions": _exclusion_rows(done), "before_after": _before_after(frame, study, done, order, claim, seed),
        "excluded": [{"listener": name, "reasons": ", ".join(why)} for name, why in sorted(done.reasons.items())],
        "agreement": agreement(counted), "listeners": _listener_rows(frame, done, study),
        "repeats": repeat_pairs(done.kept).to_dict("records"), "anomalies": anomalies(frame, sessions),
        "balance": _balance(with_subject(rows), study), **_of_protocol(rows, study, claim, seed),
        **_objective(rows, study, run, claim, seed),
    }  # fmt: skip
    given = dict(facts or {})
    text = methods_text(study, given, done, found["counts"], claim, sessions)
    return Analysis(study=study.table(), facts=given, claim=claim, methods=text, **found)


def _estimate(frame: pandas.DataFrame, name: str, claim: str, seed: int) -> dict[str, Any]:
    """A mean with its interval, which ends where the scale does, and for preferences and CMOS the test against neither.

    ABX and same-different have tests of their own.
    """
    estimate, protocol = mean_opinion(frame, name, claim=claim, seed=seed), str(frame["protocol"].iloc[0])
    p_value = estimate.p_of(NEUTRAL[protocol]) if protocol in ("ab", "ccr") else math.nan
    lowest, highest = get_protocol(protocol).value_range
    bounds = {"low": max(estimate.low, lowest), "high": min(estimate.high, highest)} if estimate.has_interval else {}
    return {"system": name, **estimate.table(), **bounds, "p_value": p_value}


def _estimates(frame: pandas.DataFrame, order: list[str], study: Study, claim: str, seed: int) -> Rows:
    rows = [_estimate(frame, name, claim, seed) for name in order]
    for row, corrected in zip(rows, holm([row["p_value"] for row in rows]), strict=True):
        row["p_holm"] = float(corrected)
    if study.protocol == "ccr":
        more = comparison_rows(frame, order, claim=claim, margin=study.analysis.margin, seed=seed)
        rows = [row | others for row, others in zip(rows, more, strict=True)]
    return rows


def _order(frame: pandas.DataFrame, study: Study) -> list[str]:
    """Systems (and pairs of them) as the study file orders them, then the reference and the anchors."""
    known, names = list(dict.fromkeys(frame["system"])), (*study.systems, *NOT_SYSTEMS)
    pairs = [f"{other} against {base}" for base in names for other in names]
    return sorted(known, key=[*names, *pairs, *known].index)


def _differences(frame: pandas.DataFrame, study: Study, claim: str, seed: int) -> dict[str, Any]:
    if study.protocol in PAIR_PROTOCOLS:
        return {}
    systems = [name for name in _order(frame, study) if name not in NOT_SYSTEMS]
    pairs = [(a, b) for place, b in enumerate(systems) for a in systems[place + 1 :]]
    if study.design.pairs == "reference":
        pairs = [(a, b) for a, b in pairs if b == systems[0]]
    means = study.protocol != "seam-locating"
    margin = study.analysis.margin
    rows = pair_rows(frame, pairs, claim=claim, margin=margin, ordinal=means, seed=seed)
    rated = frame[frame["system"].isin(systems)]
    return {"differences": rows, "model": model_check(rated, pairs) if pairs and means else None}


def _of_protocol(rows: pandas.DataFrame, study: Study, claim: str, seed: int) -> dict[str, Any]:
    place = {name: index for index, name in enumerate(study.systems)}
    if study.protocol in PAIR_PROTOCOLS:  # tables in the order of the study file
        rows = rows.sort_values(["against", "system"], key=lambda names: names.map(place), kind="stable")
    if study.protocol in ABX_PROTOCOLS:
        return {"abx": [result.table() for result in abx_scores(rows, claim=claim, seed=seed)]}
    if study.protocol == "same-different":
        return {"same_different": [result.table() for result in same_different_scores(rows, claim=claim, seed=seed)]}
    if study.protocol == "ab":
        fitted = bradley_terry(rows, claim=claim, seed=seed)
        return {"abilities": fitted.abilities.to_dict("records"), "preferences": _preferences(rows)}
    if study.protocol == "ccr":
        return {"preferences": _preferences(rows.assign(value=(rows["value"] > 0) + 0.5 * (rows["value"] == 0)))}
    if study.protocol in ("mushra", "multi-stimulus"):
        systems = rows[~rows["system"].isin(NOT_SYSTEMS)]
        placed = quartiles(rows).set_index("system", drop=False).loc[_order(rows, study)]
        return {"quartiles": placed.to_dict("records"), "friedman": friedman(systems)}
    if study.protocol == "seam-locating":
        found = seam_hits(rows, claim=claim, seed=seed).set_index("system", drop=False)
        return {"seams": found.loc[_order(rows, study)].to_dict("records")}
    return {}


def _preferences(rows: pandas.DataFrame) -> Rows:
    """How often the system was preferred, neither, the other."""
    return [
        {"system": system, "against": against, "preferred": int((of["value"] == 1).sum()),
         "neither": int((of["value"] == 0.5).sum()), "other": int((of["value"] == 0).sum())}
        for (system, against), of in rows.groupby(["system", "against"], sort=False)
    ]  # fmt: skip


def _objective(rows: pandas.DataFrame, study: Study, run: Run | None, claim: str, seed: int) -> dict[str, Rows]:
    if run is None or study.protocol in PAIR_PROTOCOLS or study.protocol == "seam-locating":
        return {}
    scores = run.scores()
    table = correlations(rows, scores, claim=claim, seed=seed)
    return {
        "correlations": table.to_dict("records"),
        "points": points(rows, scores).to_dict("records") if len(table) else [],
    }


def _exclusion_rows(done: Exclusions) -> Rows:
    return [
        {"rule": of.name, "says": of.says, "caught": len(of.caught), "removed": len(of.removed), "left": of.left}
        for of in done.outcomes
    ]


def _before_after(
    frame: pandas.DataFrame, study: Study, done: Exclusions, order: list[str], claim: str, seed: int
) -> Rows:
    """Estimates with all listeners, and once more after each rule that removed somebody."""
    stages = [("nobody excluded", frozenset(frame["listener"]))]
    stages += [(f"after: {of.name}", done.after[of.name]) for of in done.outcomes if of.removed]
    subjects = judged(main_rows(frame), study.protocol)
    found = []
    for stage, listeners in stages:
        left = subjects[subjects["listener"].isin(listeners)]
        for name in order:
            if (left["system"] == name).any():
                row = _estimate(left, name, claim, seed)
                found.append({"stage": stage, "of": left["listener"].nunique(),
                              **{key: row[key] for key in ("system", "mean", "low", "high", "ratings")}})  # fmt: skip
    return found


def _listener_rows(frame: pandas.DataFrame, done: Exclusions, study: Study) -> Rows:
    rows = judged(main_rows(frame), study.protocol)
    seconds = trials_of(rows).groupby("listener")["elapsed_s"].mean()
    reasons = done.reasons
    return [
        {
            **row,
            "seconds_a_trial": float(seconds[row["listener"]]),
            "excluded": ", ".join(reasons.get(row["listener"], [])),
        }
        for row in listener_table(rows, NEUTRAL.get(study.protocol)).to_dict("records")
    ]


def _balance(rows: pandas.DataFrame, study: Study) -> Rows:
    """How often each system was rated, over sentences and in either place."""
    found = []
    for system in _order(rows, study):
        of = rows[rows["system"] == system]
        cells = of.groupby("sentence").size()
        found.append({"system": system, "ratings": len(of), "sentences": len(cells), "fewest": int(cells.min()),
                      "most": int(cells.max()), "listeners": of["listener"].nunique(),
                      "first": int((of["order"] == 0).sum())})  # fmt: skip
    return found


def _counts(frame: pandas.DataFrame, done: Exclusions, rows: pandas.DataFrame) -> dict[str, int]:
    return {
        "listeners_before": done.listeners, "listeners": rows["listener"].nunique(), "sentences": rows["sentence"].nunique(),
        "ratings_before": len(main_rows(frame)), "ratings": len(rows), "trials": len(trials_of(rows)),
    }  # fmt: skip


def _nobody(done: Exclusions, frame: pandas.DataFrame) -> str:
    if main_rows(frame).empty:
        return (
            "there are no ratings yet; open the study, send its link to listeners, and analyse when they have answered"
        )
    rules = ", ".join(f"{of.name} {len(of.removed)}" for of in done.outcomes if of.removed)
    return f"the registered rules exclude all {done.listeners} listeners ({rules}); look at them with `streamflow study export`"


def _columns(rows: Rows, names: tuple[str, ...]) -> Rows:
    """The columns that some row has a value of."""
    told = [name for name in names if any(row.get(name) is not None and row[name] == row[name] for row in rows)]
    told = [name for name in names if name in told or (name in ("low", "high") and "mean" in names)]
    return [{name: row.get(name) for name in told} for row in rows]


def _plain(value: Any) -> Any:
    """JSON's own types; NaN and infinity become None."""
    if isinstance(value, Mapping):
        return {str(key): _plain(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [_plain(inner) for inner in value]
    if hasattr(value, "item"):
        value = value.item()
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value if isinstance(value, str | int | float | bool | None) else str(value)
