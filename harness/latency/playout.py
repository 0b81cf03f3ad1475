"""What a listener's player makes of a stream: it starts after a buffer, and starves when a chunk is late."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from streamflow.audio import SAMPLE_RATE

AUDIBLE_PAUSE_S = 0.1  # the longest pause of a session that still counts as continuous (the C100 of serving benchmarks)
ROUNDING_S = 1e-9  # a pause below this is the rounding of sums


class Playout(NamedTuple):
    """What a player did with one stream.

    Attributes:
        underrun_s: seconds of silence put into the audio because the next chunk was not there.
        underruns: how many such pauses.
        longest_s: the longest of them.
        continuity: share of the time from first to last sound in which there was sound; 1 without underruns.
        buffer_for_none: seconds of buffer with which there would have been none.
        first_sound_s: from the start of the stream to the first sound, the buffer included.
    """

    underrun_s: float
    underruns: int
    longest_s: float
    continuity: float
    buffer_for_none: float
    first_sound_s: float


def delivered(arrived_s: np.ndarray, delays_s: np.ndarray | None = None) -> np.ndarray:
    """When chunks are at the player: in order, as over one connection, so that a late one holds up those behind it.

    Args:
        arrived_s: float64 ``[n]``, when each was made.
        delays_s: float64 ``[..., n]`` at least 0, what the network adds to each; None for nothing.

    Returns:
        float64 ``[..., n]``.
    """
    arrived_s = np.asarray(arrived_s, np.float64)
    return np.maximum.accumulate(arrived_s if delays_s is None else arrived_s + delays_s, axis=-1)


def network_delays(chunks: int, jitter_s: float, *, draws: int = 1, seed: int = 0) -> np.ndarray:
    """Random one-way delays: independent, exponential, of mean ``jitter_s``.

    The mean absolute difference of two such delays is ``jitter_s`` too, so that it is the interarrival jitter of
    RFC 3550 (section 6.4.1) that a receiver would report.

    Returns:
        float64 ``[draws, chunks]`` in seconds.

    Raises:
        ValueError: a negative jitter.
    """
    if jitter_s < 0:
        raise ValueError(f"jitter {jitter_s} s must not be negative")
    return np.random.default_rng(seed).exponential(1.0, (draws, chunks)) * jitter_s


def lateness(delivered_s: np.ndarray, samples: np.ndarray) -> np.ndarray:
    """By how much each chunk comes later than it would be played, had the first been played when it came.

    Args:
        delivered_s: float64 ``[..., n]``, not decreasing.
        samples: int ``[n]``, length of each chunk at 16 kHz.

    Returns:
        float64 ``[..., n]`` in seconds; 0 for the first, negative for one that is early.
    """
    due = np.concatenate([[0], np.cumsum(np.asarray(samples)[:-1])]) / SAMPLE_RATE
    return delivered_s - delivered_s[..., :1] - due


def pauses(late_s: np.ndarray, buffer_s: float) -> np.ndarray:
    """The pause before each chunk, in seconds ``[..., n]``.

    A player that starts ``buffer_s`` after the first chunk and goes on as soon as what it waits for is there has, up to
    any chunk, paused for as long as the latest of the chunks so far exceeds the buffer.
    """
    shift = np.maximum(np.maximum.accumulate(late_s, axis=-1), buffer_s)
    return np.diff(shift, axis=-1, prepend=buffer_s)


def playout(
    arrived_s: np.ndarray, samples: np.ndarray, buffer_s: float = 0.0, jitter: np.ndarray | None = None
) -> Playout:
    """Play a stream.

    The player starts ``buffer_s`` after the first chunk has come. When it has played all that is there, it pauses, and
    goes on as soon as the next chunk comes.

    Args:
        arrived_s: float64 ``[n]``, when each chunk was made, since the start of the stream.
        samples: int ``[n]``, their lengths at 16 kHz.
        buffer_s: held back before the start.
        jitter: float64 ``[n]``, seconds that the network adds to each; None for a network without delay.

    Raises:
        ValueError: no chunks, lengths that differ, or a negative buffer or delay.
    """
    arrived_s, samples = np.asarray(arrived_s, np.float64), np.asarray(samples)
    if arrived_s.ndim != 1 or not len(arrived_s) or arrived_s.shape != samples.shape:
        raise ValueError(f"arrivals {arrived_s.shape} and samples {samples.shape}: give [n] of each, n > 0")
    if buffer_s < 0 or (jitter is not None and (np.shape(jitter) != arrived_s.shape or np.min(jitter) < 0)):
        raise ValueError("the buffer and the delay of each chunk must be at least 0")
    times = delivered(arrived_s, jitter)
    late = lateness(times, samples)
    waits = pauses(late, buffer_s)
    audio_s, underrun_s = samples.sum() / SAMPLE_RATE, float(waits.sum())
    return Playout(
        underrun_s=underrun_s,
        underruns=int((waits > ROUNDING_S).sum()),
        longest_s=float(waits.max()),
        continuity=float(audio_s / (audio_s + underrun_s)),
        buffer_for_none=float(late.max()),
        first_sound_s=float(times[0] + buffer_s),
    )
