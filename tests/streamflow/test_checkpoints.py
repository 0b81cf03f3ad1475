"""Bundles on disk: what is saved is loaded, what is missing or damaged is named."""

from __future__ import annotations

import dataclasses
import json
import pickle
import shutil
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from streamflow.adapters import add_adapters, difference, merge
from streamflow.attention import PRESETS
from streamflow.checkpoint_check import verify
from streamflow.checkpoints import load_bundle, pack
from streamflow.dit import DiT
from streamflow.errors import CheckpointError
from streamflow.mel import log_mel
from streamflow.stored_weights import config_card, save_part
from streamflow.strategies import make_system
from streamflow.tiny import make_tiny_bundle
from streamflow.vocoders.bigvgan import BigVGAN
from streamflow.vocoders.bigvgan_config import PRESETS as VOCODERS
from streamflow.vocoders.bigvgan_config import BigVGANConfig


@pytest.fixture
def copied(bundle, tmp_path):
    return shutil.copytree(bundle.directory, tmp_path / "copied")


def test_a_bundle_of_one_seed_is_the_same_to_the_last_bit(bundle, tmp_path):
    assert make_tiny_bundle(tmp_path / "again").hashes == bundle.hashes
    assert make_tiny_bundle(tmp_path / "other", seed=1).hashes != bundle.hashes


def test_a_folder_opens_as_a_bundle_with_all_its_patterns(bundle):
    opened = load_bundle(bundle.directory)
    assert opened.patterns == list(PRESETS)
    assert opened.pattern("streamflow-lr").ahead == 1


def test_a_difference_merged_is_the_adapted_network(bundle):
    dit = bundle.decoder()
    adapted = DiT(dit.config)
    adapted.load_state_dict(dit.state_dict())
    for p in add_adapters(adapted, 3):
        torch.nn.init.normal_(p, std=0.1)
    merged = DiT(dit.config)
    merged.load_state_dict(merge(dit.state_dict(), difference(adapted.state_dict(), dit.state_dict())))
    x, condition = torch.randn(1, 16, 80), torch.randn(1, 16, dit.config.speaker + dit.config.token_width)
    with torch.no_grad():
        a, b = (
            d(x, condition, d.modulations(torch.tensor([0.3])), [None] * dit.config.layers) for d in (adapted, merged)
        )
        plain = dit(x, condition, dit.modulations(torch.tensor([0.3])), [None] * dit.config.layers)
    torch.testing.assert_close(a, b, atol=1e-5, rtol=1e-5)
    assert (a - plain).abs().max() > 1e-3


def test_adapters_start_as_no_change_and_leave_the_rest_frozen(bundle):
    dit = DiT(bundle.decoder().config)
    dit.load_state_dict(bundle.decoder().state_dict())
    before = {k: v.clone() for k, v in dit.state_dict().items()}
    add_adapters(dit, 2)
    torch.testing.assert_close(dit.blocks[0].qkv.weight, before["blocks.0.qkv.weight"])
    trained = {n for n, p in dit.named_parameters() if p.requires_grad}
    assert trained and all(n.startswith("blocks.") and "modulation" not in n for n in trained)


def test_packing_keeps_the_weights_and_eight_bits_keep_them_nearly(bundle, tmp_path):
    same = pack(bundle, tmp_path / "same")
    assert same.hashes == bundle.hashes and same.card == bundle.card
    small = pack(bundle, tmp_path / "small", eight_bit=("vocoder",))
    assert small.hashes["decoder.safetensors"] == bundle.hashes["decoder.safetensors"]
    state, exact = small.vocoder.state_dict(), bundle.vocoder.state_dict()
    for name, value in exact.items():
        step = value.abs().amax(dim=-1, keepdim=True) / 127 if value.ndim == 2 else 0 * value
        assert ((state[name] - value).abs() <= 0.51 * step + 1e-6).all(), name
    size = [(b.directory / "vocoder.safetensors").stat().st_size for b in (small, bundle)]
    assert size[0] < size[1]


def test_packing_a_part_that_is_not_there_is_refused(bundle, tmp_path):
    with pytest.raises(CheckpointError, match="has no vocodr"):
        pack(bundle, tmp_path / "x", eight_bit=("vocodr",))


def test_an_unknown_checkpoint_is_refused_with_what_there_is():
    with pytest.raises(CheckpointError, match="unknown checkpoint smal"):
        load_bundle("smal")


def test_a_missing_part_names_the_command_that_makes_it(copied):
    (copied / "vocoder.safetensors").unlink()
    with pytest.raises(CheckpointError, match="streamflow train vocoder"):
        _ = load_bundle(copied).vocoder


def test_a_damaged_part_is_named(copied):
    path = copied / "decoder.safetensors"
    path.write_bytes(path.read_bytes()[:1000])
    with pytest.raises(CheckpointError, match=r"decoder\.safetensors: damaged"):
        load_bundle(copied).decoder()


def test_weights_of_another_size_are_named(copied, bundle):
    card = (copied / "bundle.json").read_text()
    (copied / "bundle.json").write_text(card.replace('"layers": 6', '"layers": 7', 1))
    with pytest.raises(CheckpointError, match="does not fit bundle"):
        load_bundle(copied).decoder()


def test_weights_for_a_pattern_that_was_not_trained_are_named(copied):
    with pytest.raises(CheckpointError, match="no weights for nonsense"):
        load_bundle(copied).decoder("nonsense")


def test_a_difference_to_other_phase_one_weights_is_refused(copied, tmp_path):
    other = make_tiny_bundle(tmp_path / "other", seed=1)
    card = json.loads((copied / "bundle.json").read_text())
    card["decoder_id"] = other.card["decoder_id"]
    (copied / "bundle.json").write_text(json.dumps(card))
    shutil.copy(other.directory / "decoder.safetensors", copied)
    load_bundle(copied).decoder("full")
    with pytest.raises(CheckpointError, match="other phase 1 weights"):
        load_bundle(copied).decoder("causal")


@pytest.mark.parametrize("part", ["vocoder", "decoder", "tokenizer"])
def test_a_part_that_the_bundle_lacks_is_named(copied, part):
    card = json.loads((copied / "bundle.json").read_text())
    del card[part]
    (copied / "bundle.json").write_text(json.dumps(card))
    with pytest.raises(CheckpointError, match=f"has no {part}; train it"):
        getattr(load_bundle(copied), part)() if part == "decoder" else getattr(load_bundle(copied), part)


PATTERN = ("differences", "streamflow-sr")


@pytest.mark.parametrize(
    ("path", "value", "named"),
    [
        (("decoder",), 5, "decoder is 5 and no table"),
        (("differences",), [], r"differences is \[\] and no table"),
        (PATTERN, 7, "differences, streamflow-sr is 7 and no table"),
        (("decoder", "heads"), 0, "decoder: integer .* by zero"),
        (("decoder", "heads"), 5, "5 heads do not divide a width of 32"),
        (("decoder", "layers"), "x", "the decoder has x"),
        (("vocoder", "width"), "a", "vocoder: .*; correct it"),
        (("speaker", "channels"), "x", "speaker: .*; correct it"),
        ((*PATTERN, "block"), None, "streamflow-sr: give block"),
        ((*PATTERN, "block"), 8.0, "streamflow-sr: give block"),
        ((*PATTERN, "layers"), [[1]] * 6, "streamflow-sr: give block"),
        ((*PATTERN, "layers"), [["a", 0]] * 6, "streamflow-sr: give block"),
        ((*PATTERN, "layers"), [[-1, 0]] * 6, "streamflow-sr: give block"),
        ((*PATTERN, "layers"), [[1, 0]] * 5, "is for 5 layers, the decoder has 6"),
        ((*PATTERN, "token_ahead"), "x", "token_ahead='x' is no number"),
    ],
)
def test_a_card_that_makes_no_sense_is_named(copied, path, value, named):
    card = json.loads((copied / "bundle.json").read_text())
    table = card
    for key in path[:-1]:
        table = table[key]
    table[path[-1]] = value
    (copied / "bundle.json").write_text(json.dumps(card))
    with pytest.raises(CheckpointError, match=named):
        opened = load_bundle(copied)
        _ = make_system("streamflow-sr", opened), opened.speaker


@pytest.mark.parametrize("content", [b"[1]", b"\xff\xfe", b"", b"{"])
def test_a_card_that_is_none_is_named(copied, content):
    (copied / "bundle.json").write_bytes(content)
    with pytest.raises(CheckpointError, match=r"bundle\.json: (holds no table|not valid JSON)"):
        load_bundle(copied)


def wrong_shape(state: dict, name: str) -> None:
    state[name] = torch.zeros(3, 7)


def wrong_kind(state: dict, name: str) -> None:
    state[name] = state[name].long()


def without_scale(state: dict, name: str) -> None:
    state[name] = state[name].to(torch.int8)


def not_finite(state: dict, name: str) -> None:
    state[name].view(-1)[0] = float("inf")


def absent(state: dict, name: str) -> None:
    del state[name]


@pytest.mark.parametrize("part", ["speaker", "tokenizer", "vocoder", "decoder"])
@pytest.mark.parametrize(
    ("change", "named"),
    [
        (wrong_shape, "does not fit bundle.json"),
        (absent, "does not fit bundle.json"),
        (wrong_kind, "is stored as torch.int64"),
        (without_scale, "8-bit weights without"),
        (not_finite, "not finite; restore it"),
    ],
)
def test_weights_that_cannot_be_those_of_the_part_are_refused_when_it_loads(copied, part, change, named):
    file = copied / f"{part}.safetensors"
    state = load_file(file)
    change(state, next(name for name, value in sorted(state.items()) if value.is_floating_point()))
    save_file(state, file)
    opened = load_bundle(copied)
    with pytest.raises(CheckpointError, match=named) as raised:
        opened.decoder() if part == "decoder" else getattr(opened, part)
    assert str(file) in str(raised.value)


@pytest.mark.parametrize("end", [".up", ".down", ".bias", ".outer.weight"])
@pytest.mark.parametrize("kind", [torch.int64, torch.int32, torch.bool])
def test_a_difference_of_whole_numbers_is_refused_by_name(copied, end, kind):
    file = copied / "decoder-streamflow-q0.safetensors"
    state = load_file(file)
    name = next(name for name in sorted(state) if name.endswith(end))
    state[name] = state[name].to(kind)
    save_file(state, file)
    opened = load_bundle(copied)
    with pytest.raises(CheckpointError, match=f"{kind} and is a weight; restore it") as raised:
        opened.decoder("streamflow-q0")
    assert str(raised.value).startswith(f"{file}: {name} ")
    assert dict(verify(opened))["decoder, streamflow-q0"] == str(raised.value)


@pytest.mark.parametrize("part", ["speaker", "tokenizer", "vocoder", "decoder", "decoder-streamflow-sr"])
def test_a_pickle_in_place_of_weights_is_refused_and_never_runs(copied, tmp_path, part):
    class Trap:
        def __reduce__(self):
            return Path.touch, (tmp_path / "executed",)

    for content in (pickle.dumps(Trap()), pickle.dumps({"a": Trap()}, 0)):
        (copied / f"{part}.safetensors").write_bytes(content)
        opened = load_bundle(copied)
        with pytest.raises(CheckpointError, match="damaged"):
            opened.decoder("streamflow-sr") if part.startswith("decoder") else getattr(opened, part)
    assert not (tmp_path / "executed").exists()


def test_training_works_after_the_front_end_was_used_for_inference(bundle):
    bundle.tokenize(0.1 * torch.randn(8000).numpy())
    audio = torch.randn(1, 4800, requires_grad=True)
    log_mel(audio).sum().backward()
    assert audio.grad.abs().max() > 0


@pytest.mark.parametrize(
    ("changes", "stated", "message"),
    [
        ({"sampling_rate": 24_000}, None, "makes 24000 Hz, bundle.json states 16000 Hz"),
        ({"sampling_rate": 24_000}, 24_000, r"takes 150 frames a second \(160 samples each\), the decoder makes 100"),
        ({"num_mels": 100}, None, "takes 100 mel bands, the decoder makes 80"),
    ],
)
def test_a_vocoder_of_another_mel_is_refused_in_one_line(tmp_path, changes, stated, message):
    made = make_tiny_bundle(tmp_path / "mixed")
    card = json.loads((made.directory / "bundle.json").read_text())
    card["vocoder"] = {"type": "bigvgan", **config_card(VOCODERS["tiny"]), **changes}
    card |= {"sample_rate": stated} if stated else {}
    (made.directory / "bundle.json").write_text(json.dumps(card))
    save_part(made.directory, "vocoder", BigVGAN(BigVGANConfig.from_json(card["vocoder"])).state_dict(), {})
    mixed = load_bundle(made.directory)
    with pytest.raises(CheckpointError, match=message) as caught:
        make_system("streamflow-sr", mixed)
    assert "take the one that belongs to the decoder" in str(caught.value) and "\n" not in str(caught.value)
    assert dict(verify(mixed))["sample rate"] == str(caught.value)


def test_a_vocoder_of_a_higher_rate_and_the_same_frames_is_streamed_at_its_rate(tmp_path, request_, tokens, decode):
    made = make_tiny_bundle(tmp_path / "wide")
    config = dataclasses.replace(
        VOCODERS["tiny"], sampling_rate=24_000, upsample_rates=(10, 6, 4), upsample_kernel_sizes=(20, 12, 8)
    )
    card = {"vocoder": {"type": "bigvgan", **config_card(config)}, "sample_rate": 24_000}
    save_part(made.directory, "vocoder", BigVGAN(config).state_dict(), card)
    wide = load_bundle(made.directory)
    assert wide.tokens_per_second == 25 and wide.needs == () and wide.codebook == 64
    for name in ("streamflow-sr", "copy-synthesis"):
        session = make_system(name, wide)(request_)
        chunks = [*session.push(tokens), *session.finish()]
        assert {chunk.sample_rate for chunk in chunks} == {24_000}
        assert sum(len(chunk.samples) for chunk in chunks) == len(tokens) * 960
