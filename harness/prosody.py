"""Melody along an utterance: contours, and what F0 does at the seams that it does not do in the recording."""

from __future__ import annotations

import functools
import math
from collections.abc import Iterable, Sequence

import numpy as np
import pandas as pd

from harness.metrics.base import SAMPLE_RATE
from harness.metrics.f0 import FRAME_MS, GROSS, Tracker, f0_contour
from harness.run import Run, RunError

FRAME = round(FRAME_MS * SAMPLE_RATE / 1000)  # samples
GAP, REACH = 2, 8  # frames: a side is 10 to 40 ms from the seam; nearer, the tracker's window blurs a step
APART = 4 * FRAME  # 20 ms between the places that a seam is compared with
FAR = 8000  # samples: half a second from the seam at most
LARGEST_CENTS = 1200 * np.log2(1 + GROSS)  # beyond it the tracker has changed octave, not the voice its pitch
COLUMNS = ["system", "utterance", "seed", "sample", "cents", "between_cents", "reference_cents"]
HEARD_CENTS = 30.0  # 2 Hz at 120 Hz: the just noticeable difference of a gliding F0 (Klatt, JASA 53, 1973)


def contour_cents_apart(hertz: np.ndarray, reference: np.ndarray) -> np.ndarray:
    """How far one contour lies above another, in cents, float64 ``[f]``: the shorter one's frames.

    Args:
        hertz, reference: float64 ``[f]`` and ``[g]`` on the same frames, not positive or NaN where unvoiced.

    Returns:
        NaN where either is unvoiced, and where they are more than 20 % apart.
    """
    frames = min(len(hertz), len(reference))
    pair = [np.where(contour[:frames] > 0, contour[:frames], np.nan) for contour in (hertz, reference)]
    ratio = pair[0] / pair[1]
    return np.where(np.abs(ratio - 1) <= GROSS, 1200 * np.log2(ratio), np.nan)


def f0_jump(hertz: np.ndarray, sample: int) -> float:
    """The jump of a contour at a sample, in cents; positive upwards.

    Fitted by least squares: a line of one slope on both sides, and a step between them. So a glide that goes on across
    the seam is no jump, however steep.

    Args:
        hertz: float64 ``[f]`` every 5 ms, NaN where unvoiced.
        sample: at 16 kHz.

    Nearer than 10 ms the tracker's window would blur a step, further than 40 ms accents bend the lines: between, a
    step in a steady voice of 150 Hz is found whole, in one of 90 Hz to nine tenths, and untouched speech scatters least.

    Returns:
        NaN unless the voice goes on for 40 ms before and after, and where the jump is more than 20 %.
    """
    offsets, weights = _step(sample % FRAME)
    frames = sample // FRAME + offsets
    if frames[0] < 0 or frames[-1] >= len(hertz) or not np.isfinite(hertz[frames[0] : frames[-1] + 1]).all():
        return float("nan")
    jump = float(weights @ (1200 * np.log2(hertz[frames])))
    return jump if abs(jump) <= LARGEST_CENTS else float("nan")


@functools.cache
def _step(rest: int) -> tuple[np.ndarray, np.ndarray]:
    """Frames about a sample that lies ``rest`` samples after its frame, and their weights in the fitted step."""
    offsets = np.arange(math.ceil(rest / FRAME - REACH), math.floor(rest / FRAME + REACH) + 1)
    offsets = offsets[np.abs(offsets - rest / FRAME) >= GAP]
    away = offsets - rest / FRAME
    return offsets, np.linalg.pinv(np.column_stack([np.ones(len(away)), away, away > 0]))[2]


def _between(hertz: np.ndarray, seam: int, before: int, after: int, seams: np.ndarray) -> float:
    """Median size of the jumps nearer to a seam than to its neighbours, where their frames touch no seam; or NaN."""
    low, high = (min(distance // 2, FAR) for distance in (seam - before, after - seam))
    places = np.arange(seam - APART * (low // APART), seam + high + 1, APART)
    places = places[np.abs(places[:, None] - seams).min(axis=1) >= 2 * REACH * FRAME]
    sizes = np.abs([f0_jump(hertz, int(place)) for place in places])
    sizes = sizes[~np.isnan(sizes)]
    return float(np.median(sizes)) if len(sizes) else math.nan


def f0_jumps(
    samples: np.ndarray, seams: Sequence[int], reference: np.ndarray | None = None, tracker: Tracker = "dio"
) -> pd.DataFrame:
    """F0 jumps at the seams of a rendering, and at the same places of its reference.

    Args:
        samples: float ``[n]`` at 16 kHz, finite.
        seams: samples where what was made apart meets; those at 0 are left out.
        reference: float ``[m]`` at 16 kHz, in time with ``samples``, or None.
        tracker: of F0.

    Returns:
        One row a seam: ``sample``; ``cents``, the jump; ``between_cents``, the median size of those around it that
        are off every seam, which is what tracker and vocoder do anywhere; ``reference_cents``, the jump
        of the reference at the seam. NaN as in :func:`f0_jump`.
    """
    seams = sorted({int(seam) for seam in seams if seam > 0})
    if not seams:
        return pd.DataFrame(columns=COLUMNS[3:], dtype=float)
    rendered = f0_contour(samples, tracker=tracker)[1]
    recorded = f0_contour(reference, tracker=tracker)[1] if reference is not None else np.zeros(0)
    rows = []
    for before, seam, after in zip([0, *seams], seams, [*seams[1:], len(samples)], strict=False):
        between = _between(rendered, seam, before, after, np.array(seams))
        rows.append((seam, f0_jump(rendered, seam), between, f0_jump(recorded, seam)))
    return pd.DataFrame(rows, columns=COLUMNS[3:])


def jump_table(run: Run, utterances: Iterable[str] | None = None, tracker: Tracker = "dio") -> pd.DataFrame:
    """F0 jumps at all seams of a run, or of some of its utterances: the renderings of the first seed, from their audio.

    Args:
        run: finished; what has no audio or no seams has no rows.
        utterances: ids; None for all.
        tracker: of F0.

    Returns:
        Columns ``system``, ``utterance``, ``seed``, then those of :func:`f0_jumps`.
    """
    wanted = None if utterances is None else set(utterances)
    tables = []
    for (utterance, system), (seed, seams) in _seams(run, wanted).items():
        try:
            jumps = f0_jumps(run.audio(system, utterance), seams, run.reference(utterance), tracker)
        except (RunError, OSError, RuntimeError):  # soundfile's errors are RuntimeErrors
            continue
        tables.append(jumps.assign(system=system, utterance=utterance, seed=seed))
    return pd.concat(tables, ignore_index=True)[COLUMNS] if tables else pd.DataFrame(columns=COLUMNS)


def _seams(run: Run, utterances: set[str] | None) -> dict[tuple[str, str], tuple[int, list[int]]]:
    """Seed and seams of the first seed by utterance and system, sorted so that each reference is tracked once.

    From the traces; of files that were rendered elsewhere, which have none, from the table of seams.
    """
    seams = run.seams()
    measured = seams[seams["role"] == "seam"].rename(columns={"sample": "seam_sample"})
    found: dict[tuple[str, str], tuple[int, list[int]]] = {}
    for rows in (run.traces(), measured):
        rows = rows[rows["seam_sample"] > 0]
        rows = rows if utterances is None else rows[rows["utterance"].isin(utterances)]
        rows = rows if "seed" in rows else rows.assign(seed=0)  # runs of before there were several
        for names, of in rows.groupby(["utterance", "system"], sort=False):
            seed = int(of["seed"].min())
            found.setdefault(names, (seed, sorted({int(s) for s in of.loc[of["seed"] == seed, "seam_sample"]})))
    return dict(sorted(found.items()))
