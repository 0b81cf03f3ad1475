"""Qwen2.5-Omni's Token2Wav: transformers' names and conventions into ours.

Three conventions differ beyond names, and each is undone by moving rows, so the network stays the same function:

- the rotary embedding rotates neighbouring elements of a head, ours the two halves: the rows of queries and keys of the
  rotated head go even ones first. Scores are products over a head, so its order does not matter to them;
- the input layer takes (mel, reference embedding, codes, x-vector), ours (mel, voice, codes): its columns move;
- the last modulation gives scale and shift, ours shift and scale: its rows swap.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from ..attention import AttentionPattern, Reach
from ..conditioning import PromptEncoder, PromptEncoderConfig
from ..dit import DiTConfig
from ..errors import CheckpointError
from ..mel import BANDS
from ..stored_weights import config_card, identity, pattern_card
from ..vocoders.bigvgan import BigVGAN
from ..vocoders.bigvgan_config import BigVGANConfig
from .fitting import fitted
from .source import Source
from .target import Converted

SAMPLE_RATE = 24_000
DEFAULTS: dict[str, Any] = {  # of transformers' Qwen2_5OmniDiTConfig: a config.json holds what differs, or everything
    "hidden_size": 1024,
    "num_hidden_layers": 22,
    "num_attention_heads": 16,
    "head_dim": 64,
    "ff_mult": 2,
    "emb_dim": 512,
    "block_size": 24,
    "look_ahead_layers": [10],
    "look_backward_layers": [0, 20],
    "repeats": 2,
    "num_embeds": 8193,
    "mel_dim": 80,
    "enc_emb_dim": 192,
    "enc_dim": 128,
    "enc_channels": [256, 256, 256, 256, 768],
    "enc_kernel_sizes": [5, 3, 3, 3, 1],
    "enc_dilations": [1, 2, 3, 4, 1],
    "enc_attention_channels": 64,
    "enc_res2net_scale": 2,
    "enc_se_channels": 64,
}
VOCODER_DEFAULTS: dict[str, Any] = {
    "mel_dim": 80,
    "upsample_initial_channel": 1536,
    "resblock_kernel_sizes": [3, 7, 11],
    "resblock_dilation_sizes": [[1, 3, 5]] * 3,
    "upsample_rates": [5, 3, 2, 2, 2, 2],
    "upsample_kernel_sizes": [11, 7, 4, 4, 4, 4],
}
# Streaming with the exact reach of the layers would cost 90 ms more; what lies beyond 20 frames changes samples by
# 2e-6 (notes on the published generator), and vllm-omni holds back as many.
VOCODER_CONTEXT = (24, 24)


def decoder_config(published: Mapping[str, Any]) -> DiTConfig:
    """Our sizes from ``token2wav_config.dit_config``.

    Raises:
        CheckpointError: sizes that this DiT cannot have.
    """
    c = _checked(published, DEFAULTS, "dit_config")
    if c["num_attention_heads"] * c["head_dim"] != c["hidden_size"]:
        raise CheckpointError(
            f"config.json: {c['num_attention_heads']} heads of {c['head_dim']} are not the width {c['hidden_size']}; "
            "only models whose heads fill the width can be converted"
        )
    theta = (published.get("rope_parameters") or {}).get("rope_theta", published.get("rope_theta", 10_000))
    if theta != 10_000:
        raise CheckpointError(f"config.json: rope_theta {theta}; only models with 10000 can be converted")
    return DiTConfig(
        width=c["hidden_size"],
        layers=c["num_hidden_layers"],
        heads=c["num_attention_heads"],
        ff_mult=c["ff_mult"],
        adaln_rank=0,
        token_width=c["emb_dim"],
        speaker=c["enc_dim"] + c["enc_emb_dim"],
        levels=(),
        codes=1,
        table=c["num_embeds"] + 1,
        frames_per_token=c["repeats"],
        unit_speaker=False,
        rotary_heads=1,
        time_inclusive=True,
        mel_mean=0.0,
        mel_std=1.0,
    )


def prompt_config(published: Mapping[str, Any]) -> PromptEncoderConfig:
    """Sizes of the encoder of the reference mel, from the same place."""
    c = _checked(published, DEFAULTS, "dit_config")
    return PromptEncoderConfig(
        channels=tuple(c["enc_channels"]),
        kernels=tuple(c["enc_kernel_sizes"]),
        dilations=tuple(c["enc_dilations"]),
        attention=c["enc_attention_channels"],
        res2net_scale=c["enc_res2net_scale"],
        se=c["enc_se_channels"],
        embedding=c["enc_dim"],
        xvector=c["enc_emb_dim"],
    )


def decoder_pattern(published: Mapping[str, Any]) -> AttentionPattern:
    """The masks that the weights were trained under."""
    c = _checked(published, DEFAULTS, "dit_config")
    reaches = (
        Reach(int(i in c["look_backward_layers"]), int(i in c["look_ahead_layers"]))
        for i in range(c["num_hidden_layers"])
    )
    return AttentionPattern(c["block_size"], tuple(reaches))


def vocoder_config(published: Mapping[str, Any]) -> BigVGANConfig:
    """Our sizes from ``token2wav_config.bigvgan_config``."""
    c = _checked(published, VOCODER_DEFAULTS, "bigvgan_config")
    fields = {name: c[name] for name in VOCODER_DEFAULTS if name != "mel_dim"}
    config = BigVGANConfig.from_json(
        fields
        | {
            "num_mels": c["mel_dim"],
            "sampling_rate": SAMPLE_RATE,
            "use_tanh_at_final": False,
            "use_bias_at_final": False,
            "decibel_input": True,
        }
    )
    exact = config.context_frames()
    context = tuple(min(a, b) for a, b in zip(exact, VOCODER_CONTEXT, strict=True))
    return BigVGANConfig.from_json(vars(config) | {"context": context})


def decoder_states(
    state: Mapping[str, Tensor], config: DiTConfig, prompt: PromptEncoderConfig
) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
    """The DiT's state dict and the prompt encoder's, from that of ``Qwen2_5OmniToken2WavDiTModel``.

    Raises:
        CheckpointError: a tensor that is missing, unknown or of another shape.
    """
    state = fitted(state, published_shapes(config, prompt), "DiT")
    encoder = {name.removeprefix(PROMPT): value for name, value in state.items() if name.startswith(PROMPT)}
    table = state["text_embed.codec_embed.weight"]
    exact = torch.promote_types(table.dtype, torch.float32)  # transformers computes the null voice in float32
    module = PromptEncoder(prompt).to(exact)
    module.load_state_dict(encoder)
    ours = {
        "tokens.table.weight": table,
        "null": torch.cat([module.null_voice(), table[0].to(exact)]),
        "input.weight": _columns(state["input_embed.proj.weight"], prompt),
        "input.bias": state["input_embed.proj.bias"],
        "output.weight": state["proj_out.weight"],
        "output.bias": state["proj_out.bias"],
    }
    for kind in ("weight", "bias"):
        ours[f"time.0.{kind}"] = state[f"time_embed.time_mlp.0.{kind}"]
        ours[f"time.2.{kind}"] = state[f"time_embed.time_mlp.2.{kind}"]
        ours[f"modulation.outer.{kind}"] = torch.cat(state[f"norm_out.linear.{kind}"].chunk(2)[::-1])
        for i in range(config.layers):
            source, target = f"transformer_blocks.{i}", f"blocks.{i}"
            q, k, v = (state[f"{source}.attn.to_{one}.{kind}"] for one in "qkv")
            head = config.width // config.heads
            ours[f"{target}.qkv.{kind}"] = torch.cat([_halves_first(q, head), _halves_first(k, head), v])
            ours[f"{target}.out.{kind}"] = state[f"{source}.attn.to_out.0.{kind}"]
            ours[f"{target}.up.{kind}"] = state[f"{source}.ff.ff.0.{kind}"]
            ours[f"{target}.down.{kind}"] = state[f"{source}.ff.ff.3.{kind}"]
            ours[f"{target}.modulation.outer.{kind}"] = state[f"{source}.attn_norm.linear.{kind}"]
    return ours, encoder


PROMPT = "input_embed.spk_encoder."


def published_shapes(c: DiTConfig, prompt: PromptEncoderConfig) -> dict[str, tuple[int, ...]]:
    """Names and shapes of the published DiT's tensors."""
    w, inner = c.width, c.ff_mult * c.width

    def linear(name: str, outputs: int, inputs: int) -> dict[str, tuple[int, ...]]:
        return {f"{name}.weight": (outputs, inputs), f"{name}.bias": (outputs,)}

    with torch.device("meta"):
        encoder = PromptEncoder(prompt)
    shapes = {
        "text_embed.codec_embed.weight": (c.table, c.token_width),
        **{PROMPT + name: tuple(value.shape) for name, value in encoder.state_dict().items()},
        **linear("input_embed.proj", w, BANDS + c.speaker + c.token_width),
        **linear("time_embed.time_mlp.0", w, 256),
        **linear("time_embed.time_mlp.2", w, w),
        **linear("norm_out.linear", 2 * w, w),
        **linear("proj_out", BANDS, w),
    }
    for i in range(c.layers):
        at = f"transformer_blocks.{i}"
        for name in ("to_q", "to_k", "to_v", "to_out.0"):
            shapes |= linear(f"{at}.attn.{name}", w, w)
        shapes |= linear(f"{at}.attn_norm.linear", 6 * w, w)
        shapes |= linear(f"{at}.ff.ff.0", inner, w) | linear(f"{at}.ff.ff.3", w, inner)
    return shapes


def _columns(weight: Tensor, prompt: PromptEncoderConfig) -> Tensor:
    """(mel, embedding, codes, x-vector) to (mel, embedding, x-vector, codes)."""
    ahead, rest = weight[:, : BANDS + prompt.embedding], weight[:, BANDS + prompt.embedding :]
    codes, xvector = rest[:, : -prompt.xvector], rest[:, -prompt.xvector :]
    return torch.cat([ahead, xvector, codes], dim=1)


def _halves_first(weight: Tensor, head: int) -> Tensor:
    """The rows of the first head: even ones, then odd ones."""
    return torch.cat([weight[:head:2], weight[1:head:2], weight[head:]])


def _checked(published: Mapping[str, Any], defaults: Mapping[str, Any], what: str) -> dict[str, Any]:
    """The settings with their defaults, each a number or a list of numbers as the default is."""
    if not isinstance(published, Mapping):
        raise CheckpointError(f"config.json: {what} is no table of settings; take the published config.json")
    merged = {name: published.get(name, value) for name, value in defaults.items()}
    for name, value in merged.items():
        least = 0 if name.startswith("look_") else 1
        if not _numbers_like(value, defaults[name], least):
            raise CheckpointError(f"config.json: {what}.{name} is {value!r}; take the published config.json")
    if merged["mel_dim"] != BANDS:
        raise CheckpointError(
            f"config.json: {what}.mel_dim is {merged['mel_dim']}; only {BANDS} bands can be converted"
        )
    if "enc_channels" in merged:
        _check_encoder(merged)
    return merged


LARGEST = 65_536  # of any size: what a file claims is made before its tensors are seen


def _numbers_like(value: Any, like: Any, least: int) -> bool:
    if isinstance(like, list):
        inner = like[0] if like else 1
        return isinstance(value, list | tuple) and all(_numbers_like(one, inner, least) for one in value)
    return isinstance(value, int) and not isinstance(value, bool) and least <= value <= LARGEST


def _check_encoder(c: dict[str, Any]) -> None:
    """The encoder's residual blocks are of one width, and what they give, side by side, is the last one."""
    first, *inner, last = c["enc_channels"] if len(c["enc_channels"]) > 2 else [0, 0, 1]
    lengths = {len(c[name]) for name in ("enc_channels", "enc_kernel_sizes", "enc_dilations")}
    if lengths != {len(inner) + 2} or set(inner) != {first} or sum(inner) != last or first % c["enc_res2net_scale"]:
        raise CheckpointError(
            f"config.json: dit_config.enc_channels {c['enc_channels']} with enc_kernel_sizes, enc_dilations and "
            f"enc_res2net_scale {c['enc_res2net_scale']} make no encoder; take the published config.json"
        )


DIT_PREFIX, VOCODER_PREFIX = "token2wav.code2wav_dit_model.", "token2wav.code2wav_bigvgan_model."


def convert_qwen(source: Source) -> Converted:
    """Decoder, encoder of the reference mel, vocoder and voices of a Qwen2.5-Omni checkpoint.

    Raises:
        CheckpointError: a file that is missing, damaged or of another model.
    """
    published = source.json("config.json").get("token2wav_config")
    if not isinstance(published, dict):
        raise CheckpointError(f"{source.name}/config.json: has no token2wav_config; is it a Qwen2.5-Omni checkpoint?")
    dit_settings, vocoder_settings = published.get("dit_config") or {}, published.get("bigvgan_config") or {}
    config, prompt = decoder_config(dit_settings), prompt_config(dit_settings)
    pattern, vocoder = decoder_pattern(dit_settings), vocoder_config(vocoder_settings)
    voices, names = _voices(source, prompt)
    states = source.shards([DIT_PREFIX, VOCODER_PREFIX])
    decoder, encoder = decoder_states(states[DIT_PREFIX], config, prompt)
    with torch.device("meta"):
        shapes = {name: tuple(value.shape) for name, value in BigVGAN(vocoder).state_dict().items()}
    card = {
        "decoder": config_card(config),
        "decoder_id": identity(decoder),
        # the strategy that these weights are for, by how far back one evaluation sees
        "decoder_pattern": {"name": "streamflow-sr" if pattern.back <= 2 else "streamflow-lr", **pattern_card(pattern)},
        "prompt": config_card(prompt),
        "vocoder": {"type": "bigvgan", **config_card(vocoder)},
        "voices": names,
        "sample_rate": SAMPLE_RATE,
    }
    parts = {
        "decoder": decoder,
        "prompt": encoder,
        "vocoder": fitted(states[VOCODER_PREFIX], shapes, "BigVGAN"),
        **({"voices": voices} if voices else {}),
    }
    return Converted(
        "qwen2.5-omni",
        "Qwen2.5-Omni Token2Wav",
        card,
        parts,
        "Qwen2.5-Omni-7B was published under Apache 2.0, the 3B under a research licence: see the publisher's page",
        [
            f"Decoder of speech tokens, {50 if config.frames_per_token == 2 else 100 // config.frames_per_token} a "
            f"second, to audio at 24 kHz; masks of {pattern.back} blocks back and {pattern.ahead} ahead.",
            f"Voices: {', '.join(names) or 'none'}.",
            "The tokens come from the model's talker; there is no tokenizer of audio with it.",
        ],
        {"solver": "rk4", "nfe": 36, "guidance": 0.5, "warp": "cosine"},
    )


def _voices(source: Source, prompt: PromptEncoderConfig) -> tuple[dict[str, Tensor], list[str]]:
    """Reference mel ``[T, 80]`` and x-vector ``[X]`` of each voice of spk_dict.pt; none where there is no such file."""
    if not source.has("spk_dict.pt"):
        return {}, []
    voices, found = source.pickled("spk_dict.pt"), {}
    if not isinstance(voices, dict):
        raise CheckpointError(f"{source.name}/spk_dict.pt: holds no voices; fetch the file again")
    for name, voice in voices.items():
        values = (voice.get("cond"), voice.get("ref_mel")) if isinstance(voice, dict) else (None, None)
        if not all(isinstance(value, Tensor) for value in values):
            raise CheckpointError(f"{source.name}/spk_dict.pt: {name} lacks cond or ref_mel; fetch the file again")
        xvector, mel = values[0].flatten(), values[1].squeeze(0)
        if len(xvector) != prompt.xvector or mel.ndim != 2 or mel.shape[1] != BANDS:
            raise CheckpointError(
                f"{source.name}/spk_dict.pt: {name} has the shapes {list(values[0].shape)} and {list(values[1].shape)}, "
                f"config.json says [1, {prompt.xvector}] and [1, T, {BANDS}]; take both from one checkpoint"
            )
        found[f"{name}.xvector"], found[f"{name}.mel"] = xvector.float(), mel.float()
    return found, [str(name) for name in voices]
