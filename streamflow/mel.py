"""The acoustic frames: 80-band log-mel, one frame every 10 ms at 16 kHz."""

from __future__ import annotations

from functools import cache

import numpy as np
import torch
from torch import Tensor

HOP = 160  # samples a frame
N_FFT = 1024
BANDS = 80
FRAME_RATE = 100  # frames a second, at any rate of the samples: a vocoder of 24 kHz has a hop of 240
FLOOR = 1e-5  # amplitude; about -100 dB, below the noise of a 16-bit recording
FRAMES_PER_TOKEN = 4

# Mean and standard deviation of the log-mel of the training speech at -23 LUFS. One number for all bands keeps the
# spectral tilt, which the flow's Gaussian prior has no trouble with, and makes the scale the same for every checkpoint.
MEAN, STD = -5.3, 2.05


@cache
def mel_filterbank(sample_rate: int = 16_000, n_fft: int = N_FFT, bands: int = BANDS) -> Tensor:
    """Triangular filters on Slaney's mel scale, area-normalised: float32 ``[bands, n_fft / 2 + 1]``.

    The scale is linear below 1 kHz and logarithmic above (Slaney, Auditory Toolbox, 1998), as in librosa's default and
    in published BigVGAN checkpoints.
    """
    log_step = np.log(6.4) / 27.0

    def to_hz(mel: np.ndarray) -> np.ndarray:
        return np.where(mel < 15.0, 200.0 / 3.0 * mel, 1000.0 * np.exp(log_step * (mel - 15.0)))

    top = 15.0 + np.log(sample_rate / 2 / 1000.0) / log_step
    edges = to_hz(np.linspace(0.0, top, bands + 2))
    bins = np.linspace(0.0, sample_rate / 2, n_fft // 2 + 1)
    rising = (bins - edges[:-2, None]) / (edges[1:-1] - edges[:-2])[:, None]
    falling = (edges[2:, None] - bins) / (edges[2:] - edges[1:-1])[:, None]
    filters = np.maximum(0.0, np.minimum(rising, falling)) * (2.0 / (edges[2:] - edges[:-2]))[:, None]
    with torch.inference_mode(False):  # the cached tensor must serve training too, whoever asks for it first
        return torch.from_numpy(filters.astype(np.float32))


def log_mel(audio: Tensor | np.ndarray) -> Tensor:
    """Natural log of the mel-weighted magnitude spectrum.

    Frame i is centred on sample 160 i + 80 (Hann window of 1024, reflected at the ends), so n samples give exactly
    n // 160 frames and frame i belongs to samples 160 i to 160 i + 159.

    Args:
        audio: float ``[..., n]`` at 16 kHz, n >= 480.

    Returns:
        float32 ``[..., n // 160, 80]``.
    """
    audio = torch.as_tensor(audio, dtype=torch.float32)
    audio = audio[..., : audio.shape[-1] // HOP * HOP]
    pad = (N_FFT - HOP) // 2
    flat = audio.reshape(-1, audio.shape[-1])
    flat = torch.nn.functional.pad(flat[:, None], (pad, pad), mode="reflect")[:, 0]
    window = torch.hann_window(N_FFT, device=flat.device)
    spectrum = torch.stft(flat, N_FFT, HOP, window=window, center=False, return_complex=True)
    magnitude = torch.sqrt(spectrum.real.square() + spectrum.imag.square() + 1e-9)
    mel = torch.einsum("mf,bft->btm", mel_filterbank().to(flat.device), magnitude)
    return mel.clamp_min(FLOOR).log().reshape(*audio.shape[:-1], -1, BANDS)


def normalise(mel: Tensor) -> Tensor:
    """Log-mel to the scale that the networks see: about zero mean and unit variance."""
    return (mel - MEAN) / STD


def denormalise(mel: Tensor, mean: float = MEAN, std: float = STD) -> Tensor:
    """The inverse of :func:`normalise`; weights that others published have a mean and a deviation of their own."""
    return mel * std + mean
