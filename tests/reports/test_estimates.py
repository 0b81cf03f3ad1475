from __future__ import annotations

import math

import numpy as np
import pytest

from harness.statistics import paired_difference, yuen_interval
from reports.estimates import mean, paired

VALUES = np.random.default_rng(0).normal(size=(2, 20))


def test_a_paired_estimate_is_that_of_the_statistics_with_its_n():
    found = paired(*VALUES, ["a", "b"] * 10)
    assert (found.mean, found.low, found.high) == pytest.approx(paired_difference(*VALUES, ["a", "b"] * 10))
    assert found.n == 20
    trimmed = paired(*VALUES, trim=0.2)
    assert (trimmed.mean, trimmed.low, trimmed.high) == pytest.approx(yuen_interval(VALUES[0] - VALUES[1]))


@pytest.mark.parametrize(("values", "n"), [([], 0), ([math.nan], 0), ([1.0], 1), ([1.0, math.nan], 1), ([2.0, 2.0], 2)])
def test_what_has_no_interval_says_nan_and_how_many_there_were(values, n):
    found = mean(values)
    assert found.n == n
    assert math.isnan(found.low)
    assert not found.has_interval
    assert not found.excludes_zero
