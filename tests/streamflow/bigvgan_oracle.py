"""NVIDIA's own BigVGAN class (package bigvgan, MIT) with small random weights, saved by its own method.

Of what the package asks for, the generator uses torch and huggingface_hub. Beside it lie functions that draw, which
import matplotlib; nothing is drawn here, so that name alone stands in for it where it is not installed.
"""

from __future__ import annotations

import importlib
import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import torch
from torch import nn

# config.json as published, but for the channels; what only training reads is in it too
PUBLISHED = {
    "resblock": "1",
    "num_gpus": 0,
    "batch_size": 32,
    "learning_rate": 0.0001,
    "adam_b1": 0.8,
    "adam_b2": 0.99,
    "lr_decay": 0.9999996,
    "seed": 1234,
    "resblock_kernel_sizes": [3, 7, 11],
    "resblock_dilation_sizes": [[1, 3, 5], [1, 3, 5], [1, 3, 5]],
    "activation": "snakebeta",
    "snake_logscale": True,
    "resolutions": [[1024, 120, 600], [2048, 240, 1200], [512, 50, 240]],
    "mpd_reshapes": [2, 3, 5, 7, 11],
    "use_spectral_norm": False,
    "discriminator_channel_mult": 1,
    "segment_size": 65536,
    "num_mels": 100,
    "num_freq": 1025,
    "n_fft": 1024,
    "hop_size": 256,
    "win_size": 1024,
    "sampling_rate": 24000,
    "fmin": 0,
    "fmax": None,
    "fmax_for_loss": None,
    "num_workers": 4,
    "dist_config": {"dist_backend": "nccl", "dist_url": "tcp://localhost:54321", "world_size": 1},
}
BASE = PUBLISHED | {  # bigvgan_base_24khz_100band: of before there was a choice at the end, so tanh and a bias
    "upsample_rates": [8, 8, 2, 2],
    "upsample_kernel_sizes": [16, 16, 4, 4],
    "upsample_initial_channel": 32,
}
SECOND = PUBLISHED | {  # bigvgan_v2_24khz_100band_256x
    "upsample_rates": [4, 4, 2, 2, 2, 2],
    "upsample_kernel_sizes": [8, 8, 4, 4, 4, 4],
    "upsample_initial_channel": 64,
    "use_tanh_at_final": False,
    "use_bias_at_final": False,
}


def nvidia_bigvgan(settings: dict) -> nn.Module:
    """The oracle; its weights are enlarged so that every layer is heard, and what comes before the limiter is levelled."""
    module = _imported()
    with torch.random.fork_rng(), torch.no_grad():
        torch.manual_seed(3)
        model = module.BigVGAN(module.AttrDict(settings)).eval()
        for name, parameter in model.named_parameters():
            if name.endswith("weight_g"):  # the norm of what makes one channel
                parameter.uniform_(0.5, 1.0)
            elif name.endswith((".alpha", ".beta")) and not settings["snake_logscale"]:  # beta divides
                parameter.uniform_(0.5, 1.5)
            else:
                parameter.normal_(std=0.3 if parameter.ndim == 1 else 1.0)
        levels = []
        hook = model.conv_post.register_forward_hook(lambda _, __, output: levels.append(output.std()))
        model(torch.randn(1, settings["num_mels"], 12) * 2 - 5)
        hook.remove()
        model.conv_post.weight_g.mul_(0.4 / levels[0])
    return model


def write_bigvgan(folder: Path, settings: dict, *, weight_norm: bool = True) -> nn.Module:
    """The folder as published: config.json and bigvgan_generator.pt; later checkpoints have no weight normalisation."""
    model = nvidia_bigvgan(settings)
    if not weight_norm:
        model.remove_weight_norm()
    folder.mkdir(parents=True)
    model.save_pretrained(folder)
    (folder / "README.md").write_text("---\nlicense: mit\nlicense_link: LICENSE\n---\n\n# A vocoder\n")
    return model


def _imported() -> ModuleType:
    if importlib.util.find_spec("matplotlib") is not None:
        return importlib.import_module("bigvgan.bigvgan")
    absent = {name: ModuleType(name) for name in ("matplotlib", "matplotlib.pylab")}
    absent["matplotlib"].use, absent["matplotlib"].pylab = lambda _: None, absent["matplotlib.pylab"]
    sys.modules.update(absent)
    try:
        return importlib.import_module("bigvgan.bigvgan")
    finally:
        for name in absent:
            del sys.modules[name]
