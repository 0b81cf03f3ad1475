"""Spectrograms as small pictures: short-time power in dB below the loudest point of the reference."""

from __future__ import annotations

import numpy as np
from plotly.colors import sequential

from reports.png import data_uri, encode_png

WINDOW_S = 0.020  # s; narrow-band enough to show harmonics of most voices, short enough to show a seam
HOP_S = 0.005  # s
MOST_FRAMES = 640  # in a picture; of a longer signal, neighbours are pooled
POOLED_BINS = 2  # of 50 Hz each in one row of a picture: harmonics stay apart, and the picture is half as large
RANGE_DB = 70.0  # dB shown below the loudest point
LEVELS = 32  # colours; more would double the picture and show nothing more


def power_db(samples: np.ndarray, sample_rate: int) -> np.ndarray:
    """float ``[n]`` -> float32 ``[bins, frames]`` in dB, from 0 Hz to half the sample rate.

    Frame k is centred on ``(k + 0.5) / frames`` of the signal, so that a picture of the frames spans it.
    """
    length, hop = round(WINDOW_S * sample_rate), round(HOP_S * sample_rate)
    pooled = -(-len(samples) // (hop * MOST_FRAMES)) or 1
    frames = max(1, round(len(samples) / hop / pooled)) * pooled
    before = length // 2 - hop // 2
    padded = np.pad(np.asarray(samples, np.float32), (before, frames * hop + length))
    windows = np.lib.stride_tricks.sliding_window_view(padded, length)[: frames * hop : hop]
    spectra = np.fft.rfft(windows * np.hanning(length + 1)[:-1].astype(np.float32), axis=1)
    power = (np.abs(spectra.T) ** 2).reshape(length // 2 + 1, -1, pooled).mean(axis=2)
    return 10 * np.log10(power + 1e-12)


def spectrogram_uri(samples: np.ndarray, sample_rate: int, loudest_db: float | None = None) -> str:
    """A PNG data URI, low frequencies at the bottom.

    ``loudest_db`` is the level of the brightest colour, so that pictures of one utterance compare; the signal's own
    peak by default.
    """
    return data_uri(spectrogram_png(samples, sample_rate, loudest_db), "image/png")


def spectrogram_png(
    samples: np.ndarray,
    sample_rate: int,
    loudest_db: float | None = None,
    *,
    most_frames: int = MOST_FRAMES,
    most_rows: int | None = None,
    colours: int | None = None,
) -> bytes:
    """The picture itself, of at most so many columns, rows and colours: a small one for a page of hundreds."""
    levels = power_db(samples, sample_rate)
    top = float(levels.max()) if loudest_db is None else loudest_db
    levels = _pooled(_pooled(levels, most_frames, axis=1), most_rows or len(levels) // POOLED_BINS, axis=0)
    scaled = np.clip((levels - top) / RANGE_DB + 1, 0, 1)
    shown = colours or LEVELS
    indices = np.round(scaled * (shown - 1)).astype(np.uint8)[::-1]
    return encode_png(indices, magma(shown))


def _pooled(levels: np.ndarray, most: int, axis: int) -> np.ndarray:
    """Mean power of neighbours, dB, so that at most ``most`` are left along an axis."""
    length = levels.shape[axis]
    if length <= most:
        return levels
    edges = np.linspace(0, length, most + 1).astype(int)[:-1]
    power = np.add.reduceat(10 ** (levels / 10), edges, axis=axis)
    sizes = np.diff(np.append(edges, length))
    return 10 * np.log10(power / (sizes if axis == 1 else sizes[:, None]))


def magma(levels: int = LEVELS) -> np.ndarray:
    """The magma colour map (van der Walt and Smith 2015) as uint8 ``[levels, 3]``: even to the eye and in print."""
    stops = np.array([[int(stop[i : i + 2], 16) for i in (1, 3, 5)] for stop in sequential.Magma], np.float64)
    at = np.linspace(0, len(stops) - 1, levels)
    channels = [np.interp(at, np.arange(len(stops)), stops[:, channel]) for channel in range(3)]
    return np.round(np.stack(channels, axis=1)).astype(np.uint8)
