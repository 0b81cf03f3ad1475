"""Everything said about a pair of systems: the difference, how large it is, whether it is equivalence, and a second opinion.

The difference with its interval (:func:`crossed_bootstrap.difference`) is the result. The sign-flip test and the effect sizes
stand beside it; the mixed model is a check by another method, never a second chance.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas

from harness.statistics import holm
from listening_tests.errors import StudyError

from .crossed_bootstrap import differences, mean_opinion
from .effect_size import paired_d, superiority
from .equivalence import Equivalence, equivalence, within_margin
from .estimate import BOTH
from .mixed_model import mixed_model
from .permutation import sign_flip

Rows = list[dict[str, Any]]
Pairs = Sequence[tuple[str, str]]
ALPHA = 0.05
LARGEST_MODEL = 3000  # ratings: the mixed model solves a dense system over all of them, some seconds for so many


def pair_rows(
    frame: pandas.DataFrame,
    pairs: Pairs,
    *,
    claim: str = BOTH,
    margin: float | None = None,
    ordinal: bool = True,
    seed: int = 0,
) -> Rows:
    """A row a pair.

    Args:
        frame: columns listener, sentence, system, value; all systems, since others' ratings tell how hard sentences were.
        pairs: (a, b) for a minus b.
        margin: registered, in points; None for no equivalence tests.
        ordinal: whether "a rating of a is above one of b" means something; not of shares of hits.

    Returns:
        The fields of ``differences``; ``p_permutation`` and ``p_permutation_holm`` (sign flips over listeners, whose claim
        is about these sentences alone); ``d``, ``d_low``, ``d_high`` (paired over listeners); ``superiority`` with bounds; with
        a margin ``margin``, ``low_90``, ``high_90``, ``p_equivalence``, ``p_equivalence_holm`` and ``equivalent``. NaN where
        there is no spread, or no listener who rated both.
    """
    if not pairs:
        return []
    rows = differences(frame, pairs, claim=claim, seed=seed).to_dict("records")
    for row in rows:
        row.update(
            _permuted(frame, row["a"], row["b"], seed), **_sizes(frame, row["a"], row["b"], claim, seed, ordinal)
        )
        if margin is not None:
            found = equivalence(frame, row["a"], row["b"], margin, alpha=ALPHA, claim=claim, seed=seed)
            row.update(_equivalence(found))
    return _corrected(rows, margin)


def comparison_rows(
    frame: pandas.DataFrame, subjects: Sequence[str], *, claim: str = BOTH, margin: float | None = None, seed: int = 0
) -> Rows:
    """For direct comparisons (CCR), whose mean is itself the difference: the same columns, a row a pair judged.

    Args:
        frame: columns listener, sentence, system (the pair), value (0 for neither).
    """
    rows = []
    for name in subjects:
        of = frame[frame["system"] == name]
        both = pandas.concat([of.assign(system="judged"), of.assign(system="neutral", value=0.0)], ignore_index=True)
        row = {"system": name, **_permuted(both, "judged", "neutral", seed),
               **_sizes(both, "judged", "neutral", claim, seed, ordinal=False)}  # fmt: skip
        if margin is not None:
            ninety = mean_opinion(frame, name, claim=claim, level=1 - 2 * ALPHA, seed=seed)
            row |= _equivalence(within_margin(ninety, margin, alpha=ALPHA))
        rows.append(row)
    return _corrected(rows, margin)


def _corrected(rows: Rows, margin: float | None) -> Rows:
    corrected(rows, "p_permutation")
    if margin is not None:
        corrected(rows, "p_equivalence")
        for row in rows:
            known = np.isfinite(row["p_equivalence_holm"])
            row["equivalent"] = bool(row["p_equivalence_holm"] < ALPHA) if known else None
    return rows


def corrected(rows: Rows, name: str) -> None:
    """Add Holm's correction of the p values ``name`` over all rows, as ``name_holm``."""
    for row, value in zip(rows, holm([row[name] for row in rows]), strict=True):
        row[f"{name}_holm"] = float(value)


def model_check(frame: pandas.DataFrame, pairs: Pairs) -> dict[str, Any]:
    """The same differences by a linear mixed model: ``rows`` (a, b, mean, low, high, p_value, p_holm), ``structure``,
    ``components`` (standard deviations, points), ``note``; no rows where it could not be fitted, and ``note`` says why."""
    try:
        if len(frame) > LARGEST_MODEL:
            raise StudyError(f"{len(frame)} ratings are more than the {LARGEST_MODEL} that are fitted as a check")
        model = mixed_model(frame)
    except StudyError as error:
        return {"rows": [], "structure": [], "components": {}, "note": f"not fitted: {error}"}
    rows = []
    for a, b in pairs:
        mean, low, high, p_value = model.difference(a, b)
        rows.append({"a": a, "b": b, "mean": mean, "low": float(low), "high": float(high), "p_value": p_value})
    for row, value in zip(rows, holm([row["p_value"] for row in rows]), strict=True):
        row["p_holm"] = float(value)
    return {"rows": rows, "structure": list(model.structure), "components": model.components, "note": model.note}


def _permuted(frame: pandas.DataFrame, a: str, b: str, seed: int) -> dict[str, float]:
    try:
        found = sign_flip(frame, a, b, seed=seed)
    except StudyError:  # no listener rated both
        return {"p_permutation": np.nan}
    return {"p_permutation": found.p_value if found.listeners > 1 else np.nan}


def _sizes(frame: pandas.DataFrame, a: str, b: str, claim: str, seed: int, ordinal: bool) -> dict[str, float]:
    try:
        d = paired_d(frame, a, b)
        found = {"d": d.mean, "d_low": d.low, "d_high": d.high}
    except StudyError:
        found = dict.fromkeys(("d", "d_low", "d_high"), np.nan)
    if ordinal:
        above = superiority(frame, a, b, claim=claim, seed=seed)
        found |= {"superiority": above.mean, "superiority_low": above.low, "superiority_high": above.high}
    return found


def _equivalence(found: Equivalence) -> dict[str, float]:
    low, high = found.estimate.low, found.estimate.high
    return {"margin": found.margin, "low_90": low, "high_90": high, "p_equivalence": found.p_value}
