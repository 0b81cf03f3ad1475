"""F0 contours by WORLD, computed once a signal, and pairs of them as every F0 metric needs them.

Two trackers: DIO refined with StoneMask, the fast one that runs use unless they say otherwise, and Harvest, which finds
more voiced frames and takes some 18 times as long. They disagree on about a tenth of all voicing decisions, so the
tracker is part of every F0 metric's identity.
"""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from threading import Lock
from typing import Literal

import numpy as np

from harness.metrics.base import SAMPLE_RATE, Pair, Unscored
from streamflow.errors import StreamflowError

FRAME_MS = 5.0
FLOOR, CEILING = 60.0, 600.0  # Hz
GROSS = 0.2  # of the reference's F0: a larger error is one of the tracker or of the octave, not of intonation
FEWEST_FRAMES = 20  # mutually voiced, 100 ms: below it an error in cents is of chance
PACKAGES = ("pyworld",)
LOW, HIGH = 10, 90  # percentiles that a range lies between: a tenth of the frames may be off by an octave
FLAT_CENTS = 10.0  # a smaller range is that of a tracker at the ends of a steady tone: no melody, and no range
KEPT = 128  # contours; about 8 kB each for 5 s

Tracker = Literal["dio", "harvest"]
TRACKERS: dict[str, str] = {"dio": "dio+stonemask", "harvest": "harvest"}
"""What a tracker is called where it is chosen, and what it is in an identity."""

_contours: OrderedDict[bytes, np.ndarray] = OrderedDict()
_lock = Lock()


class TrackerError(StreamflowError):
    """An F0 tracker that does not exist."""


def parameters(tracker: str = "dio", *more: str) -> str:
    """The part of an identity that says how F0 was had, and whatever a metric adds to it.

    Raises:
        TrackerError: no such tracker.
    """
    if tracker not in TRACKERS:
        raise TrackerError(f"no F0 tracker is called {tracker!r}; there are {' and '.join(TRACKERS)}")
    return ",".join([TRACKERS[tracker], f"{FRAME_MS:g}ms", f"{FLOOR:g}-{CEILING:g}Hz", *more])


def f0_contour(
    samples: np.ndarray, sample_rate: int = SAMPLE_RATE, tracker: Tracker = "dio"
) -> tuple[np.ndarray, np.ndarray]:
    """F0 every 5 ms by DIO refined with StoneMask (Morise et al., 2016), or by Harvest (Morise, 2017).

    Either hears a voice here and there in stationary noise.

    Args:
        samples: float ``[n]``, finite.
        sample_rate: Hz.
        tracker: ``dio`` or ``harvest``.

    Returns:
        Times in s, float64 ``[f]``; F0 in Hz, float64 ``[f]``, NaN where unvoiced. Both read-only.

    Raises:
        TrackerError: no such tracker.
    """
    salt = parameters(tracker).encode()
    samples = np.ascontiguousarray(samples, np.float64)
    key = hashlib.blake2b(samples.tobytes(), digest_size=16, key=salt, salt=sample_rate.to_bytes(8, "little")).digest()
    with _lock:
        hertz = _contours.get(key)
    if hertz is None:
        hertz = _estimate(samples, sample_rate, tracker)
        hertz.flags.writeable = False
    with _lock:
        _contours[key] = hertz
        _contours.move_to_end(key)
        while len(_contours) > KEPT:
            _contours.popitem(last=False)
    times = np.arange(len(hertz)) * FRAME_MS / 1000
    times.flags.writeable = False
    return times, hertz


def _estimate(samples: np.ndarray, sample_rate: int, tracker: str) -> np.ndarray:
    import warnings

    with warnings.catch_warnings():  # pyworld 0.3.5 imports pkg_resources, which announces its end on every import
        warnings.simplefilter("ignore")
        import pyworld

    if len(samples) < round(FRAME_MS / 1000 * sample_rate) * 4:  # nothing of 60 Hz to be found in 20 ms
        return np.full(1 + int(len(samples) * 1000 / sample_rate / FRAME_MS), np.nan)
    settings = {"f0_floor": FLOOR, "f0_ceil": CEILING, "frame_period": FRAME_MS}
    if tracker == "harvest":
        hertz, _ = pyworld.harvest(samples, sample_rate, **settings)
        return np.where(hertz > 0, hertz, np.nan)
    coarse, times = pyworld.dio(samples, sample_rate, **settings)
    hertz = pyworld.stonemask(samples, coarse, times, sample_rate)
    return np.where((coarse > 0) & (hertz > 0), hertz, np.nan)


def f0_pair(pair: Pair, tracker: Tracker = "dio") -> tuple[np.ndarray, np.ndarray]:
    """F0 of rendering and reference on the same frames: Hz, float64 ``[f]`` each, NaN where unvoiced."""
    return f0_contour(pair.degraded, tracker=tracker)[1], f0_contour(pair.reference, tracker=tracker)[1]


def f0_of_each(pair: Pair, tracker: Tracker = "dio") -> tuple[np.ndarray, np.ndarray]:
    """F0 of rendering and reference, each for itself: Hz, float64 ``[f]`` and ``[g]``, NaN where unvoiced.

    Of the aligned signals, whose contours other metrics have asked for already, unless the lengths forbid aligning.
    """
    if not pair.lengths_apart:
        return f0_pair(pair, tracker)
    signals = (pair.whole_degraded, pair.whole_reference)
    return f0_contour(signals[0], tracker=tracker)[1], f0_contour(signals[1], tracker=tracker)[1]


def mutually_voiced(pair: Pair, tracker: Tracker = "dio") -> tuple[np.ndarray, np.ndarray] | Unscored:
    """F0 of rendering and reference over the frames that are voiced in both: Hz, float64 ``[v]`` each."""
    degraded, reference = f0_pair(pair, tracker)
    both = np.isfinite(degraded) & np.isfinite(reference)
    if both.sum() < FEWEST_FRAMES:
        voiced = np.isfinite(degraded).sum(), np.isfinite(reference).sum()
        return Unscored(
            f"{both.sum()} frames of 5 ms are voiced in both, {FEWEST_FRAMES} are needed "
            f"(rendering {voiced[0]}, reference {voiced[1]})"
        )
    return degraded[both], reference[both]


def cents_apart(pair: Pair, tracker: Tracker = "dio") -> np.ndarray | Unscored:
    """Rendering above reference in cents, over the frames that are voiced in both: float64 ``[v]``."""
    voiced = mutually_voiced(pair, tracker)
    return voiced if isinstance(voiced, Unscored) else 1200 * np.log2(voiced[0] / voiced[1])


def is_gross(cents: np.ndarray) -> np.ndarray:
    """Where F0 is off by more than 20 % of the reference's: bool, of the shape of ``cents``."""
    return np.abs(2 ** (cents / 1200) - 1) > GROSS


def few_voiced(name: str, hertz: np.ndarray) -> str:
    """Why a contour of Hz ``[f]``, NaN where unvoiced, is too sparse to say anything of, or ""."""
    voiced = int(np.isfinite(hertz).sum())
    return "" if voiced >= FEWEST_FRAMES else f"{voiced} frames of the {name} are voiced, {FEWEST_FRAMES} are needed"


def f0_range(hertz: np.ndarray) -> float:
    """Range of a contour of Hz ``[f]``, NaN where unvoiced: cents between the 10th and the 90th percentile."""
    low, high = np.percentile(hertz[np.isfinite(hertz)], (LOW, HIGH))
    return float(1200 * np.log2(high / low))
