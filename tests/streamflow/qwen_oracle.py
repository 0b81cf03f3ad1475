"""Small networks of transformers' Qwen2.5-Omni classes with random weights that let the signal through."""

from __future__ import annotations

import torch
from torch import nn

from streamflow.speechbrain_import import import_torchaudio

import_torchaudio()  # which transformers imports too; see there

SMALL = {
    "hidden_size": 64,
    "num_hidden_layers": 6,
    "num_attention_heads": 4,
    "head_dim": 16,
    "ff_mult": 2,
    "emb_dim": 32,
    "repeats": 2,
    "num_embeds": 50,
    "mel_dim": 80,
    "dropout": 0.1,
    "enc_emb_dim": 12,
    "enc_dim": 16,
    "enc_channels": [32, 32, 32, 32, 96],
    "enc_attention_channels": 8,
    "enc_res2net_scale": 4,
    "enc_se_channels": 8,
}
SMALL_VOCODER = {"mel_dim": 80, "upsample_initial_channel": 64}


def small_dit_config(**changes) -> dict:
    return {**SMALL, "block_size": 8, "look_ahead_layers": [2], "look_backward_layers": [0, 4], **changes}


def oracle_dit(dtype: torch.dtype = torch.float32, **changes) -> tuple[nn.Module, dict]:
    """The oracle and its config.json; its rotary tables are computed in ``dtype``."""
    from transformers.models.qwen2_5_omni import modeling_qwen2_5_omni as qwen
    from transformers.models.qwen2_5_omni.configuration_qwen2_5_omni import Qwen2_5OmniDiTConfig

    published = small_dit_config(**changes)
    with torch.random.fork_rng():
        torch.manual_seed(0)
        config = Qwen2_5OmniDiTConfig(**published)
        model = qwen.Qwen2_5OmniToken2WavDiTModel._from_config(config, attn_implementation="sdpa").eval()
        enlarge(model, 0.15)
    model.to(dtype)
    if dtype == torch.float64:
        model.rotary_embed.forward = exact_tables
    return model, published


def exact_tables(x: torch.Tensor, position_ids: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """The rotary tables in float64: the class computes them in float32 whatever the weights are."""
    width = SMALL["head_dim"]
    frequencies = 10_000.0 ** (-torch.arange(0, width, 2, dtype=torch.float64) / width)
    angles = (position_ids[..., None] * frequencies).repeat(1, 1, 2)
    return angles.cos(), angles.sin()


def oracle_vocoder(dtype: torch.dtype = torch.float32, **changes) -> tuple[nn.Module, dict]:
    """The oracle of the vocoder, with the published rates and few channels, and its config.json."""
    from transformers.models.qwen2_5_omni import modeling_qwen2_5_omni as qwen
    from transformers.models.qwen2_5_omni.configuration_qwen2_5_omni import Qwen2_5OmniBigVGANConfig

    published = {**SMALL_VOCODER, **changes}
    with torch.random.fork_rng():
        torch.manual_seed(1)
        model = qwen.Qwen2_5OmniToken2WavBigVGANModel(Qwen2_5OmniBigVGANConfig(**published)).eval()
        with torch.no_grad():
            for name, parameter in model.named_parameters():
                spread = 0.3 if parameter.ndim == 1 else (parameter.shape[1] * parameter.shape[2]) ** -0.5
                parameter.normal_(std=spread * (0.03 if name.startswith("conv_post") else 1.0))
    return model.to(dtype), published


def enlarge(model: nn.Module, std: float) -> None:
    """The default spread gives outputs near zero, which would hide a wrong mask."""
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.normal_(std=std)
