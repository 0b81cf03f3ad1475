"""BigVGAN's sizes: NVIDIA's config.json, the context that follows from it, and the published configurations."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any, Literal

from ..errors import CheckpointError
from .antialias import REACH


@dataclass(frozen=True, kw_only=True)
class BigVGANConfig:
    """The fields of config.json that shape the generator, by their published names and with their published defaults.

    Attributes:
        num_mels: mel bands.
        sampling_rate: samples a second.
        upsample_rates: upsampling of each stage; their product is the hop.
        upsample_kernel_sizes: kernel of each stage's transposed convolution; kernel - rate must be even.
        upsample_initial_channel: channels before the first stage; every stage halves them.
        resblock: "1" (pairs of convolutions) or "2" (single ones).
        resblock_kernel_sizes: one residual block a kernel in every stage, averaged; odd.
        resblock_dilation_sizes: the dilations of each of these blocks.
        activation: "snakebeta" or "snake".
        snake_logscale: the activations' parameters are logarithms.
        use_tanh_at_final: tanh at the end (first version) instead of clipping to [-1, 1] (second version).
        use_bias_at_final: the last convolution has a bias (first version).
        context: frames before and after to stream with, where the exact context reaches further than it matters; not
            a published field.
        decibel_input: the log-mel is first brought from -115 dB ... 0 dB to -1 ... 1, 20 dB lower (Qwen2.5-Omni); not
            a published field.

    Raises:
        CheckpointError: when the fields do not make a generator.
    """

    num_mels: int
    sampling_rate: int
    upsample_rates: tuple[int, ...]
    upsample_kernel_sizes: tuple[int, ...]
    upsample_initial_channel: int
    resblock: Literal["1", "2"] = "1"
    resblock_kernel_sizes: tuple[int, ...] = (3, 7, 11)
    resblock_dilation_sizes: tuple[tuple[int, ...], ...] = ((1, 3, 5),) * 3
    activation: Literal["snakebeta", "snake"] = "snakebeta"
    snake_logscale: bool = True
    use_tanh_at_final: bool = True
    use_bias_at_final: bool = True
    context: tuple[int, int] | None = None
    decibel_input: bool = False

    def __post_init__(self) -> None:
        if self.resblock not in ("1", "2"):
            raise CheckpointError(f"BigVGAN config: resblock {self.resblock!r} is unknown; it must be '1' or '2'")
        if self.activation not in ("snake", "snakebeta"):
            raise CheckpointError(
                f"BigVGAN config: activation {self.activation!r} is unknown; it must be 'snakebeta' or 'snake'"
            )
        if len(self.upsample_rates) != len(self.upsample_kernel_sizes) or not self.upsample_rates:
            raise CheckpointError("BigVGAN config: upsample_rates needs one upsample_kernel_sizes entry each")
        if len(self.resblock_kernel_sizes) != len(self.resblock_dilation_sizes) or not self.resblock_kernel_sizes:
            raise CheckpointError("BigVGAN config: resblock_kernel_sizes needs one resblock_dilation_sizes entry each")
        for rate, kernel in zip(self.upsample_rates, self.upsample_kernel_sizes, strict=True):
            if kernel < rate or (kernel - rate) % 2:
                raise CheckpointError(
                    f"BigVGAN config: upsample kernel {kernel} with rate {rate} makes no whole number of samples a "
                    "frame; kernel - rate must be even and not negative"
                )
        if any(kernel % 2 == 0 for kernel in self.resblock_kernel_sizes):
            raise CheckpointError(f"BigVGAN config: resblock_kernel_sizes {self.resblock_kernel_sizes} must be odd")
        if self.widths[-1] < 1:
            raise CheckpointError(
                f"BigVGAN config: upsample_initial_channel {self.upsample_initial_channel} cannot be halved "
                f"{len(self.upsample_rates)} times; give more channels or fewer stages"
            )
        if self.context is not None and (len(self.context) != 2 or min(self.context) < 0):
            raise CheckpointError(
                f"BigVGAN config: context {self.context} must be two numbers of frames, past and future"
            )

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> BigVGANConfig:
        """Take what concerns the generator from the contents of a published config.json.

        Raises:
            CheckpointError: when a field is missing, or when ``hop_size`` is not the product of the upsampling rates.
        """
        if not isinstance(values, Mapping):
            raise CheckpointError("BigVGAN config: not a table of fields; take the published config.json")
        wanted = {field.name for field in fields(cls)}
        given = {name: _as_tuple(value) for name, value in values.items() if name in wanted}
        given["resblock"] = str(given.get("resblock", "1"))
        try:
            config = cls(**given)
        except TypeError as error:
            raise CheckpointError(
                f"BigVGAN config: {str(error).partition(' ')[2]}; take the published config.json"
            ) from None
        if values.get("hop_size", config.hop) != config.hop:
            raise CheckpointError(
                f"BigVGAN config: hop_size {values['hop_size']} is not the product of upsample_rates, {config.hop}"
            )
        return config

    @property
    def hop(self) -> int:
        """Samples a frame."""
        return math.prod(self.upsample_rates)

    @property
    def widths(self) -> tuple[int, ...]:
        """Channels before the first stage and after each."""
        return tuple(self.upsample_initial_channel // 2**i for i in range(len(self.upsample_rates) + 1))

    def context_frames(self) -> tuple[int, int]:
        """Frames before and after a frame that its samples depend on, exactly, by interval arithmetic.

        The interval of samples [0, hop) is followed back through the layers, from the last to the first.
        """
        low, high = 0, self.hop - 1
        low, high = low - 3 - REACH, high + 3 + REACH  # activation_post, conv_post
        block_reach = max(
            sum(self._residual_reach(kernel, dilation) for dilation in dilations)
            for kernel, dilations in zip(self.resblock_kernel_sizes, self.resblock_dilation_sizes, strict=True)
        )
        for rate, kernel in zip(reversed(self.upsample_rates), reversed(self.upsample_kernel_sizes), strict=True):
            low, high = low - block_reach, high + block_reach
            padding = (kernel - rate) // 2  # output n depends on the inputs m with 0 <= n + padding - rate m < kernel
            low, high = -((kernel - 1 - padding - low) // rate), (high + padding) // rate
        return 3 - low, high + 3  # conv_pre

    def _residual_reach(self, kernel: int, dilation: int) -> int:
        dilated = REACH + dilation * (kernel - 1) // 2
        return dilated + (REACH + (kernel - 1) // 2 if self.resblock == "1" else 0)


def _as_tuple(value: Any) -> Any:
    return tuple(_as_tuple(item) for item in value) if isinstance(value, list | tuple) else value


_SECOND_VERSION = {"use_tanh_at_final": False, "use_bias_at_final": False}
_SPEECH_16KHZ = {"num_mels": 80, "sampling_rate": 16_000, "upsample_initial_channel": 512}

PRESETS: dict[str, BigVGANConfig] = {
    # as published
    "bigvgan_base_24khz_100band": BigVGANConfig(
        num_mels=100,
        sampling_rate=24_000,
        upsample_rates=(8, 8, 2, 2),
        upsample_kernel_sizes=(16, 16, 4, 4),
        upsample_initial_channel=512,
    ),
    "bigvgan_v2_24khz_100band_256x": BigVGANConfig(
        num_mels=100,
        sampling_rate=24_000,
        upsample_rates=(4, 4, 2, 2, 2, 2),
        upsample_kernel_sizes=(8, 8, 4, 4, 4, 4),
        upsample_initial_channel=1536,
        **_SECOND_VERSION,
    ),
    # Qwen2.5-Omni's
    "qwen_24khz_80band_240x": BigVGANConfig(
        num_mels=80,
        sampling_rate=24_000,
        upsample_rates=(5, 3, 2, 2, 2, 2),
        upsample_kernel_sizes=(11, 7, 4, 4, 4, 4),
        upsample_initial_channel=1536,
        decibel_input=True,
        **_SECOND_VERSION,
    ),
    # for this project's mel; the second sees two thirds as far ahead
    "16khz_80band_160x": BigVGANConfig(
        upsample_rates=(5, 4, 2, 2, 2), upsample_kernel_sizes=(11, 8, 4, 4, 4), **_SPEECH_16KHZ, **_SECOND_VERSION
    ),
    "16khz_80band_160x_short": BigVGANConfig(
        upsample_rates=(8, 5, 2, 2), upsample_kernel_sizes=(16, 11, 4, 4), **_SPEECH_16KHZ, **_SECOND_VERSION
    ),
    # small enough for tests
    "tiny": BigVGANConfig(
        num_mels=80,
        sampling_rate=16_000,
        upsample_rates=(10, 4, 4),
        upsample_kernel_sizes=(20, 8, 8),
        upsample_initial_channel=32,
        resblock_kernel_sizes=(3, 5),
        resblock_dilation_sizes=((1, 3), (1, 2)),
        **_SECOND_VERSION,
    ),
}
