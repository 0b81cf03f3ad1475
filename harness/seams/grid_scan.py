"""Find the grid of chunks when nobody says what it is: the period and phase at which a file keeps breaking.

The click measure is taken every half millisecond, made comparable along the file and turned into normal scores, so that
no single click can speak for a grid. Folded with the period of the chunks, the seams fall on one phase and add up. A
voice whose pitch stands still adds up too, but on many phases at once; the statistic is therefore the *gap* between the
highest phase of a fold and the highest elsewhere in it. It is searched over every period of whole milliseconds and of
whole frames of usual codecs, and its largest value is held against that of the same search in copies of the file whose
pieces are shuffled, which have no grid: p is of the whole search.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from harness.seams.positions import SAMPLE_RATE
from harness.seams.residual import lpc_residual
from harness.seams.signal import QUIET, Signal

BIN = 8  # samples, 0.5 ms
HOPS_S = (0.001, 256 / 24_000, 256 / 22_050, 0.0125, 1 / 75)  # a chunk is a whole number of one of them
AROUND = 30  # bins on either side: ±15 ms, that the median is taken over, as the click measure does
STANDARD = 100  # bins on either side, ±50 ms, that level and spread of the scores are taken over
EDGE = 40  # bins, 20 ms: a file's start and end are loud in the residual, and all files have them at the same phase
APART = 4  # bins, 2 ms: nearer than that to the highest phase is the same peak
FEWEST_SEAMS = 4
COPIES = 32  # shuffled, whose largest gaps a Gumbel distribution is fitted to
PIECE_S = (0.05, 0.25)
ALPHA = 0.01


@dataclass(frozen=True, slots=True)
class GridScan:
    """What a search for the grid came to.

    Attributes:
        period_samples: of the best grid, float; chunks need not be a whole number of samples at 16 kHz.
        phase: sample of its first seam, in ``[0, period)``, to 4 samples.
        p: that speech without a grid gives as large a gap anywhere in the search.
        found: p below 0.01.
        seams: how many seams the grid has in the signals given.
    """

    period_samples: float
    phase: float
    p: float
    found: bool
    seams: int

    def positions(self, length: int) -> list[int]:
        """The seams of a file of ``length`` samples; none if no grid was found."""
        if not self.found:
            return []
        count = int(max(0, np.ceil((length - self.phase) / self.period_samples)))
        return [round(self.phase + k * self.period_samples) for k in range(count) if self.phase + k > 0]


def scan(
    samples: np.ndarray | Sequence[np.ndarray], min_s: float = 0.04, max_s: float = 2.0, *, seed: int = 0
) -> GridScan:
    """Search for a grid that the seams of one file, or of several of one system, lie on.

    Several files have more seams and so show smaller defects; their chunks must begin at the same phase, counted from
    the start of each file, as those of one decoder do. A search of 5 s takes about a second, and it grows with length.

    Args:
        samples: float ``[n]`` at 16 kHz, or several.
        min_s, max_s: bounds of the period; at least four seams must fit.
        seed: of the shuffles.

    Returns:
        The best grid, and whether it is more than chance.

    Raises:
        ValueError: signals that cannot be measured, bounds the wrong way round, or none long enough.
    """
    if not 0.002 <= min_s < max_s:
        raise ValueError(f"periods from {min_s} to {max_s} s; give 0.002 <= min_s < max_s")
    signals = [samples] if isinstance(samples, np.ndarray) and samples.ndim == 1 else list(samples)
    series = [normal_scores(Signal.checked(signal, SAMPLE_RATE).samples) for signal in signals]
    total = sum(len(one) for one in series) * BIN / SAMPLE_RATE
    periods = [period for period in candidate_periods(min_s, max_s) if total / period >= FEWEST_SEAMS]
    if not periods:
        raise ValueError(f"{total:.2f} s of signal hold fewer than {FEWEST_SEAMS} seams {min_s} s apart")
    rng = np.random.default_rng(seed)
    copies = [np.stack([one, *(_shuffled(one, rng) for _ in range(COPIES))]) for one in series]
    best = np.full(COPIES + 1, -np.inf)
    where = (periods[0], 0)
    for period in periods:
        gap, phase = _gap(copies, period * SAMPLE_RATE / BIN)
        if gap[0] > best[0]:
            where = (period, phase)
        best = np.maximum(best, gap)
    period_samples, p = where[0] * SAMPLE_RATE, _gumbel_p(best[0], best[1:])
    phase = where[1] * BIN + BIN / 2
    seams = sum(int(len(one) * BIN / period_samples) for one in series)
    return GridScan(period_samples, float(phase % period_samples), p, p < ALPHA, seams)


def candidate_periods(min_s: float, max_s: float) -> list[float]:
    """Periods to try, in s, ascending: all multiples of the usual hops."""
    found = {
        round(count * hop, 7)
        for hop in HOPS_S
        for count in range(int(np.ceil(min_s / hop)), int(max_s / hop + 1e-9) + 1)
    }
    return sorted(found)


def normal_scores(samples: np.ndarray) -> np.ndarray:
    """How much each half millisecond breaks, as normal scores: float32 ``[n // 8]``, about standard normal.

    The first and last 20 ms are 0: of several files they fall on the same phase, and would be a grid that is not there.
    """
    from scipy.ndimage import median_filter, uniform_filter1d
    from scipy.special import ndtri

    count = len(samples) // BIN
    if count < 2 * STANDARD:
        return np.zeros(0, np.float32)
    residual = np.abs(lpc_residual(samples))[: count * BIN].reshape(count, BIN)
    score = np.log(residual.max(axis=1) + QUIET)
    score -= median_filter(np.log(np.median(residual, axis=1) + QUIET), 2 * AROUND + 1, mode="nearest")
    mean = uniform_filter1d(score, 2 * STANDARD + 1, mode="nearest")
    variance = uniform_filter1d((score - mean) ** 2, 2 * STANDARD + 1, mode="nearest")
    score = (score - mean) / np.sqrt(variance + 1e-6)
    ranks = np.argsort(np.argsort(score[EDGE:-EDGE], kind="stable"), kind="stable")
    return np.pad(ndtri((ranks + 0.5) / len(ranks)), EDGE).astype(np.float32)


def _shuffled(series: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """The series in pieces of 50 to 250 ms in another order: a voice keeps its pitch, what is periodic goes."""
    low, high = (int(length * SAMPLE_RATE / BIN) for length in PIECE_S)
    edges = np.cumsum(rng.integers(low, high, len(series) // low + 1))
    pieces = np.split(series, edges[edges < len(series)])
    return np.concatenate([pieces[index] for index in rng.permutation(len(pieces))]) if len(series) else series


def _gap(copies: list[np.ndarray], period: float) -> tuple[np.ndarray, int]:
    """Highest phase of the fold less the highest elsewhere, float ``[copies]``, and the phase of the first, in bins."""
    width = int(np.ceil(period))
    total = np.zeros((len(copies[0]), width), np.float32)
    count = np.zeros(width, np.float32)
    for series in copies:
        for start in _starts(series.shape[1], period):
            stretch = series[:, start : start + width]
            total[:, : stretch.shape[1]] += stretch
            count[: stretch.shape[1]] += 1
    total = np.where(count >= min(FEWEST_SEAMS, count.max()), total / np.sqrt(np.maximum(count, 1)), -np.inf)
    peak = total.argmax(axis=1)
    high = np.take_along_axis(total, peak[:, None], axis=1)[:, 0]
    near = (peak[:, None] + np.arange(-APART, APART + 1)) % width
    np.put_along_axis(total, near, -np.inf, axis=1)
    second = np.maximum(total.max(axis=1), 0)  # where nothing else is left, chance is
    return high - second, int(peak[0])


def _starts(length: int, period: float) -> Iterator[int]:
    for index in range(int(np.ceil(length / period))):
        yield round(index * period)


def _gumbel_p(value: float, null: np.ndarray) -> float:
    """Chance of a maximum as large as ``value``, by a Gumbel distribution with the mean and deviation of the null."""
    scale = np.sqrt(6) / np.pi * max(float(null.std(ddof=1)), 1e-6)
    location = float(null.mean()) - np.euler_gamma * scale
    return float(-np.expm1(-np.exp(-(value - location) / scale)))
