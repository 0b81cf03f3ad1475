"""NVIDIA's published BigVGAN weights: their files, their names, and weight normalisation folded in."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

import torch
from safetensors.torch import load_file
from torch import Tensor

from ..errors import CheckpointError
from .antialias import TAPS, kaiser_sinc
from .bigvgan import BigVGAN
from .bigvgan_config import BigVGANConfig

# (gain, direction) as torch.nn.utils.weight_norm names them, and as torch.nn.utils.parametrizations.weight_norm does
_NORMALISED = ((".weight_g", ".weight_v"), (".parametrizations.weight.original0", ".parametrizations.weight.original1"))
_WEIGHTS = ("bigvgan_generator.safetensors", "model.safetensors", "bigvgan_generator.pt", "g_*", "*.safetensors")


def load_bigvgan(path: str | Path) -> BigVGAN:
    """Load a generator as published: ``config.json`` beside ``bigvgan_generator.pt``, ``g_05000000`` or safetensors.

    Args:
        path: the directory, or the weights file in it.

    Returns:
        The generator on the CPU, in evaluation mode, without weight normalisation.

    Raises:
        CheckpointError: if a file is missing or unreadable, or the weights do not fit the configuration.
    """
    path = Path(path)
    weights = find_weights(path) if path.is_dir() else path
    state = read_state(weights)
    config_file = weights.parent / "config.json"
    try:
        config = BigVGANConfig.from_json(json.loads(config_file.read_text()))
    except FileNotFoundError:
        raise CheckpointError(f"{config_file}: no such file; put the weights' config.json beside them") from None
    except (json.JSONDecodeError, UnicodeDecodeError):
        raise CheckpointError(f"{config_file}: not JSON; fetch the file again") from None
    generator = BigVGAN(config)
    load_generator_state(generator, state, source=str(weights))
    return generator.eval()


def find_weights(directory: Path) -> Path:
    """The weights file of a directory; of training checkpoints the one with the most steps."""
    for pattern in _WEIGHTS:
        if found := sorted(directory.glob(pattern)):
            return found[-1]
    raise CheckpointError(f"{directory}: no BigVGAN weights; it needs bigvgan_generator.pt or a .safetensors file")


def read_state(weights: Path) -> dict[str, Tensor]:
    """Tensors of a .safetensors or PyTorch file by name, without running any code that the file may hold."""
    try:
        if weights.suffix == ".safetensors":
            return load_file(weights)
        state = torch.load(weights, map_location="cpu", weights_only=True)
    except FileNotFoundError:
        raise CheckpointError(f"{weights}: no such file; give the weights file or its directory") from None
    except Exception as error:  # what a damaged pickle raises is anybody's guess
        raise CheckpointError(f"{weights}: unreadable weights ({type(error).__name__}); fetch the file again") from None
    state = state.get("generator", state) if isinstance(state, dict) else None
    if not state or not all(isinstance(value, Tensor) for value in state.values()):
        raise CheckpointError(f"{weights}: holds no generator; take the file of the generator, not the discriminator's")
    return state


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
