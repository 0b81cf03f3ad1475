"""Vocoders: from log-mel frames to samples, each with the context that it declares."""

from __future__ import annotations

from dataclasses import asdict
from typing import NamedTuple

from torch import nn

from ..audio import SAMPLE_RATE
from ..errors import CheckpointError
from ..mel import BANDS, HOP


def build_vocoder(card: dict) -> nn.Module:
    """A vocoder with random weights from its entry in bundle.json: ``type`` and the fields of its configuration.

    Raises:
        CheckpointError: a type that there is not.
    """
    fields = {k: v for k, v in card.items() if k != "type"}
    if card.get("type") == "vocos":
        from .vocos import Vocos, VocosConfig

        return Vocos(VocosConfig(**fields))
    if card.get("type") == "bigvgan":
        from .bigvgan import BigVGAN
        from .bigvgan_config import BigVGANConfig

        return BigVGAN(BigVGANConfig.from_json(fields))
    raise CheckpointError(f"unknown vocoder {card.get('type')}; bundle.json may name vocos or bigvgan")


class Shape(NamedTuple):
    """What a vocoder takes and makes: samples a second, samples a frame, mel bands."""

    sample_rate: int
    hop: int
    bands: int


def vocoder_shape(card: dict) -> Shape:
    """The shape of the vocoder that an entry in bundle.json describes; no network is made.

    Raises:
        CheckpointError: a type that there is not.
    """
    if card.get("type") == "vocos":
        return Shape(SAMPLE_RATE, HOP, BANDS)
    if card.get("type") == "bigvgan":
        from .bigvgan_config import BigVGANConfig

        config = BigVGANConfig.from_json({k: v for k, v in card.items() if k != "type"})
        return Shape(config.sampling_rate, config.hop, config.num_mels)
    raise CheckpointError(f"unknown vocoder {card.get('type')}; bundle.json may name vocos or bigvgan")


def default_card(kind: str) -> dict:
    """The entry in bundle.json of a new vocoder at 16 kHz and hop 160.

    Raises:
        CheckpointError: a type that there is not.
    """
    if kind == "vocos":
        from .vocos import VocosConfig

        return {"type": kind, **asdict(VocosConfig())}
    if kind == "bigvgan":
        from .bigvgan_config import PRESETS

        return {"type": kind, **asdict(PRESETS["16khz_80band_160x_short"])}
    raise CheckpointError(f"unknown vocoder {kind}; choose vocos or bigvgan")
