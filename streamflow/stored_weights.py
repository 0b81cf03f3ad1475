"""What a bundle's files hold: weights in 16 or 8 bits, the card that says what they are, and what names them."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import os
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import save_file
from torch import Tensor

from .attention import AttentionPattern
from .errors import CheckpointError


def compacted(state: dict[str, Tensor], eight_bit: bool = False) -> dict[str, Tensor]:
    """Weights as they are stored: float16, or matrices as int8 with a scale a row (``NAME.scale``)."""
    result = {}
    for name, value in state.items():
        if eight_bit and value.ndim == 2 and value.is_floating_point():
            scale = (value.abs().amax(dim=1, keepdim=True) / 127).clamp_min(1e-7).half()
            result[name] = (value / scale.float()).round().clamp(-127, 127).to(torch.int8)
            result[f"{name}.scale"] = scale
        else:
            result[name] = value.half() if value.is_floating_point() else value
    return {k: v.contiguous() for k, v in result.items()}


def expanded(state: dict[str, Tensor]) -> dict[str, Tensor]:
    """Stored weights as float32."""
    result = {}
    for name, value in state.items():
        if name.endswith(".scale") and state.get(name.removesuffix(".scale"), value).dtype == torch.int8:
            continue
        scale = state[f"{name}.scale"].float() if value.dtype == torch.int8 else 1.0
        floating = value.is_floating_point() or value.dtype == torch.int8
        result[name] = value.float() * scale if floating else value
    return result


def save_part(directory: str | Path, file: str, state: dict[str, Tensor], card: dict, eight_bit: bool = False) -> None:
    """Write one part's weights (see :func:`compacted`) and merge ``card`` into bundle.json, each whole or not at all."""
    directory = Path(directory)
    directory.mkdir(parents=True, exist_ok=True)
    partial = directory / f".{file}.partial"
    try:
        save_file(compacted(state, eight_bit), partial)
    except (OSError, SafetensorError) as error:
        partial.unlink(missing_ok=True)
        raise CheckpointError(
            f"{directory / file}.safetensors: cannot be written ({error}); is the disk full?"
        ) from None
    partial.chmod(0o644)
    os.replace(partial, directory / f"{file}.safetensors")
    merge_card(directory, card)


def merge_card(directory: Path, card: dict) -> None:
    """Put the entries of ``card`` into a folder's bundle.json, whole or not at all; differences are added to those there."""
    path = directory / "bundle.json"
    merged = json.loads(path.read_text()) if path.exists() else {}
    for key, value in card.items():
        merged[key] = {**merged.get(key, {}), **value} if key == "differences" else value
    partial = directory / ".bundle.json.partial"
    partial.write_text(json.dumps(merged, indent=2) + "\n")
    os.replace(partial, path)


def identity(state: dict[str, Tensor]) -> str:
    """Names weights by their float16 values, whatever they are stored in: 16 hexadecimal digits."""
    digest = hashlib.sha256()
    for name in sorted(state):
        digest.update(name.encode())
        digest.update(state[name].half().contiguous().numpy().tobytes())
    return digest.hexdigest()[:16]


def config_card(config) -> dict:
    """A configuration as JSON-able values."""
    return json.loads(json.dumps(dataclasses.asdict(config)))


def pattern_card(pattern: AttentionPattern) -> dict:
    """An attention pattern as JSON-able values."""
    return {"block": pattern.block, "layers": [[r.back, r.ahead] for r in pattern.layers]}
