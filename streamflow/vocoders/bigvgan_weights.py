"""NVIDIA's published BigVGAN weights: their names, their resampling filters, and weight normalisation folded in."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor

from ..errors import CheckpointError
from .antialias import TAPS, kaiser_sinc
from .bigvgan import BigVGAN

# (gain, direction) as torch.nn.utils.weight_norm names them, and as torch.nn.utils.parametrizations.weight_norm does
_NORMALISED = ((".weight_g", ".weight_v"), (".parametrizations.weight.original0", ".parametrizations.weight.original1"))


def load_generator_state(generator: BigVGAN, state: Mapping[str, Tensor], *, source: str = "weights") -> None:
    """Copy published weights into a generator.

    Args:
        generator: takes the weights, in place.
        state: tensors by published name, with either form of weight normalisation or none, with or without the
            resampling filters, and inside ``{"generator": ...}`` or not.
        source: what to call the weights in an error.

    Raises:
        CheckpointError: if names or shapes differ, or if the weights were trained with other resampling filters.
    """
    state = fold_weight_norm(state.get("generator", state))
    state = _without_filters(state, source)
    own = generator.state_dict()
    missing, unknown = sorted(own.keys() - state.keys()), sorted(state.keys() - own.keys())
    misshapen = sorted(name for name in own.keys() & state.keys() if own[name].shape != state[name].shape)
    for kind, names in (("lack", missing), ("hold an unknown", unknown), ("hold another shape of", misshapen)):
        if names:
            more = f" and {len(names) - 1} more" if len(names) > 1 else ""
            raise CheckpointError(
                f"{source}: the weights {kind} {names[0]}{more}; check that config.json belongs to them"
            )
    generator.load_state_dict(state)


def fold_weight_norm(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Replace gain g and direction v of every normalised weight by g v / |v|, the norm over all but dimension 0."""
    folded = dict(state)
    for gain_suffix, direction_suffix in _NORMALISED:
        for name in [name for name in state if name.endswith(gain_suffix)]:
            module = name.removesuffix(gain_suffix)
            if module + direction_suffix in folded:  # otherwise the gain stays and is reported as unknown
                gain, direction = folded.pop(name), folded.pop(module + direction_suffix)
                norm = torch.linalg.vector_norm(direction, dim=tuple(range(1, direction.ndim)), keepdim=True)
                folded[module + ".weight"] = gain * direction / norm
    return folded


def _without_filters(state: dict[str, Tensor], source: str) -> dict[str, Tensor]:
    """Drop the resampling filters, which are constants, after a look whether they are the usual ones."""
    usual = kaiser_sinc()
    for name in [name for name in state if name.endswith((".upsample.filter", ".downsample.lowpass.filter"))]:
        filter_ = state.pop(name).flatten().double()
        if filter_.shape != (TAPS,) or not torch.allclose(filter_, usual, atol=1e-3):
            raise CheckpointError(f"{source}: {name} is not the {TAPS}-tap filter of BigVGAN; these weights do not fit")
    return state
