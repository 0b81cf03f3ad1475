"""Bundles of any size without files: what a decoder costs depends on its sizes, not on the values of its weights."""

from __future__ import annotations

from dataclasses import replace
from functools import cached_property
from pathlib import Path

import torch
from torch import nn

from .attention import PRESETS, TOKEN_AHEAD, preset
from .checkpoints import Bundle
from .devices import device_of
from .dit import DiT, DiTConfig, dit_preset
from .packed import pack_linears, precision_of
from .stored_weights import config_card, pattern_card
from .tiny import randomised
from .vocoders import build_vocoder, default_card

VOCODERS = {"paper": "bigvgan", "small": "vocos", "tiny": "vocos"}


class RandomBundle(Bundle):
    """Random weights of a preset for every attention pattern, made in memory when they are first asked for.

    All patterns share them but for what a pattern alone has, so that ten of 330 M parameters take the room of one. There
    is neither tokenizer nor speaker encoder.

    Args:
        size: ``paper`` (with a BigVGAN), ``small`` or ``tiny`` (with a Vocos).
        dtype, device: as :class:`Bundle` takes them.

    Raises:
        StreamflowError: an unknown size or device.
    """

    def __init__(self, size: str | Path, dtype: str = "float32", device: str | torch.device = "cpu"):
        self.directory, self.device = Path(size), device_of(device)
        self.precision = precision_of(dtype, self.device)
        config = dit_preset(str(size))
        ahead = {name: {"token_ahead": tokens} for name, tokens in TOKEN_AHEAD.items()}
        self.card = {
            "decoder": config_card(config),
            "vocoder": default_card(VOCODERS[str(size)]),
            "differences": {
                name: pattern_card(preset(name, config.layers)) | ahead.get(name, {}) for name in PRESETS[1:]
            },
        }

    @property
    def hashes(self) -> dict[str, str]:
        """None: there are no files."""
        return {}

    @cached_property
    def vocoder(self) -> nn.Module:
        """The preset's vocoder."""
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(0)
            return self._placed(build_vocoder(self.card["vocoder"]), torch.float32)

    def decoder(self, pattern: str = "full") -> DiT:
        """A DiT for ``pattern``, made once."""
        made = self.__dict__.setdefault("_decoders", {})
        if pattern not in made:
            self.weights_of(pattern)
            config = replace(self.config("decoder"), token_ahead=self.token_ahead(pattern))
            with torch.random.fork_rng(devices=[]):
                torch.manual_seed(0)
                own = pattern == self.first_pattern or config.token_ahead
                dit = randomised(DiT(config)) if own else self._sharing(config)
            made[pattern] = self._placed(dit, self.precision)
        return made[pattern]

    def _sharing(self, config: DiTConfig) -> DiT:
        base = self.decoder(self.first_pattern)
        with torch.device("meta"):
            dit = DiT(config)
        dit.tokens.fsq = base.tokens.fsq  # its buffers are in no state dict
        dit.load_state_dict(base.state_dict(), assign=True)
        return dit

    def _placed(self, module: nn.Module, precision: torch.dtype) -> nn.Module:
        return pack_linears(module.eval().requires_grad_(False).to(self.device), precision)
