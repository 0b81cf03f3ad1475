"""BigVGAN's published layout: names, weight normalisation, filters, files, and what does not fit."""

from __future__ import annotations

import copy
import dataclasses
import json
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file
from torch import nn

from streamflow.checkpoints import load_bundle
from streamflow.convert.bigvgan import convert_bigvgan
from streamflow.convert.source import Source
from streamflow.errors import CheckpointError
from streamflow.stored_weights import config_card, save_part
from streamflow.vocoders.antialias import AntiAliased
from streamflow.vocoders.bigvgan import BigVGAN
from streamflow.vocoders.bigvgan_config import BigVGANConfig
from streamflow.vocoders.bigvgan_weights import load_generator_state

from .bigvgan_random import TINY, lively, noise_mel


def converted(folder: Path) -> BigVGAN:
    """The generator that ``streamflow convert bigvgan`` makes of a folder."""
    made = convert_bigvgan(Source(folder))
    generator = BigVGAN(BigVGANConfig.from_json(made.card["vocoder"])).eval()
    generator.load_state_dict(made.parts["vocoder"])
    return generator


def normalised_state(generator: BigVGAN, weight_norm) -> dict[str, torch.Tensor]:
    """The state of a generator whose every convolution has gone through torch's own weight normalisation."""
    generator = copy.deepcopy(generator)
    for module in list(generator.modules()):
        if isinstance(module, nn.Conv1d | nn.ConvTranspose1d):
            weight_norm(module)
            with torch.no_grad():  # a gain that is not the norm the weight happened to have
                gain = module.weight_g if hasattr(module, "weight_g") else module.parametrizations.weight.original0
                gain *= torch.rand(gain.shape) + 0.5
    generator.eval()
    return {name: value.detach() for name, value in generator.state_dict().items()} | {"": generator}


@pytest.mark.filterwarnings("ignore:.*weight_norm.*is deprecated")
@pytest.mark.parametrize(
    ("weight_norm", "suffix"),
    [
        (torch.nn.utils.weight_norm, "weight_g"),
        (torch.nn.utils.parametrizations.weight_norm, "parametrizations.weight.original0"),
    ],
    ids=["weight_g", "parametrizations"],
)
@pytest.mark.parametrize("wrapped", [True, False])
def test_weight_normalised_weights_sound_as_they_did(weight_norm, suffix: str, wrapped: bool):
    torch.manual_seed(1)
    state = normalised_state(lively(TINY).double(), weight_norm)
    published = state.pop("")
    assert f"ups.0.0.{suffix}" in state and "ups.0.0.weight" not in state
    generator = BigVGAN(TINY).double()
    load_generator_state(generator, {"generator": state} if wrapped else state)
    mel = noise_mel(12).double()
    with torch.no_grad():
        torch.testing.assert_close(generator(mel), published(mel), atol=1e-12, rtol=0)


def test_names_are_the_published_ones():
    names = set(BigVGAN(dataclasses.replace(TINY, use_bias_at_final=True)).state_dict())
    assert {"conv_pre.weight", "conv_pre.bias", "ups.2.0.weight", "ups.2.0.bias"} <= names
    assert {"resblocks.5.convs1.1.weight", "resblocks.5.convs2.1.bias", "resblocks.5.activations.3.act.beta"} <= names
    assert {"activation_post.act.alpha", "activation_post.act.beta", "conv_post.weight", "conv_post.bias"} <= names
    assert not any("filter" in name for name in names)
    second = set(BigVGAN(dataclasses.replace(TINY, resblock="2", activation="snake")).state_dict())
    assert "resblocks.0.convs.1.weight" in second and "conv_post.bias" not in second
    assert not any(name.endswith("beta") for name in second)


def published_files(directory, generator: BigVGAN, *, name: str = "bigvgan_generator.pt", **config) -> None:
    """As NVIDIA publishes them: the filters are in the state, and training options in config.json."""
    filters = {}
    for module_name, module in generator.named_modules():
        if isinstance(module, AntiAliased):
            filters[f"{module_name}.upsample.filter"] = module.filter.clone()
            filters[f"{module_name}.downsample.lowpass.filter"] = module.filter.clone()
    state = generator.state_dict() | filters
    if name.endswith(".safetensors"):
        save_file(state, directory / name)
    else:
        torch.save({"generator": state}, directory / name)
    values = dataclasses.asdict(generator.config) | {"hop_size": 160, "batch_size": 32, "fmax": None} | config
    (directory / "config.json").write_text(json.dumps({k: v for k, v in values.items() if v is not ...}))


@pytest.mark.parametrize("name", ["bigvgan_generator.pt", "g_05000000", "g_00400000", "model.safetensors"])
def test_a_published_directory_loads(tmp_path, name: str):
    generator = lively(TINY)
    published_files(tmp_path, generator, name=name)
    loaded = converted(tmp_path)
    assert loaded.config == TINY
    with torch.no_grad():
        assert torch.equal(loaded(noise_mel(9)), generator(noise_mel(9)))


def test_of_training_checkpoints_the_last_is_taken(tmp_path):
    generators = {name: lively(TINY) for name in ("g_10000000", "g_15000000", "g_00500000", "g_05000000")}
    for name, generator in generators.items():
        published_files(tmp_path, generator, name=name)
    with torch.no_grad():
        assert torch.equal(converted(tmp_path)(noise_mel(9)), generators["g_15000000"](noise_mel(9)))


def test_options_missing_from_an_old_config_have_the_first_versions_values(tmp_path):
    first = lively(dataclasses.replace(TINY, use_tanh_at_final=True, use_bias_at_final=True))
    published_files(tmp_path, first, use_tanh_at_final=..., use_bias_at_final=...)
    assert converted(tmp_path).config == first.config


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda d: (d / "config.json").unlink(), "config.json: no such file"),
        (lambda d: (d / "config.json").write_text("{"), "not JSON"),
        (lambda d: (d / "config.json").write_text("[]"), "holds no object"),
        (lambda d: (d / "config.json").write_text('{"num_mels": 80}'), "missing .*upsample_rates"),
        (lambda d: (d / "bigvgan_generator.pt").unlink(), "has none of bigvgan_generator"),
        (lambda d: (d / "bigvgan_generator.pt").write_bytes(b"garbage"), "holds more than tensors"),
        (lambda d: torch.save({"mpd": {}, "steps": 3}, d / "bigvgan_generator.pt"), "holds no generator"),
        (lambda d: published_files(d, lively(TINY), upsample_initial_channel=64), "another shape of .* and .* more"),
        (lambda d: published_files(d, lively(TINY), resblock="2"), "lack resblocks"),
        (lambda d: published_files(d, lively(TINY), activation="snake"), "unknown activation_post.act.beta"),
        (lambda d: published_files(d, lively(TINY), hop_size=256), "hop_size 256"),
        (lambda d: published_files(d, lively(TINY), activation="relu"), "activation 'relu'"),
        (lambda d: published_files(d, lively(TINY), resblock="3"), "resblock '3'"),
        (lambda d: published_files(d, lively(TINY), upsample_kernel_sizes=[21, 8, 8]), "kernel 21 with rate 10"),
        (lambda d: published_files(d, lively(TINY), upsample_kernel_sizes=[20, 8]), "one upsample_kernel_sizes"),
        (lambda d: published_files(d, lively(TINY), resblock_kernel_sizes=[3, 4]), "must be odd"),
        (lambda d: published_files(d, lively(TINY), resblock_kernel_sizes=[3]), "one resblock_dilation_sizes"),
        (lambda d: published_files(d, lively(TINY), upsample_initial_channel=7), "halved 3 times"),
        (lambda d: published_files(d, lively(TINY), context=[5, -1]), "past and future"),
    ],
)
def test_what_does_not_fit_is_one_clear_line(tmp_path, spoil, message: str):
    published_files(tmp_path, lively(TINY))
    spoil(tmp_path)
    with pytest.raises(CheckpointError, match=message) as raised:
        converted(tmp_path)
    assert "\n" not in str(raised.value)


def test_a_bundle_can_name_a_bigvgan_and_the_context_to_stream_it_with(tmp_path):
    published = lively(TINY)
    card = {"type": "bigvgan", **config_card(published.config), "context": [6, 5]}
    save_part(tmp_path, "vocoder", published.state_dict(), {"vocoder": card})
    vocoder = load_bundle(tmp_path).vocoder
    assert (vocoder.hop, vocoder.past_frames, vocoder.future_frames) == (160, 6, 5)
    with torch.no_grad():
        torch.testing.assert_close(vocoder(noise_mel(9)), published(noise_mel(9)), atol=0.02, rtol=0)  # float16


def test_weights_of_other_filters_are_refused():
    generator = lively(TINY)
    other = generator.state_dict() | {"activation_post.upsample.filter": torch.ones(1, 1, 12) / 12}
    with pytest.raises(CheckpointError, match=r"activation_post\.upsample\.filter is not"):
        load_generator_state(BigVGAN(TINY), other)


def test_a_weights_file_runs_no_code(tmp_path):
    class Trap:
        def __reduce__(self):
            return (pytest.fail, ("the file's code ran",))

    published_files(tmp_path, lively(TINY))
    torch.save({"generator": {"conv_pre.weight": Trap()}}, tmp_path / "bigvgan_generator.pt")
    with pytest.raises(CheckpointError, match="holds more than tensors"):
        converted(tmp_path)
