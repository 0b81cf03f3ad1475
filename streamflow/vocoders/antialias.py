"""Snake activations run at twice the rate, so that the harmonics they create do not alias (BigVGAN, section 3.2).

One Kaiser-windowed sinc of 12 taps serves both resamplers. Its centre lies between two samples; the half sample that
upsampling delays by at the high rate, downsampling takes back.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional as F

TAPS = 12
RATIO = 2
REACH = 5  # samples on either side that a sample of the anti-aliased activation depends on


def kaiser_sinc(taps: int = TAPS, cutoff: float = 0.5 / RATIO, half_width: float = 0.6 / RATIO) -> Tensor:
    """Low-pass filter of unit gain at 0 Hz: a sinc under a Kaiser window.

    Args:
        taps: length, even.
        cutoff: cycles a sample at the high rate.
        half_width: half of the transition band, cycles a sample; with the length it sets the window's beta by Kaiser's
            formulas (Oppenheim and Schafer, Discrete-Time Signal Processing, section 7.5.3).

    Returns:
        float64 ``[taps]``, symmetric; its centre lies between the two middle taps.
    """
    attenuation = 2.285 * (taps / 2 - 1) * math.pi * 4 * half_width + 7.95  # dB
    if attenuation > 50.0:
        beta = 0.1102 * (attenuation - 8.7)
    elif attenuation >= 21.0:
        beta = 0.5842 * (attenuation - 21.0) ** 0.4 + 0.07886 * (attenuation - 21.0)
    else:
        beta = 0.0
    time = torch.arange(taps, dtype=torch.float64) - (taps - 1) / 2
    window = torch.kaiser_window(taps, periodic=False, beta=beta, dtype=torch.float64)
    filter_ = window * torch.sinc(2 * cutoff * time)
    return filter_ / filter_.sum()


class Snake(nn.Module):
    """x + sin(alpha x)^2 / beta for each channel (Ziyin et al., NeurIPS 2020), ``[B, C, T]`` to the same.

    Args:
        channels: C.
        separate_beta: a magnitude of its own ("snakebeta"); without it beta is alpha ("snake").
        logscale: the parameters are logarithms of alpha and beta.
    """

    def __init__(self, channels: int, *, separate_beta: bool, logscale: bool) -> None:
        super().__init__()
        self.logscale = logscale
        start = torch.zeros(channels) if logscale else torch.ones(channels)
        self.alpha = nn.Parameter(start.clone())
        self.register_parameter("beta", nn.Parameter(start.clone()) if separate_beta else None)

    def forward(self, x: Tensor) -> Tensor:
        alpha = self.alpha[:, None]
        beta = alpha if self.beta is None else self.beta[:, None]
        if self.logscale:
            alpha, beta = alpha.exp(), beta.exp()
        return x + (x * alpha).sin().square() / (beta + 1e-9)


class AntiAliased(nn.Module):
    """Upsample by two, activate, low-pass and keep every second sample: ``[B, C, T]`` to the same.

    At the ends of the signal the filters see the end sample repeated, once at either rate, as the published weights
    were trained.
    """

    def __init__(self, activation: nn.Module) -> None:
        super().__init__()
        self.act = activation
        self.register_buffer("filter", kaiser_sinc().float()[None, None], persistent=False)

    def forward(self, x: Tensor) -> Tensor:
        channels = x.shape[1]
        taps = self.filter.expand(channels, 1, TAPS)
        # y[n] = 2 sum_l x[l] f[n + 5 - 2l], of which l = -3 ... T + 2 can matter; the gain of 2 makes up for the zeros
        # between the input's samples, and cropping 11 on either side puts y[0] onto x[0]
        x = F.pad(x, (3, 3), mode="replicate")
        x = F.conv_transpose1d(x, RATIO * taps, stride=RATIO, groups=channels)[..., 11:-11]
        # z[t] = sum_k f[k] y[2t + k - 5]: together with the above, x[t - 5] ... x[t + 5]
        x = F.pad(self.act(x), (5, 6), mode="replicate")
        return F.conv1d(x, taps, stride=RATIO, groups=channels)
