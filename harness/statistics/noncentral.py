"""The noncentral t distribution turned round: which true effect would make an observed t a given quantile."""

from __future__ import annotations

import numpy as np
from scipy import special

FAR = 1e4


def noncentrality(t: float, freedom: float, probability: float) -> float:
    """The noncentrality at which ``t`` is the quantile ``probability``, by bisection (the cdf falls with it).

    Args:
        t: observed. freedom: its degrees of freedom. probability: 0..1.
    """
    if abs(t) > FAR:  # the normal part no longer matters beside the chi one, and the cdf runs out of digits
        share = 1 - probability if t > 0 else probability
        return float(t * np.sqrt(2 * special.gammaincinv(freedom / 2, share) / freedom))
    reach = 10 + 2 * abs(t)
    low, high = t - reach, t + reach
    for _ in range(80):
        middle = (low + high) / 2
        low, high = (middle, high) if special.nctdtr(freedom, middle, t) > probability else (low, middle)
    return (low + high) / 2


def power_of(noncentral: float, freedom: float, alpha: float, sides: int = 2) -> float:
    """Chance that a t test at ``alpha`` finds an effect of this noncentrality, on either side if ``sides`` is 2."""
    critical = special.stdtrit(freedom, 1 - alpha / sides)
    upper = 1 - special.nctdtr(freedom, noncentral, critical)
    lower = special.nctdtr(freedom, noncentral, -critical) if sides == 2 else 0.0
    return float(upper + lower)


def detectable_noncentrality(freedom: float, power: float, alpha: float, sides: int = 2) -> float:
    """The noncentrality found with a chance of ``power``, by bisection."""
    low, high = 0.0, 10.0
    while power_of(high, freedom, alpha, sides) < power:
        high *= 2
        if high > 1e6:
            return float("inf")
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if power_of(middle, freedom, alpha, sides) < power else (low, middle)
    return (low + high) / 2
