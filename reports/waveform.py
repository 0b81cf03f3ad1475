"""A recording as a small SVG path: its peaks, mirrored about the middle."""

from __future__ import annotations

import numpy as np

WIDTH, HEIGHT = 300, 64  # units of the view box; the page stretches it
TICK = 14  # length of a seam's mark


def waveform_path(samples: np.ndarray, loudest: float = 1.0) -> str:
    """The ``d`` of a closed path in a ``WIDTH`` x ``HEIGHT`` view box; ``loudest`` fills the height."""
    if len(samples) < WIDTH:
        return ""
    edges = np.linspace(0, len(samples), WIDTH + 1).astype(int)[:-1]
    peaks = np.maximum.reduceat(np.abs(samples), edges)
    half = np.clip(np.round(peaks / max(loudest, 1e-3) * (HEIGHT / 2 - 1)), 0, HEIGHT // 2 - 1).astype(int)
    middle = HEIGHT // 2
    top = "".join(f"L{x} {middle - h}" for x, h in enumerate(half))
    bottom = "".join(f"L{x} {middle + h + 1}" for x, h in reversed(list(enumerate(half))))
    return f"M0 {middle}{top}L{WIDTH} {middle}{bottom}Z"


def seams_path(seams: list[int], length: int) -> str:
    """The ``d`` of ticks from above and below at seams, in the same view box; the signal between them stays free."""
    places = [f"{seam / length * WIDTH:.1f}" for seam in seams if 0 < seam < length]
    return "".join(f"M{x} 0V{TICK}M{x} {HEIGHT - TICK}V{HEIGHT}" for x in places)
