"""Detectability: 0.5 where seams are like any other place, near 1 where they are not, and never fitted to its test."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binom
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.metrics import roc_auc_score

from harness.seams import planted, seam_detectability, seam_table
from harness.seams.detectability import area, discriminant, standardised

MEASURES = ("click", "mel_flux", "f0_step_cents")


def drawn(effect: float, utterances: int, seams: int, rng: np.random.Generator, missing: float = 0.3) -> pd.DataFrame:
    """A table as of many clips: three measures, seams ``effect`` deviations up in the first, F0 often missing."""
    rows = []
    for utterance in range(utterances):
        level = rng.standard_normal()  # an utterance's own, which must not help
        for sample in range(seams):
            for index, measure in enumerate(MEASURES):
                if measure == "f0_step_cents" and rng.random() < missing:
                    continue
                for role in ("seam", "interior", "reference", "reference_interior"):
                    value = level + rng.standard_normal() + (effect if role == "seam" and index == 0 else 0)
                    value = value if index == 0 else np.exp(value)
                    at = 5120 * (sample + 1) + (800 if "interior" in role else 0)
                    rows.append([f"u{utterance:02}", measure, "", at, role, value])
    return pd.DataFrame(rows, columns=["utterance", "measure", "unit", "sample", "role", "value"])


def test_seams_like_any_other_place_are_told_no_better_than_by_guessing():
    """40 experiments without an effect; areas of folds are not independent, and the interval must know it."""
    rng = np.random.default_rng(0)
    found = pd.concat([seam_detectability(drawn(0.0, 12, 8, rng)) for _ in range(40)])
    assert found["auc"].mean() == pytest.approx(0.5, abs=4 * found["auc"].std() / np.sqrt(40))
    for low, high in (("low", "high"), ("control_low", "control_high")):
        missed = int(((found[low] > 0.5) | (found[high] < 0.5)).sum())
        assert missed <= binom.ppf(0.999, 40, 0.05)


def test_the_area_is_what_theory_says_of_two_normal_distributions():
    """Seams one deviation up in one measure of three: area Φ(1 / √2) = 0.760, in intervals as often as they say."""
    rng = np.random.default_rng(1)
    rows = pd.concat([seam_detectability(drawn(1.0, 20, 12, rng)) for _ in range(20)])
    assert rows["auc"].mean() == pytest.approx(0.760, abs=0.015)
    assert ((rows["low"] < 0.76) & (rows["high"] > 0.76)).sum() >= 16
    assert set(rows["strongest"]) == {"click"} and set(rows["seams"]) == {240} and set(rows["because"]) == {""}
    assert rows["control"].mean() == pytest.approx(0.5, abs=0.03)


def test_planted_slips_are_told_and_the_recording_is_not(corpus, speakers):
    tables = []
    for name, clip in corpus.items():
        seams = list(range(5120, len(clip), 5120))
        for system, defect in (("slipped", planted.slip), ("whole", planted.untouched)):
            tables.append(seam_table(defect(clip, seams), seams, clip).assign(system=system, utterance=name))
    found = seam_detectability(pd.concat(tables), speakers=speakers)
    assert list(found.index) == ["slipped", "whole"]
    assert found.loc["slipped", "low"] > 0.7
    assert found.loc["whole", "auc"] < 0.62
    assert (found["control"] < 0.62).all() and (found["control_low"] < 0.55).all()
    assert found.loc["slipped", "strongest"] == "click"


def test_with_few_seams_or_utterances_there_is_no_figure_but_a_reason():
    rng = np.random.default_rng(2)
    for utterances, seams in ((4, 30), (6, 5)):
        row = seam_detectability(drawn(1.0, utterances, seams, rng)).loc[""]
        assert np.isnan(row["auc"]) and "are needed" in row["because"]
        assert str(utterances * seams) in row["because"]
    empty = drawn(1.0, 1, 1, rng).iloc[:0]
    assert seam_detectability(empty).loc[""]["because"]


def test_folds_do_not_meet_their_own_speakers():
    """Half of the speakers break upwards, half downwards: what is fitted to some says nothing of the others."""
    rng = np.random.default_rng(3)
    sides = [drawn(sign * 1.5, 6, 8, rng).assign(utterance=lambda t, s=name: s + t["utterance"])
             for name, sign in (("a", 1), ("b", -1), ("c", 1), ("d", -1), ("e", 1), ("f", -1))]  # fmt: skip
    table = pd.concat(sides)
    by_speaker = seam_detectability(table, speakers={name: name[0] for name in table["utterance"]}).loc[""]
    mixed = seam_detectability(table).loc[""]
    assert by_speaker["low"] < 0.5  # six speakers, and not 36 utterances
    assert by_speaker["high"] - by_speaker["low"] > 1.5 * (mixed["high"] - mixed["low"])


@given(st.lists(st.tuples(st.integers(0, 5), st.booleans()), min_size=2, max_size=40))
def test_area_is_that_of_scikit_learn(pairs):
    scores, labels = np.array([p[0] for p in pairs], float), np.array([p[1] for p in pairs])
    if labels.all() or not labels.any():
        assert np.isnan(area(scores, labels))
    else:
        assert area(scores, labels) == pytest.approx(roc_auc_score(labels, scores))


def test_the_discriminant_is_that_of_scikit_learn_but_for_its_shrinkage():
    rng = np.random.default_rng(4)
    mixing = rng.standard_normal((4, 4))
    x = rng.standard_normal((3000, 4)) @ mixing
    is_seam = np.arange(3000) % 2 == 0
    x[is_seam] += [0.3, 0.0, -0.2, 0.5]
    weights, scale = discriminant(x, is_seam)
    theirs = LinearDiscriminantAnalysis(solver="lsqr").fit(standardised(x, scale), is_seam).coef_[0]
    cosine = weights @ theirs / np.linalg.norm(weights) / np.linalg.norm(theirs)
    assert cosine > 0.97
    ours = roc_auc_score(is_seam, standardised(x, scale) @ weights)
    assert ours == pytest.approx(roc_auc_score(is_seam, standardised(x, scale) @ theirs), abs=0.01)


def test_missing_values_speak_for_neither_side():
    rng = np.random.default_rng(5)
    x = rng.standard_normal((400, 3))
    is_seam = np.arange(400) % 2 == 0
    x[is_seam, 0] += 1
    weights, scale = discriminant(x, is_seam)
    x[:, 2] = np.nan
    without, scale = discriminant(x, is_seam)
    assert without[2] == 0 and np.isfinite(without).all()
    assert standardised(x, scale)[:, 2].tolist() == [0.0] * 400
    assert without[0] == pytest.approx(weights[0], rel=0.1)
