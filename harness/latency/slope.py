"""How chunk latency grows: with the position in an utterance, and with its length."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from typing import NamedTuple

import numpy as np
import pandas

from streamflow.audio import SAMPLE_RATE

from ..statistics import mean_interval
from .rows import FEWEST_FOR_GROWTH


class Slope(NamedTuple):
    """A fitted line.

    Attributes:
        slope: of y in x, the mean over repeats; 0 is flat.
        intercept: y at x = 0, likewise.
        low, high: 95 % interval of the slope; None below two repeats, or where the repeats agree to the last bit.
        repeats: that could be fitted.
        points: altogether.
    """

    slope: float
    intercept: float
    low: float | None
    high: float | None
    repeats: int
    points: int


def fit_slope(
    x: Sequence[float] | np.ndarray,
    y: Sequence[float] | np.ndarray,
    repeats: Sequence[Hashable] | np.ndarray,
    *,
    fewest: int = 2,
    level: float = 0.95,
) -> Slope | None:
    """Fit a line within each repeat, and give its slope the spread between repeats.

    Chunks of one pass share the state of the machine, so they are not independent, but passes nearly are: the slope is
    estimated in each pass and has Student's interval over the passes. Within a pass it is the median of the slopes
    between pairs of points (Theil 1950, Sen 1968), which a burst of other work on the machine does not move.

    Args:
        x, y: ``[n]``.
        repeats: ``[n]``, the pass that each point belongs to.
        fewest: points in a pass, below which it is left out.
        level: of the interval.

    Returns:
        None where no pass has enough points at more than one x.

    Raises:
        ValueError: lengths that differ.
    """
    from scipy import stats

    x, y = np.asarray(x, dtype=np.float64), np.asarray(y, dtype=np.float64)
    groups = pandas.factorize(np.asarray(repeats, dtype=object))[0]
    if not len(x) == len(y) == len(groups):
        raise ValueError(f"{len(x)} x, {len(y)} y and {len(groups)} repeats; give one of each a point")
    slopes, intercepts, points = [], [], 0
    for group in np.unique(groups):
        here = groups == group
        if here.sum() < fewest or np.ptp(x[here]) == 0:
            continue
        line = stats.theilslopes(y[here], x[here], method="joint")
        slopes.append(line[0])
        intercepts.append(line[1])
        points += int(here.sum())
    if not slopes:
        return None
    low, high = mean_interval(slopes, level=level)[1:3]
    return Slope(float(np.mean(slopes)), float(np.mean(intercepts)), low, high, len(slopes), points)


def usual_chunks(chunks: pandas.DataFrame, session: Sequence[str]) -> pandas.DataFrame:
    """The chunks that can be compared: of the size most common in their session, and not its first.

    The first chunk carries the opening of the session and the last one is a remainder.
    """
    size = chunks.groupby(list(session), sort=False)["samples"].transform(lambda samples: samples.mode().iloc[0])
    return chunks[(chunks["samples"] == size) & (chunks["index"] > 0)]


def slope_by_position(
    chunks: pandas.DataFrame, *, repeat: Sequence[str] = ("repeat",), column: str = "compute_s"
) -> Slope | None:
    """Seconds of chunk latency for a second of position, in the sessions of one system and length.

    Args:
        chunks: rows of the bench with one system, length and number of streams; or of ``traces.parquet`` with one
            system, and ``repeat=("utterance", "seed")``.
        repeat: the columns that tell sessions apart.
        column: what grows.

    Returns:
        None where no session has 8 chunks of the usual size.
    """
    usual = usual_chunks(chunks, repeat)
    sessions = usual.groupby(list(repeat), sort=False).ngroup().to_numpy()
    return fit_slope(usual["start_sample"] / SAMPLE_RATE, usual[column], sessions, fewest=FEWEST_FOR_GROWTH)


def slope_by_length(chunks: pandas.DataFrame, *, column: str = "compute_s") -> Slope | None:
    """Seconds of chunk latency (median of a session) for a second of its length, of one system.

    A system that renders the utterance in one piece has one chunk, whose latency is all its work: its slope is then
    its real-time factor.

    Args:
        chunks: rows of the bench with one system and number of streams.
        column: what grows.

    Returns:
        None below two lengths.
    """
    session = ["repeat", "length_s"]
    usual = usual_chunks(chunks, session)
    if usual.empty:  # one chunk a session
        usual = chunks
    medians = usual.groupby(session, as_index=False)[column].median()
    return fit_slope(medians["length_s"], medians[column], medians["repeat"])


def slope_table(chunks: pandas.DataFrame) -> pandas.DataFrame:
    """Both slopes of every system, one stream at a time.

    Args:
        chunks: table of chunks of the bench.

    Returns:
        Columns ``system``, ``against`` ("position" at the greatest length, or "length"), ``length_s`` (the greatest),
        ``slope``, ``intercept``, ``low``, ``high``, ``repeats``, ``points``; slopes in seconds a second.
    """
    rows = []
    for system, part in chunks[chunks["streams"] == 1].groupby("system", sort=False):
        longest = part["length_s"].max()
        fits = {
            "position": slope_by_position(part[part["length_s"] == longest], repeat=("repeat", "clock")),
            "length": slope_by_length(part[part["clock"] == "virtual"]),
        }
        rows += [
            {"system": system, "against": name, "length_s": longest} | fit._asdict()
            for name, fit in fits.items()
            if fit
        ]
    table = pandas.DataFrame(rows, columns=["system", "against", "length_s", *Slope._fields])
    return table.astype(dict.fromkeys(("length_s", "slope", "intercept", "low", "high"), np.float64))
