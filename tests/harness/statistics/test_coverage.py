"""Intervals cover and tests err as often as they say, on simulated utterances of speakers: rates, never single cases."""

from __future__ import annotations

import numpy as np
import pytest

from harness.statistics import non_inferiority
from harness.statistics.simulation import Design, bootstrap_rates, draw, main, rates, truth

KINDS = ("normal", "skewed", "one speaker astray", "unequal spread")
NEAR = pytest.approx(0.05, abs=0.027)


@pytest.mark.parametrize("kind", ["normal", "skewed"])
@pytest.mark.parametrize("utterances", [10, 20, 50])
def test_trimmed_means_of_independent_utterances_hold_their_level(utterances, kind):
    found = rates(Design(utterances, kind=kind), 0.2, trials=1500)
    assert 0.925 < found.coverage < 0.97
    assert found.false_pass == NEAR
    assert found.false_fail == NEAR


@pytest.mark.parametrize("kind", ["normal", "skewed"])
@pytest.mark.parametrize("icc", [0.0, 0.2, 0.5])
@pytest.mark.parametrize("speakers", [4, 8, 20])
def test_trimmed_means_hold_their_level_with_speakers_of_unequal_size(speakers, icc, kind):
    found = rates(Design(50, speakers, icc, kind), 0.2, trials=800)
    assert 0.915 < found.coverage < 0.98
    assert found.false_pass == NEAR
    assert found.false_fail == NEAR
    assert found.without < 0.01


@pytest.mark.parametrize("kind", ["one speaker astray", "unequal spread"])
@pytest.mark.parametrize("speakers", [8, 20])
def test_what_goes_astray_may_be_one_speakers(speakers, kind):
    found = rates(Design(50, speakers, 0.3, kind), 0.2, trials=1000)
    assert 0.92 < found.coverage < 0.975
    assert found.false_pass == NEAR


@pytest.mark.parametrize("utterances", [20, 50])
def test_means_of_skewed_differences_would_pass_what_is_at_the_margin(utterances):
    """Why heavy-tailed metrics are trimmed: the nominal 0.05 is 0.12 and more."""
    assert rates(Design(utterances, kind="skewed"), trials=1000).false_pass > 0.12
    assert rates(Design(50, 20, 0.2, "skewed"), trials=1000).false_pass > 0.09


def test_ignoring_the_speakers_covers_two_thirds():
    assert rates(Design(50, 8, 0.5, clustered=False), 0.2, trials=600).coverage < 0.75


@pytest.mark.parametrize("kind", ["normal", "skewed"])
@pytest.mark.parametrize("speakers", [None, 8, 20])
def test_a_candidate_at_the_margin_passes_and_fails_as_rarely_as_said(speakers, kind):
    design = Design(50, speakers, 0.0 if speakers is None else 0.3, kind)
    generator, true = np.random.default_rng(4), truth(design.icc, kind, 0.2)
    clusters = None if speakers is None else design.groups
    verdicts = [non_inferiority(draw(design, generator) - true - 0.5, 0.5, clusters).verdict for _ in range(800)]
    assert verdicts.count("PASS") / 800 == NEAR
    assert verdicts.count("FAIL") / 800 == NEAR


@pytest.mark.slow
@pytest.mark.parametrize("trim", [0.0, 0.2])
@pytest.mark.parametrize("design", [Design(50), Design(50, 20, 0.3), Design(50, 8, 0.3)])
def test_the_bootstrap_covers_with_eight_speakers_and_more(design, trim):
    assert 0.89 < bootstrap_rates(design, trim, trials=400).coverage < 0.985


def test_the_tables_are_printed(capsys):
    main(20)
    printed = capsys.readouterr().out
    assert "50 of 8 speakers, ICC 0.5" in printed
    assert "20 % trimmed mean" in printed
