"""Mel-cepstral distortion after dynamic time warping: for renderings with a timing of their own, which it hides."""

from __future__ import annotations

import numpy as np

from harness.metrics.base import FROM_COMMON_START, SAMPLE_RATE, Metric, Pair, Unscored
from harness.metrics.mel_cepstrum import DB_PER_UNIT, FEWEST_FRAMES, PACKAGES, PARAMETERS, active, mel_cepstra

LONGEST_S = 120.0  # the work grows with the square: 120 s are 576 million cells, about a minute


def mcd_dtw(pair: Pair) -> float | Unscored:
    """Mean over the cheapest path through the active frames of both signals, in dB; lengths may differ at will."""
    seconds = max(len(pair.whole_degraded), len(pair.whole_reference)) / SAMPLE_RATE
    if seconds > LONGEST_S:
        return Unscored(f"mcd_dtw takes up to {LONGEST_S:g} s; the longer of the two has {seconds:.0f} s")
    frames = []
    for name, samples in zip(("rendering", "reference"), pair.from_common_start, strict=True):
        cepstra, power = mel_cepstra(samples)
        frames.append(cepstra[active(power)])
        if len(frames[-1]) < FEWEST_FRAMES:
            return Unscored(f"the {name} has {len(frames[-1])} active frames of 5 ms, {FEWEST_FRAMES} are needed")
    total, cells = warped_distance(frames[0], frames[1])
    return float(DB_PER_UNIT * total / cells)


def warped_distance(first: np.ndarray, second: np.ndarray) -> tuple[float, int]:
    """The cheapest monotonic path from the first frames to the last, one step ahead in either or both at a time.

    Cost and length travel along the diagonals of the cost matrix, which are independent within and of which only two
    are kept, so that memory grows with the length and not with its square.

    Args:
        first: float ``[n, d]``.
        second: float ``[m, d]``.

    Returns:
        The sum of Euclidean distances over the path and the number of its cells.
    """
    n, m = len(first), len(second)
    cost = [np.full(n + 1, np.inf) for _ in range(3)]  # by i + 1, so that cost[..][0] stands for what is outside
    cells = [np.zeros(n + 1, np.int64) for _ in range(3)]
    for diagonal in range(n + m - 1):
        low, high = max(0, diagonal - m + 1), min(n, diagonal + 1)  # i of this diagonal, j = diagonal - i
        i = np.arange(low, high)
        distance = np.linalg.norm(first[low:high] - second[diagonal - i], axis=1)
        now, before, two_before = (cost[(diagonal - back) % 3] for back in range(3))
        lengths, lengths_before, lengths_two_before = (cells[(diagonal - back) % 3] for back in range(3))
        came = np.stack([two_before[i], before[i], before[i + 1]])  # both ahead, the first ahead, the second ahead
        steps = np.stack([lengths_two_before[i], lengths_before[i], lengths_before[i + 1]])
        best = np.argmin(came, axis=0)
        now[:] = np.inf
        now[i + 1] = distance + (np.take_along_axis(came, best[None], 0)[0] if diagonal else 0.0)
        lengths[i + 1] = 1 + (np.take_along_axis(steps, best[None], 0)[0] if diagonal else 0)
    last = (n + m - 2) % 3
    return float(cost[last][n]), int(cells[last][n])


METRIC = Metric(
    name="mcd_dtw",
    unit="dB",
    direction="lower",
    source="Kubichek, IEEE PACRIM 1993, after dynamic time warping (Sakoe and Chiba, IEEE TASSP 26(1), 1978)",
    function=mcd_dtw,
    parameters=f"{PARAMETERS},dtw-of-c1-c24,unit-steps,mean-over-path,{FROM_COMMON_START}",
    packages=PACKAGES,
    minimum_s=0.25,
    any_length=True,
)
