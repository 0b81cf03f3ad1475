"""Training: stopped anywhere and resumed, it ends in the weights of the training that was not stopped."""

from __future__ import annotations

import csv
import os
import shutil
import signal
import subprocess
import sys
import time

import numpy as np
import pytest
import torch
from safetensors.torch import load_file
from typer.testing import CliRunner

from streamflow.checkpoints import load_bundle
from streamflow.errors import StreamflowError
from streamflow.strategies import make_system
from streamflow.training.cli import app
from streamflow.training.data import Speech, draw_crops, generator
from streamflow.training.loop import LoopConfig


def train(part: str, corpus, bundle, *options: str) -> None:
    arguments = [part, "--manifest", str(corpus), "--bundle", str(bundle), "--split", "shipped", *options]
    result = CliRunner().invoke(app, arguments, catch_exceptions=False)
    assert result.exit_code == 0, result.output


@pytest.fixture(scope="module")
def small_corpus(shipped_corpus, tmp_path_factory):
    """Six utterances of three voices with absolute paths, as split ``shipped``."""
    import pandas as pd

    table = pd.read_csv(shipped_corpus)
    table = table[table["speaker_id"].isin(table["speaker_id"].unique()[:3])].groupby("speaker_id").head(2).copy()
    table["path"] = [str(shipped_corpus.parent / p) for p in table["path"]]
    table["split"] = "shipped"
    path = tmp_path_factory.mktemp("corpus") / "manifest.csv"
    table.to_csv(path, index=False)
    return path


@pytest.fixture(scope="module")
def trained(small_corpus, tmp_path_factory):
    """A bundle trained for a few steps with every command, in the order that the documentation gives."""
    bundle = tmp_path_factory.mktemp("trained")
    train("speaker", small_corpus, bundle, "--steps", "2")
    train("tokenizer", small_corpus, bundle, "--steps", "3")
    train("vocoder", small_corpus, bundle, "--steps", "3")
    train("decoder", small_corpus, bundle, "--steps", "3", "--size", "tiny")
    train("decoder", small_corpus, bundle, "--tune-steps", "2", "--pattern", "streamflow-sr")
    return bundle


@pytest.mark.slow
def test_every_part_trains_and_the_bundle_decodes(trained, small_corpus):
    bundle = load_bundle(trained)
    speech = Speech([small_corpus], split=None)
    tokens = bundle.tokenize(speech.samples(0))
    assert tokens.shape == (-(-(len(speech.audio[0]) // 160) // 4), 2)
    assert bundle.patterns == ["full", "streamflow-sr"]
    for pattern in bundle.patterns:
        assert bundle.decoder(pattern).output.weight.abs().max() > 0


@pytest.mark.slow
def test_weights_trained_with_other_layers_are_used_with_them_as_their_own(trained, small_corpus, tmp_path):
    bundle = shutil.copytree(trained, tmp_path / "placed")
    placed = ["--pattern", "streamflow-lr", "--backward", "1+2", "--forward", "no"]
    train("decoder", small_corpus, bundle, "--tune-steps", "2", *placed)
    assert [(r.back, r.ahead) for r in load_bundle(bundle).pattern("streamflow-lr").layers] == [
        (0, 0), (1, 0), (1, 0), (0, 0), (0, 0), (0, 0)
    ]  # fmt: skip
    described = make_system("streamflow-lr", load_bundle(bundle)).describe()
    assert (described["window"]["back"], described["window"]["ahead"]) == (2, 0)
    assert "trained_otherwise" not in described
    with pytest.raises(StreamflowError, match="causal: its layers are not placed"):
        train("decoder", small_corpus, bundle, "--pattern", "causal", "--backward", "1")


@pytest.mark.slow
def test_a_curve_is_written_beside_the_checkpoint(trained):
    with (trained / "training" / "tokenizer" / "curve.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert rows[-1]["step"] == "3" and float(rows[-1]["loss"]) > 0


@pytest.mark.slow
def test_the_same_seed_gives_the_same_weights_and_another_seed_others(trained, small_corpus, tmp_path):
    for folder, seed in (("same", "0"), ("other", "1")):
        (tmp_path / folder).mkdir()
        for name in ("bundle.json", "speaker.safetensors"):
            (tmp_path / folder / name).write_bytes((trained / name).read_bytes())
        train("tokenizer", small_corpus, tmp_path / folder, "--steps", "3", "--seed", seed)
    first, same, other = (
        load_file(d / "tokenizer.safetensors") for d in (trained, tmp_path / "same", tmp_path / "other")
    )
    assert all(torch.equal(first[k], same[k]) for k in first)
    assert not all(torch.equal(first[k], other[k]) for k in first)


@pytest.fixture(scope="module")
def by_itself(small_corpus, tmp_path_factory):
    """A command that trains a speaker encoder in a process of its own, where to, and a bundle that it has made."""
    command = [sys.executable, "-c", "from streamflow.training.cli import app; app()", "speaker", "--split", "shipped"]
    command += ["--manifest", str(small_corpus), "--steps", "12", "--threads", "1", "--save-every", "0", "--bundle"]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    whole = tmp_path_factory.mktemp("uninterrupted") / "whole"
    subprocess.run([*command, str(whole)], check=True, env=environment, capture_output=True)
    return command, environment, whole


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_a_training_killed_and_resumed_ends_in_the_same_weights(by_itself, tmp_path, number):
    command, environment, uninterrupted = by_itself
    for _ in range(10):  # on a busy machine this process may sleep until the training is over
        shutil.rmtree(tmp_path / "cut", ignore_errors=True)
        process = subprocess.Popen([*command, str(tmp_path / "cut")], env=environment, stderr=subprocess.DEVNULL)
        state = tmp_path / "cut" / "training" / "speaker" / "state.pt"
        while not state.exists() and process.poll() is None:
            time.sleep(0.02)
        process.send_signal(number)
        process.wait()
        if not (tmp_path / "cut" / "speaker.safetensors").exists():
            break
    assert not (tmp_path / "cut" / "speaker.safetensors").exists(), "it was over before it could be killed"
    subprocess.run([*command, str(tmp_path / "cut")], check=True, env=environment, capture_output=True)
    whole, cut = (load_file(path / "speaker.safetensors") for path in (uninterrupted, tmp_path / "cut"))
    assert all(torch.equal(whole[k], cut[k]) for k in whole)
    curves = [(d / "training" / "speaker" / "curve.csv").read_text() for d in (uninterrupted, tmp_path / "cut")]
    assert curves[0] == curves[1]


def test_resuming_with_other_settings_is_refused(tmp_path):
    from streamflow.training.loop import Loop

    module = torch.nn.Linear(2, 2)
    Loop(tmp_path, LoopConfig(steps=1), {"m": module}, [], settings={"a": 1}).save()
    with pytest.raises(StreamflowError, match="other settings"):
        Loop(tmp_path, LoopConfig(steps=1), {"m": module}, [], settings={"a": 2}).resume()


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04cut off", None])
def test_a_checkpoint_that_cannot_be_read_is_named_in_one_line(tmp_path, content):
    from streamflow.training.loop import Loop

    if content is None:
        torch.save({"weights": torch.zeros(2)}, tmp_path / "state.pt")  # another program's
    else:
        (tmp_path / "state.pt").write_bytes(content)
    with pytest.raises(StreamflowError, match="delete it to start again") as error:
        Loop(tmp_path, LoopConfig(steps=1), {"m": torch.nn.Linear(2, 2)}, []).resume()
    assert "\n" not in str(error.value)


def test_the_number_of_steps_may_change_until_the_decay_begins(tmp_path):
    from streamflow.training.loop import Loop

    def loop(steps: int, done: int) -> Loop:
        made = Loop(tmp_path, LoopConfig(steps=steps, decay=0.5), {"m": torch.nn.Linear(2, 2)}, [])
        made.step = done
        return made

    loop(10, 4).save()
    loop(20, 0).resume()
    loop(10, 8).save()
    with pytest.raises(StreamflowError, match="give --steps 10"):
        loop(20, 0).resume()


def test_a_curve_without_a_checkpoint_starts_anew(tmp_path):
    from streamflow.training.loop import Loop

    for text in ("step,loss\n10,1.0\n", ""):
        (tmp_path / "curve.csv").write_text(text)
        loop = Loop(tmp_path, LoopConfig(steps=1), {"m": torch.nn.Linear(2, 2)}, [])
        loop.resume()
        assert not (tmp_path / "curve.csv").exists()


def test_a_loss_that_is_not_finite_stops_the_training(tmp_path):
    from streamflow.training.loop import Loop

    loop = Loop(tmp_path, LoopConfig(steps=2), {"m": torch.nn.Linear(2, 2)}, [])
    with pytest.raises(StreamflowError, match="not finite"):
        loop.run(lambda step: {"loss": float("nan")})


def test_the_rate_warms_up_stays_and_falls_to_nearly_nothing():
    config = LoopConfig(steps=100, warmup=10, decay=0.2)
    rates = [config.rate(s) for s in range(100)]
    assert rates[0] == 0.1 and rates[9:80] == [1.0] * 71
    assert rates[99] == pytest.approx(0.05) and all(np.diff(rates[80:]) < 0)


def test_crops_lie_inside_and_long_recordings_are_drawn_more_often():
    lengths = np.array([100, 400, 10])
    crops = draw_crops(lengths, 50, 4000, generator(0, 0))
    assert all(0 <= s <= lengths[i] - 50 for i, s in crops)
    share = np.bincount([i for i, _ in crops], minlength=3) / 4000
    np.testing.assert_allclose(share, [51 / 402, 351 / 402, 0], atol=0.03)


def test_a_crop_longer_than_every_recording_is_refused():
    with pytest.raises(StreamflowError, match="shorter crops"):
        draw_crops(np.array([10, 20]), 30, 1, generator(0, 0))


def test_a_manifest_that_is_missing_or_lacks_a_column_is_named(tmp_path):
    with pytest.raises(StreamflowError, match="no such manifest"):
        Speech([tmp_path / "absent.csv"])
    for bad in (b"", b"\xff\xfeu", b'utterance_id,speaker_id,path\na,s,"a.wav\n'):
        (tmp_path / "bad.csv").write_bytes(bad)
        with pytest.raises(StreamflowError, match="not readable as CSV") as error:
            Speech([tmp_path / "bad.csv"])
        assert "\n" not in str(error.value)
    (tmp_path / "bad.csv").write_text("utterance_id,path\na,a.wav\n")
    with pytest.raises(StreamflowError, match="speaker_id is missing"):
        Speech([tmp_path / "bad.csv"])
