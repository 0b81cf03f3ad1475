"""What happens at the seams of a chunked rendering, against the rest of the same file and against the reference.

Four measures, each a number at a position, larger where the signal breaks more:

* ``click`` (log ratio): log of the peak |residual| of a 16th-order linear prediction within ±0.25 ms, minus the log of
  its median within ±15 ms. Sees steps of level, jumps of phase and slips, which the other three miss.
* ``mel_flux`` (dB): mean absolute difference of the 80-band log-mel spectra of the 20 ms before and after.
* ``energy_step_db`` (dB): absolute difference of the energies of the 20 ms before and after.
* ``f0_step_cents`` (cents): absolute difference of the F0 15 ms before and after, where both sides are voiced and
  within 20 % of each other.

None of them means anything alone, since speech is full of steps. Each seam is therefore compared with the positions
around it: off the seams, within half a chunk, a whole number of 10 ms frames away, so that whatever a vocoder does at
every frame is in the comparison as well. A *shifted grid* takes one of those positions for each seam. There are far
more such grids than could be drawn, and mean and standard deviation of a measure over all of them follow in closed
form from the positions; z is the seams' mean in that scale. It needs no reference, and the reference, measured at the
same positions, is the negative control. The frames of the linear prediction advance by a prime number of samples: on
the chunk grid, untouched speech would seem to click (notes: z = 0.79, p = 2e-5).
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import pandas as pd
from scipy import fft

from harness.metrics.f0 import GROSS, f0_contour

FRAME = 160  # samples; positions that a seam is compared with lie on its frame grid
NEAR_S, FAR_S = 0.12, 0.5  # bounds of how far from its seam such a position may lie
GUARD_S = 0.03  # how far from any seam it must lie, or a quarter of the chunk where that is less
FEWEST_POSITIONS = 6  # without so many around it a seam is not counted
SIDE = 320  # samples: the 20 ms on either side that spectra and energies are taken over
MARGIN = SIDE  # samples between a position and the ends of the file
CLICK, AROUND = 4, 240  # samples: ±0.25 ms and ±15 ms at 16 kHz
ORDER, LPC_FRAME = 16, 502  # 31 ms
LPC_HOP = LPC_FRAME // 2  # 251, a prime
QUIET = 1e-5  # full scale: rounding to 16 bits; keeps logs finite in digital silence

UNITS = {"click": "log ratio", "mel_flux": "dB", "energy_step_db": "dB", "f0_step_cents": "cents"}
COLUMNS = ["measure", "unit", "sample", "role", "value"]


def seam_table(
    samples: np.ndarray, seams: Sequence[int], reference: np.ndarray | None = None, sample_rate: int = 16_000
) -> pd.DataFrame:
    """Every measure at every seam, at a matched interior position each, and at the same positions of the reference.

    Args:
        samples: float ``[n]`` at 16 kHz, finite.
        seams: the first sample of each chunk; those within 20 ms of an end (0 among them) are left out.
        reference: float ``[m]`` at 16 kHz, in time with ``samples``, or None.
        sample_rate: must be 16000.

    Returns:
        Columns ``measure``, ``unit``, ``sample``, ``role``, ``value``. Roles: ``seam``; ``interior``, of the positions
        around the seam the one most like it in voicing, then in energy; ``reference``. One row a measure, sample -1:
        ``grid_mean`` and ``grid_sd`` of the measure's mean over all shifted grids, ``reference_grid_mean`` and
        ``reference_grid_sd`` likewise. A measure that does not exist at a position (F0 in a pause) has no row there.

    Raises:
        ValueError: another rate, not mono, or not finite.
    """
    samples = _checked(samples, sample_rate)
    seams = sorted({int(seam) for seam in seams})
    rows = _rows(samples, seams, {"value": "seam", "interior": "interior", "mean": "grid_mean", "sd": "grid_sd"})
    if reference is not None:
        names = {"value": "reference", "mean": "reference_grid_mean", "sd": "reference_grid_sd"}
        rows += _rows(_checked(reference, sample_rate), seams, names)
    return pd.DataFrame(rows, columns=COLUMNS)


def seam_summary(table: pd.DataFrame) -> pd.DataFrame:
    """Seams against everything they are compared with, over one clip or over many.

    Args:
        table: of :func:`seam_table`; of several clips together, with columns such as ``system`` and ``utterance``.

    Returns:
        Index ``measure``; ``unit``; means ``seam``, ``interior``, ``reference`` over all positions; ``z``, the seams'
        mean among shifted grids (clips weighted by their seams; within ±2 in some 95 of 100 cases where seams are like
        any other place, and growing with the square root of their number where not); ``z_reference``, the same for the
        reference at the same positions; ``n`` seams. NaN where there is nothing to tell from.
    """
    clips = [name for name in table.columns if name not in COLUMNS]
    summary = []
    for measure, rows in table.groupby("measure", sort=False):
        means = rows.groupby("role")["value"].mean()
        summary.append(
            {
                "measure": measure,
                "unit": rows["unit"].iloc[0],
                "seam": means.get("seam", np.nan),
                "interior": means.get("interior", np.nan),
                "reference": means.get("reference", np.nan),
                "z": _z(rows, clips, "seam", "grid_mean", "grid_sd"),
                "z_reference": _z(rows, clips, "reference", "reference_grid_mean", "reference_grid_sd"),
                "n": int((rows["role"] == "seam").sum()),
            }
        )
    names = ["measure", "unit", "seam", "interior", "reference", "z", "z_reference", "n"]
    return pd.DataFrame(summary, columns=names).set_index("measure")


def _z(rows: pd.DataFrame, clips: list[str], role: str, mean: str, sd: str) -> float:
    excess = variance = 0.0
    for _, clip in rows.groupby(clips, sort=False) if clips else [((), rows)]:
        values = clip.loc[clip["role"] == role, "value"]
        centre = clip.loc[clip["role"] == mean, "value"]
        spread = clip.loc[clip["role"] == sd, "value"]
        if len(values) and len(centre) and len(spread):
            excess += len(values) * (values.mean() - centre.iloc[0])
            variance += (len(values) * spread.iloc[0]) ** 2
    return float(excess / np.sqrt(variance)) if variance > 0 else np.nan


def _checked(samples: np.ndarray, sample_rate: int) -> np.ndarray:
    samples = np.asarray(samples)
    if sample_rate != 16_000:
        raise ValueError(f"signal at {sample_rate} Hz; convert it to 16000 Hz first")
    if samples.ndim != 1:
        raise ValueError(f"signal of shape {list(samples.shape)}; it must be mono [n]")
    if not np.isfinite(samples).all():
        raise ValueError(f"signal is not finite at sample {np.flatnonzero(~np.isfinite(samples))[0]}")
    return samples.astype(np.float64)


def _rows(samples: np.ndarray, seams: list[int], names: dict[str, str]) -> list[dict]:
    """The rows that one signal gives: at the seams, at their matches, and of all shifted grids."""
    inside = [seam for seam in seams if MARGIN <= seam <= len(samples) - MARGIN]
    if not inside:
        return []
    around = [positions_around(seam, seams, len(samples)) for seam in inside]
    signal = _Signal(samples)
    matches = _matches(signal, inside, around)
    every = np.array(inside + [position for pool in around for position in pool])
    bounds = len(inside) + np.cumsum([0, *map(len, around)])
    rows: list[dict] = []

    def add(measure: str, role: str, sample: int, value: float) -> None:
        if np.isfinite(value) and role in names:
            row = {"measure": measure, "unit": UNITS[measure], "sample": sample, "role": names[role]}
            rows.append({**row, "value": float(value)})

    for measure, function in signal.measures().items():
        values = function(every)
        means, variances = [], []
        for i, (start, stop) in enumerate(pairwise(bounds)):
            pool = values[start:stop]
            if not np.isfinite(values[i]) or np.isfinite(pool).sum() < FEWEST_POSITIONS:
                continue
            add(measure, "value", inside[i], values[i])
            add(measure, "interior", matches[i], pool[list(around[i]).index(matches[i])])
            pool = pool[np.isfinite(pool)]
            means.append(pool.mean())
            # a seam's own scatter, and that of the mean of the positions it is held against
            variances.append(pool.var(ddof=1) * (1 + 1 / len(pool)))
        if means:
            add(measure, "mean", -1, np.mean(means))
            add(measure, "sd", -1, np.sqrt(np.sum(variances)) / len(means))
    return rows


def _matches(signal: _Signal, seams: list[int], around: list[np.ndarray]) -> list[int]:
    """For each seam the position around it that is most like it: in voicing first, then in energy; -1 for none."""
    matches = []
    for seam, pool in zip(seams, around, strict=True):
        everything = np.concatenate([[seam], pool])
        loudness, voiced = signal.loudness(everything), signal.voiced(everything)
        apart = np.abs(loudness[1:] - loudness[0]) + 1e3 * (voiced[1:] != voiced[0])
        matches.append(int(pool[np.argmin(apart)]) if len(pool) else -1)
    return matches


def positions_around(seam: int, seams: Sequence[int], length: int) -> np.ndarray:
    """Positions that a seam is compared with: int64 ``[k]``, whole frames from it, off every seam, inside the file.

    Args:
        seam: one of ``seams``.
        seams: all of them, in order.
        length: samples of the file.
    """
    period = float(np.median(np.diff(seams))) if len(seams) > 1 else 2 * FAR_S * 16_000
    reach = int(np.clip(period / 2, NEAR_S * 16_000, FAR_S * 16_000)) // FRAME
    guard = min(GUARD_S * 16_000, period / 4)
    pool = seam + FRAME * np.arange(-reach, reach + 1)
    pool = pool[(pool >= MARGIN) & (pool <= length - MARGIN)]
    return pool[np.abs(pool[:, None] - np.asarray(seams)[None, :]).min(axis=1) >= guard]


@dataclass(frozen=True, eq=False)
class _Signal:
    """A signal with what its measures share. Every measure takes positions int64 ``[k]`` and gives float64 ``[k]``."""

    samples: np.ndarray

    def measures(self) -> dict[str, Callable[[np.ndarray], np.ndarray]]:
        return {
            "click": self.click,
            "mel_flux": self.mel_flux,
            "energy_step_db": self.energy_step,
            "f0_step_cents": self.f0_step,
        }

    @functools.cached_property
    def residual(self) -> np.ndarray:
        return np.abs(lpc_residual(self.samples))

    @functools.cached_property
    def f0(self) -> np.ndarray:
        return f0_contour(self.samples)[1]

    def stretch(self, positions: np.ndarray, start: int, stop: int, signal: np.ndarray | None = None) -> np.ndarray:
        """Samples ``start`` to ``stop`` about each position, clipped to the file: ``[k, stop - start]``."""
        signal = self.samples if signal is None else signal
        return signal[np.clip(positions[:, None] + np.arange(start, stop), 0, len(signal) - 1)]

    def click(self, positions: np.ndarray) -> np.ndarray:
        peak = self.stretch(positions, -CLICK, CLICK, self.residual).max(axis=1, initial=0)
        median = np.median(self.stretch(positions, -AROUND, AROUND, self.residual), axis=1)
        return np.log(peak + QUIET) - np.log(median + QUIET)

    def mel_flux(self, positions: np.ndarray) -> np.ndarray:
        before, after = self._mel(positions - SIDE), self._mel(positions)
        return np.abs(after - before).mean(axis=1)

    def _mel(self, starts: np.ndarray) -> np.ndarray:
        from streamflow.mel import N_FFT, mel_filterbank

        frames = self.stretch(starts, 0, SIDE) * np.hanning(SIDE)
        magnitude = np.abs(fft.rfft(frames, N_FFT, axis=1)) @ mel_filterbank().numpy().T.astype(np.float64)
        return 20 * np.log10(magnitude + QUIET)

    def energy(self, starts: np.ndarray, size: int) -> np.ndarray:
        return 10 * np.log10(np.mean(self.stretch(starts, 0, size) ** 2, axis=1) + QUIET**2)

    def energy_step(self, positions: np.ndarray) -> np.ndarray:
        return np.abs(self.energy(positions, SIDE) - self.energy(positions - SIDE, SIDE))

    def loudness(self, positions: np.ndarray) -> np.ndarray:
        return self.energy(positions - SIDE, 2 * SIDE)

    def f0_at(self, positions: np.ndarray) -> np.ndarray:
        """F0 (Hz) at positions, of the nearest 5 ms frame; NaN where unvoiced."""
        frames = np.clip(np.rint(positions / 80).astype(int), 0, len(self.f0) - 1)
        return self.f0[frames]

    def voiced(self, positions: np.ndarray) -> np.ndarray:
        return np.isfinite(self.f0_at(positions))

    def f0_step(self, positions: np.ndarray) -> np.ndarray:
        """Between 15 ms before and 15 ms after: nearer, the tracker's own window blurs a step.

        A step of more than 20 % is taken for an octave error of the tracker and left out, as everywhere in prosody:
        with them in, one clip in 16 of untouched speech passed z = 3.
        """
        before, after = self.f0_at(positions - 240), self.f0_at(positions + 240)
        ratio = after / before
        return np.where(np.abs(ratio - 1) <= GROSS, np.abs(1200 * np.log2(ratio)), np.nan)


def lpc_residual(samples: np.ndarray) -> np.ndarray:
    """Residual of a 16th-order linear prediction, frame by frame and cross-faded: float64 ``[n]``.

    Autocorrelation method, Hann windows of 31 ms every 251 samples, which shares no grid with any chunk.
    """
    count = len(samples) // LPC_HOP + 2
    padded = np.zeros((count + 1) * LPC_HOP + ORDER)
    offset = LPC_HOP + ORDER
    padded[offset : offset + len(samples)] = samples
    starts = LPC_HOP * np.arange(count)
    # ORDER samples of history before each frame, so that its filter starts from the signal and not from zeros
    frames = padded[starts[:, None] + np.arange(LPC_FRAME + ORDER)]
    window = 0.5 - 0.5 * np.cos(2 * np.pi * (np.arange(LPC_FRAME) + 0.5) / LPC_FRAME)
    coefficients = _levinson(_autocorrelation(frames[:, ORDER:] * window))
    error = sum(coefficients[:, k, None] * frames[:, ORDER - k : ORDER - k + LPC_FRAME] for k in range(ORDER + 1))
    out = np.zeros(len(padded))
    for index, start in enumerate(starts):  # periodic Hann windows at half overlap add up to one
        out[start + ORDER : start + ORDER + LPC_FRAME] += window * error[index]
    return out[offset : offset + len(samples)]


def _autocorrelation(frames: np.ndarray) -> np.ndarray:
    power = np.abs(fft.rfft(frames, 2 * LPC_FRAME, axis=1)) ** 2
    lags = fft.irfft(power, axis=1)[:, : ORDER + 1]
    # white noise 90 dB down, and a trace of an absolute one: the recursion stays stable in any silence
    lags[:, 0] = lags[:, 0] * (1 + 1e-9) + 1e-12
    return lags


def _levinson(lags: np.ndarray) -> np.ndarray:
    """Levinson-Durbin for many frames at once: ``[frames, order + 1]`` to prediction error filters of that shape."""
    filters = np.zeros_like(lags)
    filters[:, 0] = 1
    error = lags[:, 0].copy()
    for order in range(1, lags.shape[1]):
        reflection = -np.einsum("fk,fk->f", filters[:, :order], lags[:, order:0:-1]) / error
        filters[:, : order + 1] += reflection[:, None] * filters[:, order::-1]
        error *= 1 - reflection**2
    return filters
