"""Streams as they reach a player over a network, and what the player makes of many of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from streamflow.audio import SAMPLE_RATE

from .percentiles import percentile
from .playout import AUDIBLE_PAUSE_S, ROUNDING_S, delivered, lateness, network_delays, pauses

DRAWS = 200  # of a network with jitter: enough for the 95th percentile of the buffer


class Delivered(NamedTuple):
    """One stream, in every draw of the network.

    Attributes:
        first_s: float64 ``[draws]``, from the start of the stream until its first chunk is at the player.
        late_s: float64 ``[draws, n]``, by how much each chunk comes later than it would be played without a buffer.
        audio_s: seconds of audio.
    """

    first_s: np.ndarray
    late_s: np.ndarray
    audio_s: float

    @property
    def need_s(self) -> np.ndarray:
        """float64 ``[draws]``: the buffer with which this stream never starves; at least 0."""
        return self.late_s.max(axis=1)


def deliver(
    arrived_s: np.ndarray, samples: np.ndarray, jitter_s: float = 0.0, *, draws: int = DRAWS, seed: int = 0
) -> Delivered:
    """Send a stream through a network.

    Args:
        arrived_s: float64 ``[n]``, when each chunk was made.
        samples: int ``[n]``, their lengths at 16 kHz.
        jitter_s: mean delay of a chunk, see :func:`harness.latency.playout.network_delays`.
        draws: of the network; one where it has no jitter.
        seed: of the draws. The same seed gives the same network in proportion to the jitter, so that a curve over the
            jitter is smooth.

    Raises:
        ValueError: no chunks, or a negative jitter.
    """
    samples = np.asarray(samples)
    if not len(samples):
        raise ValueError("a stream without chunks cannot be played")
    delays = network_delays(len(samples), jitter_s, draws=draws if jitter_s else 1, seed=seed)
    times = delivered(arrived_s, delays)
    return Delivered(times[:, 0], lateness(times, samples), float(samples.sum() / SAMPLE_RATE))


def outcome(streams: Sequence[Delivered], buffer_s: float) -> dict[str, float]:
    """What a player with a buffer makes of streams: means over streams and draws.

    Returns:
        ``underrun_s``, ``underruns``, ``longest_ms``, ``continuity``, ``continuous`` (share without a pause above
        100 ms), ``buffer_for_none_ms`` (of the worst stream; in 95 % of the draws), ``first_sound_s``.
    """
    waits = [pauses(stream.late_s, buffer_s) for stream in streams]
    silence = [wait.sum(axis=1) for wait in waits]
    shares = [stream.audio_s / (stream.audio_s + lost) for stream, lost in zip(streams, silence, strict=True)]
    return {
        "underrun_s": float(np.mean(silence)),
        "underruns": float(np.mean([(wait > ROUNDING_S).sum(axis=1) for wait in waits])),
        "longest_ms": float(np.mean([wait.max(axis=1) for wait in waits])) * 1000,
        "continuity": float(np.mean(shares)),
        "continuous": float(np.mean([wait.max(axis=1) <= AUDIBLE_PAUSE_S for wait in waits])),
        "buffer_for_none_ms": max(_enough(stream.need_s) for stream in streams) * 1000,
        "first_sound_s": float(np.mean([stream.first_s for stream in streams])) + buffer_s,
    }


def silence_by_buffer(streams: Sequence[Delivered], buffers_s: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Seconds of silence and continuity for every buffer, means over streams and draws.

    A player pauses, in all, for what the latest chunk lacks beyond the buffer; so no stream has to be played.

    Args:
        streams: of one system.
        buffers_s: float64 ``[b]``.

    Returns:
        float64 ``[b]`` each.
    """
    lost = [np.maximum(0.0, stream.need_s[:, None] - buffers_s) for stream in streams]  # [draws, b]
    shares = [stream.audio_s / (stream.audio_s + silence) for stream, silence in zip(streams, lost, strict=True)]
    return (
        np.mean([silence.mean(axis=0) for silence in lost], axis=0),
        np.mean([share.mean(axis=0) for share in shares], axis=0),
    )


def _enough(need_s: np.ndarray) -> float:
    """Of a network with jitter, what suffices in 95 % of the draws."""
    most = percentile(need_s, 95)
    return float(need_s.max()) if most is None else most
