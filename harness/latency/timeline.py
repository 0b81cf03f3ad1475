"""One stream at a player, moment by moment: when chunks come, when they sound, and the pauses between."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from streamflow.audio import SAMPLE_RATE

from .playout import ROUNDING_S, delivered, lateness, pauses


class Timeline(NamedTuple):
    """All float64 ``[n]``, one a chunk, in seconds since the start of the stream.

    Attributes:
        delivered_s: when it is at the player.
        begins_s, ends_s: when it sounds.
        position_s: of its first sample in the audio.
        pause_s: silence just before it; 0 for most.
    """

    delivered_s: np.ndarray
    begins_s: np.ndarray
    ends_s: np.ndarray
    position_s: np.ndarray
    pause_s: np.ndarray

    @property
    def pauses(self) -> list[tuple[float, float]]:
        """(begin, end) of every silence after the first sound."""
        heard = zip(self.begins_s, self.pause_s, strict=True)
        return [(float(begin - pause), float(begin)) for begin, pause in heard if pause > ROUNDING_S]


def timeline(
    arrived_s: np.ndarray, samples: np.ndarray, buffer_s: float = 0.0, delays_s: np.ndarray | None = None
) -> Timeline:
    """Play a stream as :func:`harness.latency.playout.playout` does, and keep when everything happened.

    Args:
        arrived_s: float64 ``[n]``, when each chunk was made, since the start of the stream.
        samples: int ``[n]``, their lengths at 16 kHz.
        buffer_s: held back before the start.
        delays_s: float64 ``[n]``, what the network adds to each; None for nothing.

    Raises:
        ValueError: no chunks, lengths that differ, or a negative buffer.
    """
    arrived_s, samples = np.asarray(arrived_s, np.float64), np.asarray(samples)
    if arrived_s.ndim != 1 or not len(arrived_s) or arrived_s.shape != samples.shape or buffer_s < 0:
        raise ValueError(
            f"arrivals {arrived_s.shape}, samples {samples.shape}, buffer {buffer_s} s: give [n], [n], >= 0"
        )
    times = delivered(arrived_s, delays_s)
    waits = pauses(lateness(times, samples), buffer_s)
    lengths_s = samples / SAMPLE_RATE
    position_s = np.concatenate([[0.0], np.cumsum(lengths_s)[:-1]])
    begins_s = times[0] + buffer_s + position_s + np.cumsum(waits)
    return Timeline(times, begins_s, begins_s + lengths_s, position_s, waits)
