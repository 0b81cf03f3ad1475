"""The constant-Q transform (Brown 1991), computed an octave at a time (Schörkhuber & Klapuri 2010).

An octave down is the same bins at half the rate: one set of kernels serves all octaves, on a wave that is low-passed and
halved in between.
"""

from __future__ import annotations

import math
from contextlib import nullcontext

import torch
from scipy.signal import firwin, kaiserord
from torch import Tensor, nn
from torch.nn import functional as F

LOWEST = 32.70  # Hz, the note C1
STOP_DB = 120.0  # by which what would alias is held down before the rate is halved


class ConstantQ(nn.Module):
    """Responses of Hann-windowed complex tones, each as long as Q = 1 / (2^(1 / bins) - 1) of its periods.

    A kernel's magnitudes sum to 1, and its response is multiplied by the square root of its length, as in librosa. The
    frames are centred on multiples of the hop, the first on the first sample; there is silence before and after.

    Args:
        rate: samples a second.
        hop: samples a frame, a multiple of ``2 ** (octaves - 1)``.
        octaves, bins: how many, and bins an octave, from ``lowest`` Hz on.

    Raises:
        ValueError: the hop cannot be halved for every octave, or the highest bin comes near half the rate.
    """

    def __init__(self, rate: int, hop: int, octaves: int, bins: int, lowest: float = LOWEST):
        super().__init__()
        if hop % 2 ** (octaves - 1):
            raise ValueError(f"a hop of {hop} cannot be halved for each of {octaves} octaves")
        self.hop, self.octaves = hop, octaves
        q = 1 / (2 ** (1 / bins) - 1)
        cycles = lowest / rate * 2 ** (octaves - 1 + torch.arange(bins, dtype=torch.float64) / bins)  # a sample
        lengths = q / cycles
        # what the octaves below reach up to at the rate of the first, their kernels' main lobes included
        kept = float(cycles[-1] + 2 / lengths[-1]) / 2
        if kept > 0.24:
            raise ValueError(f"the highest bin, {float(cycles[-1]) * rate:.0f} Hz, is not well below half of {rate} Hz")
        self.reach = math.ceil(float(lengths[0]) / 2)
        time = torch.arange(-self.reach, self.reach + 1, dtype=torch.float64)
        window = (0.5 + 0.5 * torch.cos(2 * torch.pi * time / lengths[:, None])) * (time.abs() < lengths[:, None] / 2)
        window *= (lengths.sqrt() / window.sum(1))[:, None]
        angle = 2 * torch.pi * cycles[:, None] * time
        kernels = torch.cat([window * angle.cos(), -window * angle.sin()])
        self.register_buffer("kernels", kernels.float(), persistent=False)
        # the filter falls from there to what would alias onto it
        taps, beta = kaiserord(STOP_DB, 2 * (0.5 - 2 * kept))
        self.margin = taps // 2
        lowpass = torch.from_numpy(firwin(2 * self.margin + 1, 0.5, window=("kaiser", beta)))
        self.register_buffer("lowpass", lowpass[None].float(), persistent=False)

    def forward(self, audio: Tensor) -> Tensor:
        """Of samples ``[B, n]``: real and imaginary parts ``[B, 2, n // hop + 1, octaves * bins]``, the lowest bin first."""
        frames = audio.shape[1] // self.hop + 1
        with _exactly(audio):
            # the filter's tails are kept: ``margin`` samples lie before the first and after the last at every rate
            x = F.pad(audio.float(), (self.margin, self.margin))
            found = []
            for octave in range(self.octaves):
                hop = self.hop >> octave
                after = (frames - 1) * hop + self.reach + 1 - (x.shape[1] - self.margin)
                response = _correlate(F.pad(x, (self.reach - self.margin, after)), self.kernels, hop)
                found.append(response.unflatten(2, (2, -1)) * 2 ** (octave / 2))
                if octave + 1 < self.octaves:
                    x = _correlate(F.pad(x, (2 * self.margin, 2 * self.margin)), self.lowpass, 2).flatten(1)
            return torch.cat(found[::-1], dim=3).transpose(1, 2)


class Doubled(nn.Module):
    """Twice the rate by a sinc under a squared cosine over 6 zero crossings, ``[B, n]`` to ``[B, 2 n]``.

    It is what torchaudio's ``Resample`` does, which the published discriminator begins with.
    """

    ROLL_OFF, CROSSINGS = 0.99, 6

    def __init__(self):
        super().__init__()
        self.reach = math.ceil(self.CROSSINGS / self.ROLL_OFF)
        time = torch.arange(-self.reach, self.reach + 1, dtype=torch.float64) - torch.tensor([[0.0], [0.5]])
        time = (time * self.ROLL_OFF).clamp(-self.CROSSINGS, self.CROSSINGS)
        taps = self.ROLL_OFF * torch.sinc(time) * torch.cos(time * torch.pi / self.CROSSINGS / 2).square()
        self.register_buffer("taps", taps.float(), persistent=False)

    def forward(self, audio: Tensor) -> Tensor:
        """Samples between the samples, which are low-passed a little themselves."""
        with _exactly(audio):
            return _correlate(F.pad(audio.float(), (self.reach, self.reach)), self.taps, 1).flatten(1)


def _correlate(x: Tensor, kernels: Tensor, hop: int) -> Tensor:
    """Of ``[B, n]`` with each of ``[C, K]``, every ``hop`` samples: ``[B, (n - K) // hop + 1, C]``.

    Not ``conv1d``: with a kernel of some hundred samples and a large stride, its backward pass on a CPU (torch 2.13)
    writes beyond its memory.
    """
    return x.unfold(1, kernels.shape[1], hop) @ kernels.T


def _exactly(audio: Tensor):
    """No mixed precision: eight bits would drown the soft bins in the loud ones' rounding."""
    kind = audio.device.type
    return torch.autocast(kind, enabled=False) if torch.amp.is_autocast_available(kind) else nullcontext()
