"""The whole analysis of a study: ratings and registered rules in, tables out."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any

import pandas

from harness.run import Run
from listening_tests.errors import StudyError
from listening_tests.model import ANCHOR_LOW, ANCHOR_MID, REFERENCE
from listening_tests.study import Study

from .abx import abx_scores
from .anomalies import anomalies
from .bradley_terry import bradley_terry
from .crossed_bootstrap import differences, mean_opinion
from .estimate import BOTH
from .exclusions import Exclusions, apply_exclusions, repeat_pairs
from .methods_text import methods_text
from .multiplicity import holm
from .mushra import friedman, quartiles
from .objective import correlations, points
from .reliability import agreement, listener_table
from .rows import ABX_PROTOCOLS, PAIR_PROTOCOLS, check_frame, main_rows, trials_of, with_subject
from .same_different import same_different_scores
from .seams import seam_hits

Rows = list[dict[str, Any]]
NEUTRAL = {"ab": 0.5, "abx": 0.5, "abx-offline": 0.5, "ccr": 0.0}  # value that says nothing either way
NOT_SYSTEMS = (REFERENCE, ANCHOR_LOW, ANCHOR_MID)


@dataclass(frozen=True, slots=True)
class Analysis:
    """What a study found. Every table is a list of rows that JSON can hold (NaN is None there).

    Attributes:
        study: the study file as a table. facts: what was given beside, such as texts and recruitment.
        claim: whom intervals speak of. counts: listeners, sentences, ratings, before and after exclusions.
        estimates: a row a system (or pair): mean, low, high, ratings, listeners, sentences.
        differences: a row a pair of systems, p values by Holm; empty for pair protocols.
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
            "estimates": ("system", "mean", "low", "high", "ratings", "listeners", "sentences"),
            "differences": ("a", "b", "mean", "low", "high", "p_value", "p_holm"),
            "abx": ("system", "against", "trials", "correct", "p_value", "d_prime", "d_low", "d_high"),
            "same_different": ("system", "against", "hits", "false_alarms", "d_prime", "d_low", "d_high"),
            "abilities": ("system", "ability", "low", "high", "wins", "losses", "ties"),
            "quartiles": ("system", "median", "q1", "q3", "ratings"),
            "seams": ("system", "seams", "hit_rate", "hit_low", "hit_high", "false_per_trial"),
            "exclusions": ("rule", "caught", "removed", "left"),
            "correlations": ("metric", "level", "n", "pearson", "spearman", "spearman_low", "spearman_high"),
            "anomalies": ("listener", "what", "detail"),
        }
        found = [(name, getattr(self, name)) for name in chosen]
        return [
            (name.replace("_", " "), [{key: row[key] for key in chosen[name] if key in row} for row in rows])
            for name, rows in found
            if rows
        ]


def analyse(
    frame: pandas.DataFrame,
    study: Study,
    run: Run | None = None,
    facts: Mapping[str, Any] | None = None,
    *,
    sessions: pandas.DataFrame | None = None,
    claim: str = BOTH,
    seed: int = 0,
) -> Analysis:
    """Apply the registered exclusions, then estimate.

    Args:
        frame: RATING_COLUMNS, every role, unfinished sessions too (``complete_only`` is a rule like others).
        run: whose metrics to join; sentences are its utterances.
        facts: for the methods text: ``recruitment``, ``question``, ``scale_labels``, ``stimuli``, ``opened``, ``hash``
            and ``version``, all optional.
        sessions: see :func:`.exclusions.apply_exclusions`; ``participant`` (a keyed hash) and ``minutes`` are read too.
        claim: "listeners and sentences" or "listeners".

    Raises:
        StudyError: columns missing, or no ratings left.
    """
    check_frame(frame)
    done = apply_exclusions(frame, study, sessions)
    rows = main_rows(done.kept)
    if rows.empty:
        raise StudyError(_nobody(done, frame))
    subjects = with_subject(rows)
    counted = subjects[subjects["truth"] == "seam"] if study.protocol == "seam-locating" else subjects
    order = _order(counted, study)
    estimates = [_estimate(counted, name, claim, seed) for name in order]
    for row, corrected in zip(estimates, holm([row["p_value"] for row in estimates]), strict=True):
        row["p_holm"] = float(corrected)
    found: dict[str, Any] = {
        "counts": _counts(frame, done, rows), "estimates": estimates, "differences": _differences(counted, study, claim, seed),
        "exclusions": _exclusion_rows(done), "before_after": _before_after(frame, study, done, order, claim, seed),
        "excluded": [{"listener": name, "reasons": ", ".join(why)} for name, why in sorted(done.reasons.items())],
        "agreement": agreement(counted), "listeners": _listener_rows(frame, done),
        "repeats": repeat_pairs(done.kept).to_dict("records"), "anomalies": anomalies(frame, sessions),
        "balance": _balance(subjects), **_of_protocol(rows, study, claim, seed), **_objective(rows, study, run, claim, seed),
    }  # fmt: skip
    given = dict(facts or {})
    text = methods_text(study, given, done, found["counts"], claim, sessions)
    return Analysis(study=study.table(), facts=given, claim=claim, methods=text, **found)


def _estimate(frame: pandas.DataFrame, name: str, claim: str, seed: int) -> dict[str, Any]:
    estimate = mean_opinion(frame, name, claim=claim, seed=seed)
    neutral = NEUTRAL.get(str(frame["protocol"].iloc[0]))
    p_value = math.nan if neutral is None else estimate.p_of(neutral)
    return {"system": name, **estimate.table(), "p_value": p_value}


def _order(frame: pandas.DataFrame, study: Study) -> list[str]:
    """Systems as the study file orders them, then what is not a system; pairs as they come."""
    known = list(dict.fromkeys(frame["system"]))
    first = [name for name in study.systems if name in known]
    return first + sorted(set(known) - set(first), key=known.index)


def _differences(frame: pandas.DataFrame, study: Study, claim: str, seed: int) -> Rows:
    if study.protocol in PAIR_PROTOCOLS:
        return []
    systems = [name for name in _order(frame, study) if name not in NOT_SYSTEMS]
    pairs = [(a, b) for place, b in enumerate(systems) for a in systems[place + 1 :]]
    if study.design.pairs == "reference":
        pairs = [(a, b) for a, b in pairs if b == systems[0]]
    return differences(frame, pairs, claim=claim, seed=seed).to_dict("records") if pairs else []


def _of_protocol(rows: pandas.DataFrame, study: Study, claim: str, seed: int) -> dict[str, Any]:
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
        return {"quartiles": quartiles(rows).to_dict("records"), "friedman": friedman(systems)}
    if study.protocol == "seam-locating":
        return {"seams": seam_hits(rows, claim=claim, seed=seed).to_dict("records")}
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
    subjects = with_subject(main_rows(frame))
    if study.protocol == "seam-locating":
        subjects = subjects[subjects["truth"] == "seam"]
    found = []
    for stage, listeners in stages:
        left = subjects[subjects["listener"].isin(listeners)]
        for name in order:
            if (left["system"] == name).any():
                row = _estimate(left, name, claim, seed)
                found.append({"stage": stage, "of": left["listener"].nunique(),
                              **{key: row[key] for key in ("system", "mean", "low", "high", "ratings")}})  # fmt: skip
    return found


def _listener_rows(frame: pandas.DataFrame, done: Exclusions) -> Rows:
    rows = with_subject(main_rows(frame))
    seconds = trials_of(rows).groupby("listener")["elapsed_s"].mean()
    reasons = done.reasons
    return [
        {
            **row,
            "seconds_a_trial": float(seconds[row["listener"]]),
            "excluded": ", ".join(reasons.get(row["listener"], [])),
        }
        for row in listener_table(rows).to_dict("records")
    ]


def _balance(rows: pandas.DataFrame) -> Rows:
    """How often each system was rated, over sentences and in either place."""
    found = []
    for system, of in rows.groupby("system", sort=False):
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
        return "there are no ratings yet; open the study and wait for listeners (streamflow study monitor STUDY)"
    rules = ", ".join(f"{of.name} {len(of.removed)}" for of in done.outcomes if of.removed)
    return f"the registered rules exclude all {done.listeners} listeners ({rules}); look at them with `streamflow study export`"


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
