"""Published weights become bundles that decode as the published code does."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors.torch import load_file, save_file
from typer.testing import CliRunner

from streamflow.checkpoint_check import verify
from streamflow.checkpoint_cli import app as checkpoint_app
from streamflow.checkpoints import Bundle
from streamflow.convert.cli import app
from streamflow.decoder_session import DecoderSession
from streamflow.decoding import Evaluator, Plan
from streamflow.errors import CheckpointError, StreamflowError
from streamflow.flow import Schedule
from streamflow.noise import frame_noise
from streamflow.session import StreamRequest
from streamflow.speechbrain_import import load_fbank
from streamflow.strategies import make_system

from .published_files import write_ecapa, write_qwen

TOKENS = np.random.default_rng(4).integers(0, 51, (31, 1))


def converted(kind: str, folder: Path, out: Path) -> Bundle:
    result = CliRunner().invoke(app, [kind, str(folder), "--out", str(out)], catch_exceptions=False)
    assert result.exit_code == 0
    return Bundle(out)


@pytest.fixture(scope="module")
def qwen(tmp_path_factory):
    """The bundle, and what it was converted from."""
    folder = tmp_path_factory.mktemp("published")
    oracle = write_qwen(folder / "Qwen2.5-Omni-7B")
    return converted("qwen2.5-omni", folder / "Qwen2.5-Omni-7B", folder / "out" / "qwen"), *oracle


@torch.no_grad()
def test_the_whole_utterance_is_what_transformers_makes_of_it(qwen, monkeypatch, audio_of):
    """Tokens and a voice to a waveform, with its own solver, guidance and masks, from the same noise."""
    bundle, dit, vocoder, voices = qwen
    frames = 2 * len(TOKENS)
    noise = frame_noise(9, 0, frames)[None]
    chosen = voices["Ethan"]
    with monkeypatch.context() as patch:
        patch.setattr(torch, "randn", lambda *_, **__: noise)
        mel = dit.sample(chosen["cond"], chosen["ref_mel"], torch.from_numpy(TOKENS[:, 0])[None])
    expected = vocoder(mel).numpy()
    published = Schedule(**bundle.card["source"]["schedule"])
    pattern = bundle.pattern("streamflow-sr")
    plan = Plan("streamflow-sr", pattern, pattern.block, hop=None, back=None, ahead=None, schedule=published)
    session = DecoderSession(Evaluator(bundle, plan), bundle.vocoder, StreamRequest("u", bundle.voice("Ethan"), seed=9))
    audio = audio_of([*session.push(TOKENS), *session.finish()])
    assert audio.shape == expected.shape == (frames * 240,)
    assert expected.std() > 0.05
    np.testing.assert_allclose(audio, expected, atol=1e-4, rtol=0)


@given(packs=st.lists(st.integers(1, 12), max_size=8))
@settings(max_examples=5, deadline=None)
def test_a_converted_decoder_streams_and_packing_changes_nothing(qwen, decode, packs):
    bundle = qwen[0]
    system = make_system("streamflow-sr", bundle, nfe=4, solver="rk4", guidance=0.5)
    # blocks of 8 frames are 4 tokens: own, one ahead, and what the vocoder holds back
    assert system.describe()["sample_rate"] == 24_000
    assert system.algorithmic_latency_s == pytest.approx((4 * 8 + 8) / 100)
    request = StreamRequest("u", bundle.voice("Chelsie"), seed=3)
    whole = decode(system(request), TOKENS, [len(TOKENS)])
    assert len(whole) == len(TOKENS) * 2 * 240 and whole.std() > 0.01
    assert np.array_equal(decode(system(request), TOKENS, packs), whole)


def test_a_session_of_it_refuses_what_does_not_fit(qwen):
    system = make_system("streamflow-sr", qwen[0], nfe=4)
    session = system(StreamRequest("u", qwen[0].voice("Chelsie")))
    with pytest.raises(StreamflowError, match="token 51 is outside the codebook of 51"):
        list(session.push(np.array([[51]])))
    with pytest.raises(
        StreamflowError, match=r"speaker embedding of shape \(12,\) and type float32: give numbers \[28\]"
    ):
        system(StreamRequest("u", np.zeros(12, np.float32)))
    with pytest.raises(CheckpointError, match="no weights for full, only streamflow-sr; name one of these"):
        make_system("full", qwen[0])
    with pytest.raises(CheckpointError, match="has no tokenizer; it was converted without"):
        qwen[0].tokenize(np.zeros(16_000, np.float32))
    with pytest.raises(CheckpointError, match="no voice Nobody; there are Chelsie, Ethan"):
        qwen[0].voice("Nobody")


def test_voices_of_whole_numbers_are_refused_by_name(qwen, tmp_path):
    copied = shutil.copytree(qwen[0].directory, tmp_path / "copied")
    state = load_file(copied / "voices.safetensors")
    save_file(state | {"Ethan.mel": state["Ethan.mel"].long()}, copied / "voices.safetensors")
    opened = Bundle(copied)
    with pytest.raises(CheckpointError, match=r"voices\.safetensors: Ethan\.mel is stored as torch\.int64") as raised:
        opened.voice("Ethan")
    assert dict(verify(opened))["voice Ethan"] == str(raised.value)


def test_one_file_without_an_index_and_no_voices_converts_to_the_same(qwen, tmp_path):
    write_qwen(tmp_path / "a", shards=1)
    (tmp_path / "a" / "model.safetensors.index.json").unlink()
    (tmp_path / "a" / "model-00001-of-00001.safetensors").rename(tmp_path / "a" / "model.safetensors")
    (tmp_path / "a" / "spk_dict.pt").unlink()
    bundle = converted("qwen2.5-omni", tmp_path / "a", tmp_path / "b")
    assert bundle.card["decoder_id"] == qwen[0].card["decoder_id"] and bundle.voices == []
    assert bundle.hashes["vocoder.safetensors"] == qwen[0].hashes["vocoder.safetensors"]
    assert all(not problem for _, problem in verify(bundle))


def test_a_checkpoint_in_half_precision_keeps_it(tmp_path):
    from safetensors.torch import save_file

    write_qwen(tmp_path / "a", shards=1)
    shard = tmp_path / "a" / "model-00001-of-00001.safetensors"
    save_file({name: value.bfloat16() for name, value in load_file(shard).items()}, shard)
    bundle = converted("qwen2.5-omni", tmp_path / "a", tmp_path / "b")
    stored = load_file(tmp_path / "b" / "decoder.safetensors")
    assert stored["blocks.0.qkv.weight"].dtype == torch.bfloat16
    assert stored["null"].dtype == torch.float32  # transformers computes it from the weights, in float32
    assert all(not problem for _, problem in verify(bundle))


@torch.no_grad()
def test_speechbrains_folder_gives_speechbrains_embedding(tmp_path):
    """Its features, its normalisation, its network, called one after the other as its classifier does."""
    import importlib

    model = write_ecapa(tmp_path / "spkrec-ecapa-voxceleb")
    bundle = converted("ecapa", tmp_path / "spkrec-ecapa-voxceleb", tmp_path / "out")
    features = load_fbank()(n_mels=80)
    normalise = importlib.import_module("speechbrain.processing.features").InputNormalization
    normalise = normalise(norm_type="sentence", std_norm=False)
    rng = np.random.default_rng(6)
    for seconds in (1.0, 2.7):
        audio = (0.1 * rng.standard_normal(int(16_000 * seconds))).astype(np.float32)
        lengths = torch.ones(1)
        expected = model(normalise(features(torch.from_numpy(audio)[None]), lengths), lengths)[0, 0]
        ours = bundle.speaker.raw(bundle.speaker.hear(audio)[None])[0]
        torch.testing.assert_close(ours, expected, atol=1e-5, rtol=0)
        np.testing.assert_allclose(bundle.embed_speaker(audio), expected / expected.norm(), atol=1e-6)
    assert all(not problem for _, problem in verify(bundle))


def test_show_and_verify_understand_a_converted_checkpoint(qwen):
    runner, folder = CliRunner(), str(qwen[0].directory)
    shown = runner.invoke(checkpoint_app, ["show", folder])
    assert shown.exit_code == 0
    for text in (
        "converted from qwen2.5-omni: Qwen2.5-Omni-7B",
        "streamflow-sr",
        "voices: Chelsie, Ethan",
        "apache-2.0",
    ):
        assert text in shown.output
    checked = runner.invoke(checkpoint_app, ["verify", folder])
    assert checked.exit_code == 0 and "WRONG" not in checked.output and "voice Ethan" in checked.output
    sources = qwen[0].card["source"]["files"]
    assert {"config.json", "spk_dict.pt", "model-00001-of-00003.safetensors"} <= sources.keys()
