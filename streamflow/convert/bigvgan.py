"""NVIDIA's BigVGAN: its config.json and generator, weight normalisation folded in, as the vocoder of a bundle."""

from __future__ import annotations

import torch

from ..errors import CheckpointError
from ..stored_weights import config_card
from ..vocoders.bigvgan import BigVGAN
from ..vocoders.bigvgan_config import BigVGANConfig
from ..vocoders.bigvgan_weights import load_generator_state
from .source import Source, safetensors_of, unpickled
from .target import Converted

NAMES = ("bigvgan_generator.safetensors", "bigvgan_generator.pt", "model.safetensors", "g_05000000")


def convert_bigvgan(source: Source) -> Converted:
    """The generator of a published BigVGAN checkpoint.

    Raises:
        CheckpointError: a file that is missing, damaged, or does not fit config.json.
    """
    config = BigVGANConfig.from_json(source.json("config.json"))
    path = source.file(_weights_of(source))
    state = safetensors_of(path) if path.suffix == ".safetensors" else unpickled(path)
    state = state.get("generator", state) if isinstance(state, dict) else {}
    if not state or not all(isinstance(value, torch.Tensor) for value in state.values()):
        raise CheckpointError(f"{path}: holds no generator; take the file of the generator, not the discriminator's")
    generator = BigVGAN(config)
    load_generator_state(generator, state, source=str(path))
    past, future = config.context_frames()
    return Converted(
        "bigvgan",
        "BigVGAN vocoder",
        {"vocoder": {"type": "bigvgan", **config_card(config)}, "sample_rate": config.sampling_rate},
        {"vocoder": generator.state_dict()},
        "NVIDIA published its BigVGAN checkpoints under the MIT licence: see the publisher's page",
        [
            f"{config.num_mels} mel bands to audio at {config.sampling_rate} Hz, {config.hop} samples a frame.",
            f"A frame's samples depend on {past} frames before and {future} after, exactly.",
        ],
    )


def _weights_of(source: Source) -> str:
    """The generator's file; of a folder's training checkpoints the one with the most updates."""
    if name := next((name for name in NAMES[:-1] if source.has(name)), None):
        return name
    checkpoints = [] if source.hub else sorted(path.name for path in source.folder.glob("g_*"))
    if checkpoints or source.has(NAMES[-1]):
        return checkpoints[-1] if checkpoints else NAMES[-1]
    raise CheckpointError(f"{source.name}: has none of {', '.join(NAMES)}; fetch every file of the checkpoint")
