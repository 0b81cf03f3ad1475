"""A live decode once it is done: what was rendered, and all that was measured of it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from .view import View


@dataclass(frozen=True)
class LiveRendering:
    """One system's rendering of the utterance.

    Attributes:
        samples: float32 ``[n]`` at 16 kHz.
        trace: rows of ``chunk`` events without the audio, in order; fields as :class:`harness.render.ChunkTrace`, and
            ``wall_s``.
        seams: samples at which the acoustic model's pieces meet, ascending, none of them 0.
        scores: rows ``system``, ``metric``, ``value`` (None where unscored), ``unit``, ``direction``,
            ``unscored_because``.
        description: strategy, parameters, pattern and the rest, as :func:`harness.live.describe.describe_system`.
        control: a ceiling (``copy-synthesis``, ``tokenizer``), not a decoder.
        f0_hz: float64 ``[f]`` every 5 ms, NaN where unvoiced.
        latency: of the ``rendered`` event: ``first_packet_s``, ``first_packet_parts`` (both None for a control),
            ``algorithmic_latency_s``, ``pauseless_latency_s``, ``rtf``, ``chunk_p50_s``, ``peak_memory_mb``.
        gain_db: plays it as loud as the reference, or as near as can be without clipping.
    """

    samples: np.ndarray
    trace: list[dict[str, Any]]
    seams: tuple[int, ...]
    scores: list[dict[str, Any]]
    description: dict[str, Any]
    control: bool = False
    f0_hz: np.ndarray = field(default_factory=lambda: np.zeros(0))
    latency: dict[str, Any] = field(default_factory=dict)
    gain_db: float = 0.0


@dataclass(frozen=True)
class LiveResult:
    """A finished (or cancelled, or broken) job: what there is of it.

    Attributes:
        view: what was asked for.
        reference: float32 ``[n]`` at 16 kHz, the recording at -23 LUFS.
        reference_f0_hz: float64 ``[f]`` every 5 ms, NaN where unvoiced.
        renderings: by system, in the order of the view, controls last; without those that failed.
        failed: why, by system.
        text: what is read, or "".
    """

    view: View
    reference: np.ndarray
    reference_f0_hz: np.ndarray
    renderings: dict[str, LiveRendering]
    failed: dict[str, str] = field(default_factory=dict)
    text: str = ""
