"""Bradley-Terry against statsmodels, intraclass correlations against Shrout and Fleiss, seams, Friedman."""

from __future__ import annotations

import sys
from itertools import combinations
from pathlib import Path

import numpy as np
import pandas
import pytest
import statsmodels.api as sm

sys.path.insert(0, str(Path(__file__).parent))

from make_ratings import frame_of, make_ratings

from listening_tests.analysis.bradley_terry import bradley_terry, fit
from listening_tests.analysis.mushra import friedman, quartiles
from listening_tests.analysis.reliability import agreement, icc_one_way, icc_two_way, listener_table
from listening_tests.analysis.seams import seam_hits
from listening_tests.errors import StudyError

SHROUT_FLEISS = np.array([[9, 2, 5, 8], [6, 1, 3, 2], [8, 4, 6, 8], [7, 1, 2, 6], [10, 5, 6, 9], [6, 2, 4, 7]], float)


def loglinear(counts: np.ndarray) -> tuple[np.ndarray, float]:
    """Davidson's model as a Poisson regression (Fienberg and Larntz 1976), by statsmodels."""
    wins, ties = counts
    size = len(wins)
    pairs = list(combinations(range(size), 2))
    rows, y = [], []
    for number, (i, j) in enumerate(pairs):
        for who, seen in ((i, wins[i, j]), (j, wins[j, i]), (None, ties[i, j] + ties[j, i])):
            strength, nuisance = np.zeros(size), np.zeros(len(pairs))
            nuisance[number] = 1
            if who is None:
                strength[[i, j]] = 0.5
            else:
                strength[who] = 1
            rows.append([*strength[1:], float(who is None), *nuisance])
            y.append(seen)
    found = sm.GLM(np.array(y), np.array(rows), family=sm.families.Poisson()).fit().params
    abilities = np.concatenate([[0.0], found[: size - 1]])
    return abilities - abilities.mean(), float(np.exp(found[size - 1]))


def test_abilities_are_those_of_the_loglinear_model() -> None:
    wins = np.array([[0, 14, 9, 20], [6, 0, 7, 12], [8, 10, 0, 15], [3, 5, 4, 0]], float)
    ties = np.array([[0, 4, 6, 2], [0, 0, 5, 3], [0, 0, 0, 1], [0, 0, 0, 0]], float)
    abilities, tie = fit(np.stack([wins, ties]), ridge=1e-9)
    expected, expected_tie = loglinear(np.stack([wins, ties]))
    np.testing.assert_allclose(abilities, expected, atol=1e-5)
    assert tie == pytest.approx(expected_tie, abs=1e-5)


def test_the_order_of_systems_is_found_whichever_way_pairs_are_written() -> None:
    frame = make_ratings("ab", 18, bots=0)
    main = frame[frame["role"] == "main"]
    turned = main.assign(system=main["against"], against=main["system"], value=1 - main["value"])
    one, other = (bradley_terry(of, replicates=50).abilities.set_index("system")["ability"] for of in (main, turned))
    assert one.index[-1] == "naive"
    pandas.testing.assert_series_equal(one, other[one.index], rtol=1e-6)


def test_a_system_that_never_lost_has_a_finite_ability() -> None:
    rows = [{"listener": f"L{i}", "sentence": f"s{i}", "system": "b", "against": "a", "value": 1.0} for i in range(9)]
    table = bradley_terry(frame_of(rows), replicates=20).abilities
    assert np.isfinite(table[["ability", "low", "high"]].to_numpy()).all() and table["system"][0] == "b"


def test_other_values_than_preferences_are_refused() -> None:
    with pytest.raises(StudyError, match="preferences of 0"):
        bradley_terry(frame_of([{"system": "b", "against": "a", "value": -2.0}]))


def test_intraclass_correlations_are_those_of_shrout_and_fleiss() -> None:
    assert icc_one_way(SHROUT_FLEISS.ravel(), np.repeat(range(6), 4)) == pytest.approx((0.17, 0.44), abs=0.006)
    assert icc_two_way(SHROUT_FLEISS) == pytest.approx((0.29, 0.62), abs=0.006)


def test_the_model_of_agreement_follows_the_design() -> None:
    crossed = make_ratings("mushra", 6, bots=0)
    square = make_ratings("acr-naturalness", 6, bots=0)
    assert agreement(crossed[crossed["role"] == "main"])["model"].startswith("two-way")
    assert agreement(square[square["role"] == "main"])["model"].startswith("one-way")


def test_an_inverted_listener_goes_against_the_others() -> None:
    frame = make_ratings("mushra", 8, bots=0)
    main = frame[frame["role"] == "main"].copy()
    upside = main["listener"] == "L03"
    main.loc[upside, "value"] = 100 - main.loc[upside, "value"]
    table = listener_table(main).set_index("listener")["correlation"]
    assert table["L03"] < -0.5 and (table.drop("L03") > 0.5).all()


def test_hits_and_false_presses_are_counted_and_lie_in_their_intervals() -> None:
    frame = make_ratings("seam-locating", 12, bots=0)
    table = seam_hits(frame[frame["role"] == "main"], replicates=300).set_index("system")
    assert (table["trials"] == 36).all() and (table["seams"] == 144).all()
    assert table.loc["naive", "hit_low"] > table.loc["full", "hit_high"]
    assert ((table["hit_low"] <= table["hit_rate"]) & (table["hit_rate"] <= table["hit_high"])).all()
    assert table.loc["full", "false_per_trial"] == pytest.approx(0.3, abs=0.2)


def test_a_system_without_seams_has_no_hit_rate_but_false_presses() -> None:
    rows = [{"listener": f"L{i}", "system": "full", "truth": "none", "value": float(i % 2)} for i in range(6)]
    (row,) = seam_hits(frame_of(rows), replicates=100).to_dict("records")
    assert np.isnan(row["hit_rate"]) and row["false_per_trial"] == 0.5


def test_mushra_quartiles_are_numpys_and_friedman_takes_listeners() -> None:
    frame = make_ratings("mushra", 10, bots=0)
    main = frame[(frame["role"] == "main") & frame["system"].isin(["full", "naive", "streamflow-sr"])]
    row = quartiles(main).set_index("system").loc["naive"]
    expected = np.quantile(main.loc[main["system"] == "naive", "value"], [0.25, 0.5, 0.75])
    np.testing.assert_allclose([row["q1"], row["median"], row["q3"]], expected)
    told = friedman(main)
    assert told["listeners"] == 10 and told["systems"] == 3 and told["p_value"] < 0.01 and 0 < told["kendall_w"] <= 1
    assert friedman(main[main["system"] != "naive"]) is None
