"""Presses against seams; the oracle of the matching is SciPy's maximum bipartite matching."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.sparse import csr_array
from scipy.sparse.csgraph import maximum_bipartite_matching

from listening_tests.errors import AnswerError
from listening_tests.protocols import get_protocol
from listening_tests.protocols.seam_locating import REACTION_S, match_presses

times = st.lists(st.integers(0, 400), max_size=8).map(lambda found: sorted(number / 100 for number in found))
protocol = get_protocol("seam-locating")


@settings(max_examples=300, deadline=None)
@given(seams=times, presses=times)
def test_as_many_seams_are_answered_as_can_be(seams, presses):
    hits, false = match_presses(seams, presses)
    assert sorted([press for press in hits if press is not None] + false) == presses
    for seam, press in zip(seams, hits, strict=True):
        assert press is None or REACTION_S[0] - 1e-5 <= press - seam <= REACTION_S[1] + 1e-5
    if seams and presses:
        delay = np.subtract.outer(presses, seams).round(6)
        able = csr_array((delay >= REACTION_S[0]) & (delay <= REACTION_S[1]))
        most = int((maximum_bipartite_matching(able, perm_type="column") >= 0).sum())
        assert sum(press is not None for press in hits) == most


# the clips of the fixture have seams at 0.24, 1.2 and 2.16 s and last 2.5 s, so the last one is not scored
def rows(step, *presses):
    answer = {"presses": list(presses)}
    protocol.check(step, answer)
    return [(row.truth, row.value, row.response) for row in protocol.ratings(step, answer)]


def test_hits_misses_and_false_presses(arrange):
    step = arrange("seam-locating", ("naive",))
    assert step.secret["key"]["seams"] == [0.24, 1.2, 2.16]
    assert rows(step, 0.1, 0.6) == [("seam", 1, "0.600"), ("seam", 0, ""), ("none", 1, "0.100")]


def test_a_trial_without_false_presses_is_in_the_table(arrange):
    assert rows(arrange("seam-locating", ("full",))) == [("none", 0, "")]
    assert rows(arrange("seam-locating", ("full",)), 1.0) == [("none", 1, "1.000")]


def test_a_seam_too_near_the_end_counts_neither_way(arrange):
    step = arrange("seam-locating", ("naive",))
    missed = [("seam", 0, ""), ("seam", 0, ""), ("none", 0, "")]
    assert rows(step) == missed
    assert rows(step, 2.4) == missed  # an answer to the last seam, not a false press


def test_pressing_all_the_time_costs_false_presses(arrange):
    found = rows(arrange("seam-locating", ("naive",)), *(0.1 * number for number in range(25)))
    assert [truth for truth, _, _ in found].count("none") == 22


@pytest.mark.parametrize(
    ("presses", "message"),
    [([3.6], "outside the sound"), ([1.0, 0.5], "order of time"), ([0.01 * n for n in range(50)], "a hand"),
     (["1"], "outside the sound"), ([True], "outside the sound"), ({}, "list of seconds")],
)  # fmt: skip
def test_presses_that_cannot_be_are_refused(arrange, presses, message):
    with pytest.raises(AnswerError, match=message):
        protocol.check(arrange("seam-locating", ("naive",)), {"presses": presses})
