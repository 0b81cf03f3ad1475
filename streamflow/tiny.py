"""A bundle of random weights in a second: every code path at a size for tests; its audio is noise."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import torch
from torch import nn

from .adapters import add_adapters, difference
from .attention import PRESETS, TOKEN_AHEAD, preset
from .checkpoints import Bundle
from .dit import DiT, dit_preset
from .mel import FRAMES_PER_TOKEN
from .speaker import SpeakerConfig, SpeakerEncoder
from .stored_weights import config_card, identity, pattern_card, save_part
from .tokenizer import Tokenizer, TokenizerConfig
from .vocoders.vocos import Vocos, VocosConfig

BLOCK = 8  # frames; a multiple of a token's


def make_tiny_bundle(directory: str | Path, seed: int = 0, frames_per_token: int = FRAMES_PER_TOKEN) -> Bundle:
    """Write a bundle with random weights for every attention pattern to ``directory`` and open it.

    Of another rate of tokens than the tokenizer's it has no tokenizer, as published weights have none.
    """
    dit_config = replace(dit_preset("tiny"), frames_per_token=frames_per_token)
    speaker = SpeakerConfig(channels=8, attention=4, se=4, embedding=dit_config.speaker)
    tokenizer = TokenizerConfig(
        levels=dit_config.levels, codes=dit_config.codes, width=16, hidden=16, layers=1, speaker=dit_config.speaker
    )
    vocoder = VocosConfig(width=16, hidden=16, layers=2)
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        save_part(directory, "speaker", SpeakerEncoder(speaker).state_dict(), {"speaker": config_card(speaker)})
        if frames_per_token == FRAMES_PER_TOKEN:
            save_part(directory, "tokenizer", Tokenizer(tokenizer).state_dict(), {"tokenizer": config_card(tokenizer)})
        save_part(
            directory, "vocoder", Vocos(vocoder).state_dict(), {"vocoder": {"type": "vocos", **config_card(vocoder)}}
        )
        dit = randomised(DiT(dit_config))
        phase_one = identity(dit.state_dict())
        save_part(directory, "decoder", dit.state_dict(), {"decoder": config_card(dit_config), "decoder_id": phase_one})
        for name in PRESETS[1:]:
            save_difference(directory, name, dit.state_dict(), _adapted(dit, name), dit_config.layers)
    return Bundle(directory)


def save_difference(directory: str | Path, name: str, base: dict, state: dict, layers: int) -> None:
    """Write the random weights of one attention pattern."""
    pattern = preset(name, layers, BLOCK)
    card = {**pattern_card(pattern), "decoder_id": identity(base)}
    card |= {"token_ahead": TOKEN_AHEAD[name]} if name in TOKEN_AHEAD else {}
    save_part(directory, f"decoder-{name}", difference(state, base), {"differences": {name: card}})


def randomised(dit: DiT) -> DiT:
    """Give every parameter a value that matters: adaLN-zero starts as the identity, which would hide a wrong mask."""
    for p in dit.parameters():
        nn.init.normal_(p, std=0.5 / p.shape[-1] ** 0.5 if p.ndim > 1 else 0.1)
    return dit


def _adapted(dit: DiT, name: str) -> dict:
    copy = DiT(replace(dit.config, token_ahead=TOKEN_AHEAD.get(name, 0)))
    copy.load_state_dict(dit.state_dict(), strict=False)
    for p in add_adapters(copy, 2):
        if p.ndim == 2:
            nn.init.normal_(p, std=0.1)
    return copy.state_dict()
