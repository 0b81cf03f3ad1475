"""BigVGAN (Lee et al., ICLR 2023): transposed convolutions and residual blocks of anti-aliased periodic activations.

Modules are named as in NVIDIA's published weights, which :mod:`.bigvgan_weights` reads.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from .antialias import AntiAliased, Snake
from .bigvgan_config import BigVGANConfig


def same_conv(channels: int, kernel: int, dilation: int = 1) -> nn.Conv1d:
    """A convolution that keeps the length; its kernel is odd and centred."""
    return nn.Conv1d(channels, channels, kernel, dilation=dilation, padding=dilation * (kernel - 1) // 2)


def decibels(mel: Tensor) -> Tensor:
    """Natural log of amplitudes to [-1, 1]: -115 dB to 0 dB, after 20 dB are taken off (Qwen2.5-Omni's vocoder)."""
    level = 20 * mel.exp().clamp(min=10 ** (-115 / 20)).log10() - 20
    return (2 * (level + 115) / 115 - 1).clamp(-1, 1)


class AMPBlock1(nn.Module):
    """Residual pairs of a dilated and a plain convolution, an activation before each: ``[B, C, T]`` to the same."""

    def __init__(self, config: BigVGANConfig, channels: int, kernel: int, dilations: tuple[int, ...]) -> None:
        super().__init__()
        self.convs1 = nn.ModuleList(same_conv(channels, kernel, d) for d in dilations)
        self.convs2 = nn.ModuleList(same_conv(channels, kernel) for _ in dilations)
        self.activations = nn.ModuleList(activation(config, channels) for _ in range(2 * len(dilations)))

    def forward(self, x: Tensor) -> Tensor:
        pairs = zip(self.activations[::2], self.convs1, self.activations[1::2], self.convs2, strict=True)
        for act1, conv1, act2, conv2 in pairs:
            x = x + conv2(act2(conv1(act1(x))))
        return x


class AMPBlock2(nn.Module):
    """Residual dilated convolutions, an activation before each: ``[B, C, T]`` to the same."""

    def __init__(self, config: BigVGANConfig, channels: int, kernel: int, dilations: tuple[int, ...]) -> None:
        super().__init__()
        self.convs = nn.ModuleList(same_conv(channels, kernel, d) for d in dilations)
        self.activations = nn.ModuleList(activation(config, channels) for _ in dilations)

    def forward(self, x: Tensor) -> Tensor:
        for act, conv in zip(self.activations, self.convs, strict=True):
            x = x + conv(act(x))
        return x


def activation(config: BigVGANConfig, channels: int) -> AntiAliased:
    """The configuration's activation at twice the rate."""
    return AntiAliased(Snake(channels, separate_beta=config.activation == "snakebeta", logscale=config.snake_logscale))


class BigVGAN(nn.Module):
    """Log-mel ``[B, T, num_mels]`` to samples in [-1, 1], ``[B, T * hop]``.

    Attributes:
        hop: samples a frame, the product of the upsampling rates.
        past_frames: earlier frames that a frame's samples depend on: exact, or ``config.context``.
        future_frames: later frames. Every layer is centred, so as many: in 10 ms frames, 190 to 310 ms of latency,
            of which the far end carries next to nothing. :func:`..context.measure_context` tells how many frames
            matter for given weights.
    """

    def __init__(self, config: BigVGANConfig) -> None:
        super().__init__()
        self.config = config
        self.hop = config.hop
        self.past_frames, self.future_frames = config.context or config.context_frames()
        widths = config.widths
        self.conv_pre = nn.Conv1d(config.num_mels, widths[0], 7, padding=3)
        # one list a stage, for that is how the weights are named: ups.2.0.weight
        self.ups = nn.ModuleList(
            nn.ModuleList([nn.ConvTranspose1d(wide, narrow, kernel, rate, padding=(kernel - rate) // 2)])
            for wide, narrow, kernel, rate in zip(
                widths[:-1], widths[1:], config.upsample_kernel_sizes, config.upsample_rates, strict=True
            )
        )
        block = AMPBlock1 if config.resblock == "1" else AMPBlock2
        self.resblocks = nn.ModuleList(
            block(config, width, kernel, dilations)
            for width in widths[1:]
            for kernel, dilations in zip(config.resblock_kernel_sizes, config.resblock_dilation_sizes, strict=True)
        )
        self.activation_post = activation(config, widths[-1])
        self.conv_post = nn.Conv1d(widths[-1], 1, 7, padding=3, bias=config.use_bias_at_final)
        for module in (*self.ups.modules(), *self.resblocks.modules(), self.conv_post):
            if isinstance(module, nn.Conv1d | nn.ConvTranspose1d):
                nn.init.normal_(module.weight, std=0.01)

    def forward(self, mel: Tensor) -> Tensor:
        x = self.conv_pre((decibels(mel) if self.config.decibel_input else mel).transpose(1, 2))
        branches = len(self.config.resblock_kernel_sizes)
        for stage, (up,) in enumerate(self.ups):
            x = up(x)
            blocks = self.resblocks[stage * branches : (stage + 1) * branches]
            x = sum(block(x) for block in blocks) / branches
        x = self.conv_post(self.activation_post(x))[:, 0]
        return torch.tanh(x) if self.config.use_tanh_at_final else x.clamp(-1.0, 1.0)
