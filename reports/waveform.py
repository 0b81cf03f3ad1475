"""A recording as a small SVG path: its peaks, mirrored about the middle."""

from __future__ import annotations

import numpy as np

WIDTH, HEIGHT = 200, 64  # units of the view box; the page stretches it
TICK = 14  # length of a seam's mark


def waveform_path(samples: np.ndarray, loudest: float = 1.0) -> str:
    """The ``d`` of one upright stroke a unit in a ``WIDTH`` x ``HEIGHT`` view box; ``loudest`` fills the height."""
    if len(samples) < WIDTH:
        return ""
    edges = np.linspace(0, len(samples), WIDTH + 1).astype(int)[:-1]
    peaks = np.maximum.reduceat(np.abs(samples), edges)
    half = np.clip(np.round(peaks / max(loudest, 1e-3) * (HEIGHT / 2 - 1)), 0.5, HEIGHT / 2 - 1)
    middle, strokes, at = HEIGHT / 2, [], None
    for x, reach in enumerate(half):
        top = middle - reach
        strokes.append(f"M{x + 0.5:g} {top:g}" if at is None else f"m1 {top - at:g}")  # relative: half the bytes
        strokes.append(f"v{2 * reach:g}")
        at = middle + reach
    return "".join(strokes).replace(" -", "-").replace("0.5", ".5")


def seams_path(seams: list[int], length: int) -> str:
    """The ``d`` of ticks from above and below at seams, in the same view box; the signal between them stays free."""
    places = [f"{seam / length * WIDTH:.1f}" for seam in seams if 0 < seam < length]
    return "".join(f"M{x} 0V{TICK}M{x} {HEIGHT - TICK}V{HEIGHT}" for x in places)
