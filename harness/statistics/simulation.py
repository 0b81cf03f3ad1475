"""Do the intervals cover, and the tests err, as often as they say? Measured on data whose truth is known.

``python -m harness.statistics.simulation [TRIALS]`` prints the tables that the docstrings of this package quote.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import cache
from typing import Literal

import numpy as np

from .bootstrap import hierarchical_bootstrap
from .location import locate
from .trimmed import TRIM

Kind = Literal["normal", "skewed", "one speaker astray", "skewed speakers", "unequal spread"]

OUTLIER = -11.0
"""Standard deviations that one utterance in 50 falls: what an alignment jump does to the PESQ of codecs one step
apart."""


@dataclass(frozen=True, slots=True)
class Design:
    """A corpus and what differs in it.

    Attributes:
        utterances, speakers: speakers read unequally much, the most talkative four times what the least does.
        icc: share of the variance that is the speaker's.
        kind: ``normal``; ``skewed`` (one utterance in 50 falls far); ``one speaker astray`` (the same number of
            falls, but all by one speaker in eight); ``skewed speakers`` (effects of speakers exponential); ``unequal
            spread`` (the standard deviations of speakers from 0.3 to 3).
        clustered: whether the analysis is told who speaks.
    """

    utterances: int
    speakers: int | None = None
    icc: float = 0.0
    kind: Kind = "normal"
    clustered: bool = True

    @property
    def groups(self) -> np.ndarray:
        """int ``[utterances]``, who speaks each."""
        if self.speakers is None:
            return np.arange(self.utterances)
        talk = np.geomspace(1, 4, self.speakers)
        edges = np.round(np.cumsum(talk) / talk.sum() * self.utterances).astype(int)
        return np.repeat(np.arange(self.speakers), np.maximum(1, np.diff(edges, prepend=0)))


def draw(design: Design, generator: np.random.Generator, groups: np.ndarray | None = None) -> np.ndarray:
    """float64 ``[utterances]``, differences in units of their standard deviation without falls."""
    groups = design.groups if groups is None else groups
    count, n = int(groups.max()) + 1, len(groups)
    own = generator.normal(size=count)
    if design.kind == "skewed speakers":
        own = generator.exponential(size=count) - 1
    rest = generator.normal(size=n)
    if design.kind == "unequal spread":
        rest *= np.exp(generator.uniform(np.log(0.3), np.log(3), count))[groups]
    x = np.sqrt(design.icc) * own[groups] + np.sqrt(1 - design.icc) * rest
    if design.kind == "skewed":
        x = x + OUTLIER * (generator.random(n) < 0.02)
    if design.kind == "one speaker astray":
        astray = (generator.random(count) < 1 / 8)[groups]
        x = x + OUTLIER * (astray & (generator.random(n) < 0.16))
    return x


@cache
def truth(icc: float, kind: Kind, trim: float) -> float:
    """The mean or trimmed mean of one utterance each of 400,000 speakers."""
    design = Design(400_000, None, icc, kind)
    return locate(draw(design, np.random.default_rng(12345)), None, trim).estimate


@dataclass(frozen=True, slots=True)
class Rates:
    """How often an interval held the truth, and tests at the truth said something.

    Attributes:
        coverage: of the two-sided interval of 0.95; nominal 0.95.
        false_pass: one-sided tests at 0.05 that the true value is higher than it is; nominal 0.05.
        false_fail: that it is lower; nominal 0.05.
        without: trials without an interval, which count nowhere.
    """

    coverage: float
    false_pass: float
    false_fail: float
    without: float


def rates(design: Design, trim: float = 0.0, *, trials: int = 2000, seed: int = 0) -> Rates:
    """Of the t-interval of the mean (``trim`` 0) or the trimmed mean."""
    true, groups = truth(design.icc, design.kind, trim), design.groups
    clusters = groups if design.clustered and design.speakers is not None else None

    def one(generator: np.random.Generator) -> tuple[bool, bool, bool] | None:
        found = locate(draw(design, generator, groups), clusters, trim)
        if not found.has_spread:
            return None
        lower, upper = (found.p_value(true, side) for side in ("greater", "less"))
        return min(lower, upper) >= 0.025, lower < 0.05, upper < 0.05

    return _counted(one, trials, seed)


def bootstrap_rates(design: Design, trim: float = 0.0, *, trials: int = 300, seed: int = 0) -> Rates:
    """Of :func:`~harness.statistics.bootstrap.hierarchical_bootstrap` with 1,000 resamples."""
    true, groups = truth(design.icc, design.kind, trim), design.groups
    clusters = groups if design.speakers is not None else None
    statistic = "trimmed" if trim else "mean"

    def one(generator: np.random.Generator) -> tuple[bool, bool, bool] | None:
        values = draw(design, generator, groups)
        _, low, high = hierarchical_bootstrap(values, clusters, statistic=statistic, resamples=1000)
        _, low90, high90 = hierarchical_bootstrap(values, clusters, statistic=statistic, level=0.9, resamples=1000)
        return None if low is None else (low <= true <= high, low90 > true, high90 < true)

    return _counted(one, trials, seed)


def _counted(one: Callable, trials: int, seed: int) -> Rates:
    generator = np.random.default_rng(seed)
    outcomes = [one(generator) for _ in range(trials)]
    made = np.array([outcome for outcome in outcomes if outcome is not None], dtype=float).reshape(-1, 3)
    share = made.mean(axis=0) if len(made) else np.full(3, np.nan)
    return Rates(*(float(value) for value in share), 1 - len(made) / trials)


def designs() -> Iterator[tuple[str, list[tuple[str, Design]]]]:
    """The tables: a title, and rows with a name."""
    for kind in ("normal", "skewed"):
        rows = [(f"{n} utterances", Design(n, kind=kind)) for n in (10, 20, 50)]
        yield f"Independent utterances, {kind}", rows
    for kind in ("normal", "skewed"):
        rows = [
            (f"{n} of {speakers} speakers, ICC {icc}", Design(n, speakers, icc, kind))
            for speakers, n in ((4, 50), (8, 50), (20, 50), (20, 200))
            for icc in (0.0, 0.2, 0.5)
        ]
        yield f"Speakers of unequal size, {kind}", rows
    hard: tuple[Kind, ...] = ("one speaker astray", "skewed speakers", "unequal spread")
    rows = [
        (f"{kind}, {speakers} speakers, ICC 0.3", Design(50, speakers, 0.3, kind))
        for kind in hard
        for speakers in (8, 20)
    ]
    rows += [(f"{speakers} speakers, ICC 0.3", Design(24, speakers, 0.3)) for speakers in (2, 3)]
    ignored = Design(50, 8, 0.5, clustered=False)
    yield "Hard cases", [*rows, ("8 speakers, ICC 0.5, clusters ignored", ignored)]


def main(trials: int = 2000) -> None:
    """Print coverage of the 95 % interval, and how often one-sided 5 % tests at the truth say better and worse."""
    error = 1.96 * np.sqrt(0.95 * 0.05 / trials)
    print(f"coverage (false better / false worse), {trials} trials: 0.95 (0.05 / 0.05) is right, +- {error:.3f}")
    for title, rows in designs():
        print(f"\n{title:<48}{'mean':<28}20 % trimmed mean")
        for name, design in rows:
            cells = (_cell(rates(design, trim, trials=trials)) for trim in (0.0, TRIM))
            print(f"{name:<48}" + "".join(f"{cell:<28}" for cell in cells))
    few = max(10, trials // 5)
    print(f"\n{f'Bootstrap over speakers, {few} trials':<48}{'mean':<28}20 % trimmed mean")
    plain = Design(50, 8, 0.3)
    for design in (plain, replace(plain, speakers=20), replace(plain, kind="skewed", speakers=20), Design(50)):
        cells = (_cell(bootstrap_rates(design, trim, trials=few)) for trim in (0.0, TRIM))
        who = "independent" if design.speakers is None else f"{design.speakers} speakers, ICC {design.icc}"
        print(f"{f'50 utterances, {who}, {design.kind}':<48}" + "".join(f"{cell:<28}" for cell in cells))


def _cell(found: Rates) -> str:
    none = f" {found.without:.0%} none" if found.without else ""
    return f"{found.coverage:.3f} ({found.false_pass:.3f} / {found.false_fail:.3f}){none}"


if __name__ == "__main__":
    main(*(int(argument) for argument in sys.argv[1:2]))
