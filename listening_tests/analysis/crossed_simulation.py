"""How often intervals hold the truth, by simulating studies whose truth is known.

``python -m listening_tests.analysis.crossed_simulation`` prints the tables that docstrings and documents quote.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pandas
from scipy import stats

from .crossed_bootstrap import difference, mean_opinion


@dataclass(frozen=True, kw_only=True, slots=True)
class World:
    """Standard deviations, in points of a five-point scale, of what makes ratings differ.

    The defaults are what the project assumes before a pilot is had (``planning.Components``), and a little that listener and
    sentence share.

    Attributes:
        integer: ratings are rounded and clipped to 1..5, as listeners give them.
    """

    mean: float = 3.3
    listener: float = 0.5
    sentence: float = 0.3
    listener_system: float = 0.30
    sentence_system: float = 0.20
    listener_sentence: float = 0.2
    error: float = 0.75
    integer: bool = True

    def expected(self, offset: float = 0.0) -> float:
        """Mean rating of a system that lies ``offset`` above the mean, over all listeners and sentences."""
        if not self.integer:
            return self.mean + offset
        spread = np.linalg.norm(
            [
                self.listener,
                self.sentence,
                self.listener_system,
                self.sentence_system,
                self.listener_sentence,
                self.error,
            ]
        )
        steps = np.arange(1.5, 5.0)
        return float(1 + stats.norm.sf(steps, self.mean + offset, spread).sum())


@dataclass(frozen=True, kw_only=True, slots=True)
class Layout:
    """Who rates what.

    Attributes:
        listeners, sentences, systems: counts.
        latin: each listener hears each sentence in one system; else in all.
        missing: share of ratings lost at random.
    """

    listeners: int
    sentences: int
    systems: int = 2
    latin: bool = False
    missing: float = 0.0

    @property
    def name(self) -> str:
        """As in tables."""
        kind = f"Latin {self.listeners}x{self.sentences}" if self.latin else f"{self.listeners}x{self.sentences}"
        lost = f", {self.missing:.0%} lost" if self.missing else ""
        return f"{kind}, {self.systems} systems{lost}"


def simulate_ratings(layout: Layout, world: World, generator: np.random.Generator, offsets=()) -> pandas.DataFrame:
    """A study's ratings: columns ``listener``, ``sentence``, ``system`` ("s0", ...), ``value``.

    Args:
        offsets: of the systems above ``world.mean``, in points; 0 for those not given.
    """
    grid = np.indices((layout.listeners, layout.sentences, layout.systems)).reshape(3, -1)
    if layout.latin:
        grid = grid[:, (grid[0] + grid[1]) % layout.systems == grid[2]]
    if layout.missing:
        grid = grid[:, generator.random(grid.shape[1]) >= layout.missing]
    who, sentence, system = grid
    shape = (layout.listeners, layout.sentences, layout.systems)
    above = np.zeros(layout.systems)
    above[: len(offsets)] = offsets
    normal = generator.standard_normal
    value = world.mean + above[system] + world.error * normal(len(who))
    value += world.listener * normal(shape[0])[who] + world.sentence * normal(shape[1])[sentence]
    value += world.listener_system * normal((shape[0], shape[2]))[who, system]
    value += world.sentence_system * normal((shape[1], shape[2]))[sentence, system]
    value += world.listener_sentence * normal(shape[:2])[who, sentence]
    if world.integer:
        value = np.clip(np.rint(value), 1, 5)
    names = np.array([f"s{i}" for i in range(layout.systems)])
    return pandas.DataFrame({"listener": who, "sentence": sentence, "system": names[system], "value": value})


def coverage(
    layout: Layout, world: World, methods: tuple[str, ...], *, studies: int = 600, seed: int = 0, offset: float = 0.0
) -> dict[str, dict[str, float]]:
    """Share of studies whose 95 % interval holds the truth, a method.

    Returns:
        method -> ``mean`` (of s0's mean opinion), ``difference`` (of s0 minus s1, whose truth ``offset`` makes), and
        ``width``, the mean half-width of the latter.
    """
    truth = world.expected(offset), world.expected(offset) - world.expected()
    held = {method: {"mean": 0.0, "difference": 0.0, "width": 0.0} for method in methods}
    for frame in _studies(layout, world, studies, seed, offset):
        for method, row in held.items():
            options = {"method": method, "replicates": 500, "allow_iid": True}
            mean, apart = mean_opinion(frame, "s0", **options), difference(frame, "s0", "s1", **options)
            row["mean"] += (mean.low <= truth[0] <= mean.high) / studies
            row["difference"] += (apart.low <= truth[1] <= apart.high) / studies
            row["width"] += apart.half_width / studies
    return held


def _studies(layout: Layout, world: World, studies: int, seed: int, offset: float) -> Iterator[pandas.DataFrame]:
    generator = np.random.default_rng(seed)
    for _ in range(studies):
        yield simulate_ratings(layout, world, generator, (offset,))


WORLDS = {
    "assumed": World(),
    "error alone": World(listener_system=0.0, sentence_system=0.0),
    "sentences differ": World(sentence_system=0.5),
    "listeners differ": World(listener_system=0.7),
    "continuous": World(integer=False),
}
LAYOUTS = (
    Layout(listeners=10, sentences=10),
    Layout(listeners=30, sentences=20),
    Layout(listeners=100, sentences=10),
    *(Layout(listeners=24, sentences=12, systems=n, latin=True) for n in (2, 3, 4, 6)),
    Layout(listeners=25, sentences=12, systems=5, latin=True),
    Layout(listeners=24, sentences=12, systems=4, latin=True, missing=0.15),
)


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description="coverage of 95 % intervals in simulated studies")
    parser.add_argument("--studies", type=int, default=1000)
    parser.add_argument("--worlds", nargs="+", default=["assumed"], choices=list(WORLDS))
    parser.add_argument("--methods", nargs="+", default=["crossed"])
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--offset", type=float, default=0.0, help="true difference, in points before rounding")
    options = parser.parse_args()
    for name in options.worlds:
        print(f"{name}: coverage of mean opinion / of a difference, mean half-width")
        for layout in LAYOUTS:
            settings = {"studies": options.studies, "seed": options.seed, "offset": options.offset}
            rows = coverage(layout, WORLDS[name], tuple(options.methods), **settings)
            cells = (f"{m} {r['mean']:.3f}/{r['difference']:.3f} {r['width']:.2f}" for m, r in rows.items())
            print(f"  {layout.name:34s}", "   ".join(cells), flush=True)


if __name__ == "__main__":
    main()
