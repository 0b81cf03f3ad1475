"""How a training computes changes nothing of what it learns: processes, pieces, readers, disk, and the kind of device."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import signal
import subprocess
import sys
import time
from contextlib import nullcontext
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch

from streamflow.attention import PRESETS, full, preset
from streamflow.checkpoints import Bundle
from streamflow.dit import DiT
from streamflow.errors import AudioError, StreamflowError
from streamflow.speaker import SpeakerConfig, SpeakerEncoder
from streamflow.tiny import make_tiny_bundle, randomised
from streamflow.training.clean_prefix import CleanPrefixObjective
from streamflow.training.data import Speech
from streamflow.training.decoder import DecoderBatches, DecoderTraining, FlowObjective, train_decoder
from streamflow.training.features import make_features
from streamflow.training.feed import Feed
from streamflow.training.hardware import Group, Hardware, choose_hardware
from streamflow.training.loop import Average, Loop, LoopConfig
from streamflow.training.speaker import SpeakerBatches, SpeakerObjective, SpeakerTraining
from streamflow.training.tokenizer import TokenizerBatches, TokenizerObjective, TokenizerTraining
from streamflow.training.update import Update
from streamflow.training.vocoder import VocoderBatches, VocoderTraining

ROOT = Path(__file__).resolve().parents[2]
EXACT = Hardware(precision="float32")
SMALL = DecoderTraining(frames=1000, longest=400, rate=1e-2)


@pytest.fixture(scope="module")
def corpus(shipped_corpus, tmp_path_factory) -> Path:
    """Six utterances of three voices, with absolute paths."""
    table = pd.read_csv(shipped_corpus)
    table = table[table["speaker_id"].isin(table["speaker_id"].unique()[:3])].groupby("speaker_id").head(2).copy()
    table["path"] = [str(shipped_corpus.parent / p) for p in table["path"]]
    table["split"] = "train"
    path = tmp_path_factory.mktemp("corpus") / "manifest.csv"
    table.to_csv(path, index=False)
    return path


@pytest.fixture(scope="module")
def speech(corpus) -> Speech:
    return Speech([corpus])


@pytest.fixture(scope="module")
def tiny(tmp_path_factory) -> Bundle:
    return make_tiny_bundle(tmp_path_factory.mktemp("tiny"))


@pytest.fixture(scope="module")
def features(speech, tiny):
    return make_features(speech, tiny.speaker, tiny.tokenizer)


@pytest.fixture
def train_tiny(features, tiny, tmp_path):
    """Train a tiny DiT for a few steps and return its averaged weights."""

    def train(name: str, hardware: Hardware = EXACT, found=features, seed: int = 0, steps: int = 6):
        torch.manual_seed(0)
        dit = DiT(tiny.config("decoder"))
        loop = LoopConfig(steps=steps, warmup=1, ema=0.5, seed=seed)
        pattern = full(dit.config.layers)
        return train_decoder(dit, pattern, found, tmp_path / name, loop, SMALL, hardware=hardware).state_dict()

    return train


def largest_difference(a: dict, b: dict) -> float:
    assert a.keys() == b.keys()
    return max(float((a[k].float() - b[k].float()).abs().max()) for k in a)


def gradients(features, tiny, hardware: Hardware) -> dict[str, torch.Tensor]:
    """Of one batch, with nothing stepped: optimisers that divide by the gradient's size would blow rounding up."""
    dit = randomised_by(0, DiT(tiny.config("decoder")))
    batch = DecoderBatches(features, 0, SMALL, hardware)[0]
    weight = float(batch.pop("weight"))
    batch.pop("crops")
    update = Update(FlowObjective(dit, full(6), hardware), [], dit.parameters(), 1e9, hardware)
    loss = update(batch, weight)["loss"]
    return {"loss": loss} | {n: p.grad for n, p in dit.named_parameters()}


def randomised_by(seed: int, dit: DiT) -> DiT:
    torch.manual_seed(seed)
    return randomised(dit)


@pytest.mark.parametrize("pieces", [2, 3, 50])
def test_a_batch_computed_in_pieces_has_the_same_gradient(features, tiny, pieces):
    whole = gradients(features, tiny, EXACT)
    parts = gradients(features, tiny, Hardware(precision="float32", accumulate=pieces))
    assert all(torch.allclose(whole[k], parts[k], rtol=1e-4, atol=1e-6) for k in whole)
    assert whole["output.weight"].abs().max() > 1e-2


def test_mixed_precision_computes_coarsely_and_keeps_weights_and_gradients_whole(features, tiny):
    exact, mixed = (gradients(features, tiny, Hardware(precision=name)) for name in ("float32", "bf16"))
    assert 0 < abs(float(exact["loss"] - mixed["loss"])) < 0.02 * float(exact["loss"])
    assert all(value.dtype == torch.float32 for value in mixed.values())
    one, other = (torch.cat([g[k].flatten() for k in exact if k != "loss"]) for g in (exact, mixed))
    assert 0 < float((one - other).norm()) < 0.1 * float(one.norm())


def test_the_average_forgets_by_its_decay_and_faster_while_it_is_young():
    module = torch.nn.Linear(1, 1, bias=False)
    module.weight.data.zero_()
    old, young = Average(module, 0.5), Average(module, 0.999)
    module.weight.data.fill_(1.0)
    seen = []
    for _ in range(3):
        old.update(module, 1000)
        seen.append(float(old.state["weight"]))
    assert seen == [0.5, 0.75, 0.875]
    young.update(module, 0)
    assert float(young.state["weight"]) == pytest.approx(0.9)


def test_what_a_training_gives_is_the_average_and_not_the_last_step(train_tiny, tmp_path):
    given = train_tiny("averaged", steps=3)
    state = torch.load(tmp_path / "averaged" / "state.pt", weights_only=True)
    assert largest_difference(given, state["averages"]["decoder"]) == 0
    assert largest_difference(given, state["modules"]["decoder"]) > 1e-3


@pytest.mark.parametrize("world", [2, 3, 8])
def test_the_mean_of_the_processes_gradients_is_the_batch_s(features, tiny, world):
    whole = gradients(features, tiny, EXACT)
    each = [gradients(features, tiny, AloneInGroup(r, world)) for r in range(world)]
    for name, value in whole.items():
        mean = torch.stack([g[name] for g in each]).mean(0)
        assert torch.allclose(value, mean, rtol=1e-4, atol=1e-6), name


class AloneInGroup(Hardware):
    """Computes one process's share without the others; the test takes the mean that they would."""

    def __init__(self, rank: int, world: int):
        super().__init__(precision="float32", group=Group(rank, world))

    def wrap(self, module):
        return module

    def local(self, wrapped, last):
        return nullcontext()


@pytest.mark.parametrize("workers", [1, 2])
def test_readers_change_nothing_to_the_last_bit(train_tiny, workers):
    alone = train_tiny("alone")
    read = train_tiny("read", Hardware(precision="float32", workers=workers))
    assert largest_difference(alone, read) == 0


def test_features_on_disk_change_nothing_to_the_last_bit(train_tiny, corpus, tiny, tmp_path):
    stored = make_features(Speech([corpus], from_disk=True), tiny.speaker, tiny.tokenizer, folder=tmp_path / "features")
    hardware = Hardware(precision="float32", workers=1)
    assert largest_difference(train_tiny("memory"), train_tiny("disk", hardware, stored)) == 0


def test_speech_on_disk_gives_the_samples_of_speech_in_memory(corpus, speech):
    lazy = Speech([corpus], from_disk=True)
    np.testing.assert_array_equal(lazy.lengths, speech.lengths)
    for i in range(len(speech)):
        np.testing.assert_array_equal(lazy.samples(i), speech.samples(i))


def test_features_interrupted_are_gone_on_from_and_of_other_weights_made_anew(corpus, tiny, tmp_path, features):
    folder, lazy = tmp_path / "features", Speech([corpus], from_disk=True)
    make_features(lazy, tiny.speaker, tiny.tokenizer, folder=folder)
    whole = {p.name: p.read_bytes() for p in folder.glob("*.bin")}
    rows = (folder / "rows.txt").read_text().splitlines(keepends=True)
    (folder / "rows.txt").write_text("".join(rows[:2]) + rows[2][:3])  # killed within the third row
    found = make_features(lazy, tiny.speaker, tiny.tokenizer, folder=folder)
    assert {p.name: p.read_bytes() for p in folder.glob("*.bin")} == whole
    assert torch.equal(found.mels[3][2:9], features.mels[3][2:9]) and torch.equal(
        found.tokens[5][:], features.tokens[5]
    )
    torch.manual_seed(1)
    other = SpeakerEncoder(tiny.config("speaker"))
    assert not torch.equal(make_features(lazy, other, tiny.tokenizer, folder=folder).speakers, found.speakers)


def test_a_recording_that_vanishes_while_training_is_named_in_one_line(corpus, tmp_path):
    table = pd.read_csv(corpus)
    for i, path in enumerate(table["path"]):
        (tmp_path / f"{i}.flac").write_bytes(Path(path).read_bytes())
    table["path"] = [f"{i}.flac" for i in range(len(table))]
    table.to_csv(tmp_path / "m.csv", index=False)
    lazy = Speech([tmp_path / "m.csv"], from_disk=True)
    for path in tmp_path.glob("*.flac"):
        path.unlink()
    hardware = Hardware(workers=1)
    feed = Feed(VocoderBatches(lazy, 0, VocoderTraining(), hardware), hardware)
    with pytest.raises(AudioError, match="no such file") as error:
        feed(0)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("count", [1, 2, 3, 7])
@pytest.mark.parametrize("world", [1, 2, 4])
def test_shares_of_a_batch_are_the_batch_and_their_weights_make_its_mean(count, world):
    shares = [Group(rank, world).share(count) for rank in range(world)]
    assert [row for rows, weight in shares for row in rows if weight] == list(range(count))
    values = np.arange(count) ** 2.0
    mean = np.mean([weight * values[list(rows)].mean() for rows, weight in shares])
    assert mean == pytest.approx(values.mean())


def witness(objective: type[FlowObjective], seen: list[str]) -> type[FlowObjective]:
    """The objective, which also notes every number that it is given."""

    class Witness(objective):
        def forward(self, **batch: torch.Tensor) -> dict[str, torch.Tensor]:
            digest = hashlib.sha256()
            for name in ("mel", "tokens", "voices", "time", "noise", "dropped"):
                digest.update(batch[name].numpy().tobytes())
            seen.append(digest.hexdigest())
            return super().forward(**batch)

    return Witness


def test_every_pattern_of_phase_two_has_the_same_budget(features, tiny, tmp_path):
    """The same crops, noise, times and conditions in the same order, as many of them, at the same rates."""
    summaries, given = {}, {}
    for name in PRESETS[1:]:
        dit = DiT(tiny.config("decoder"))
        training, loop = DecoderTraining(frames=400, longest=400, rank=2), LoopConfig(steps=4, warmup=2)
        objective = witness(
            CleanPrefixObjective if name == "clean-prefix" else FlowObjective, given.setdefault(name, [])
        )
        pattern = preset(name, dit.config.layers)
        train_decoder(dit, pattern, features, tmp_path / name, loop, training, objective=objective)
        summaries[name] = json.loads((tmp_path / name / "summary.json").read_text())
        del summaries[name]["seconds"]
    first = summaries["causal"]
    assert first["drawn"] and first["steps"] == 4 and all(s == first for s in summaries.values())
    assert len(set(given["causal"])) == 4 and all(g == given["causal"] for g in given.values())
    other = LoopConfig(steps=4, warmup=2, seed=1)
    train_decoder(DiT(tiny.config("decoder")), full(6), features, tmp_path / "other", other, training)
    assert json.loads((tmp_path / "other" / "summary.json").read_text())["drawn"] != first["drawn"]


def test_the_noise_of_a_step_is_the_same_for_all_and_other_in_the_next(features):
    batches = DecoderBatches(features, 0, SMALL, EXACT)
    again, whole, following = batches[3], batches[3], batches[4]
    assert all(torch.equal(again[k], whole[k]) for k in whole)
    assert not torch.equal(whole["time"][:1], following["time"][:1])
    parts = [DecoderBatches(features, 0, SMALL, Hardware(group=Group(r, 2)))[3] for r in range(2)]
    for name in ("mel", "tokens", "voices", "time", "noise", "dropped"):
        assert torch.equal(torch.cat([p[name] for p in parts]), whole[name])


def test_what_draws_were_seen_survives_a_resume(features, tiny, tmp_path):
    def drawn(folder: str, *lengths: int) -> str:
        for steps in lengths:
            loop = LoopConfig(steps=steps, decay=0.0)
            train_decoder(DiT(tiny.config("decoder")), full(6), features, tmp_path / folder, loop, SMALL)
        return json.loads((tmp_path / folder / "summary.json").read_text())["drawn"]

    assert drawn("whole", 4) == drawn("cut", 2, 4) != drawn("short", 3)


# A device of another kind, which holds shapes only: it refuses every operation that mixes in a tensor of the CPU, as an
# accelerator does.
META = Hardware(torch.device("meta"), precision="float32")


def on_meta(batch: dict) -> dict:
    batch.pop("crops"), batch.pop("weight")
    return META.to(batch)


@pytest.mark.parametrize("name", PRESETS)
def test_the_decoder_s_step_stays_on_its_device(features, tiny, name):
    dit = DiT(tiny.config("decoder")).to("meta")
    losses = FlowObjective(dit, preset(name, 6), META)(**on_meta(DecoderBatches(features, 0, SMALL, EXACT)[0]))
    losses["loss"].backward()
    assert dit.output.weight.grad.device.type == "meta"


def test_the_speaker_s_step_stays_on_its_device(speech):
    encoder = SpeakerEncoder(SpeakerConfig(channels=8, attention=4, se=4, embedding=8))
    both = torch.nn.ModuleList([encoder, torch.nn.Linear(8, 3, bias=False)]).to("meta")
    batch = on_meta(SpeakerBatches(speech, 0, SpeakerTraining(batch=4), EXACT)[0])
    SpeakerObjective(both, SpeakerTraining(batch=4), META)(**batch)["loss"].backward()
    assert both[1].weight.grad.device.type == "meta"


def test_the_tokenizer_s_step_stays_on_its_device(features, tiny):
    from streamflow.tokenizer import Tokenizer

    tokenizer = Tokenizer(tiny.config("tokenizer")).to("meta")
    training = TokenizerTraining(batch=2, frames=64)
    batch = on_meta(TokenizerBatches(features, 0, training, EXACT)[0])
    TokenizerObjective(tokenizer, META)(**batch)["loss"].backward()
    assert tokenizer.encoder_in.weight.grad.device.type == "meta"


def test_an_accelerator_that_is_not_there_is_refused_in_one_line(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(StreamflowError, match="use --device cpu"):
        choose_hardware("cuda")
    assert choose_hardware("auto").device.type == "cpu"
    with pytest.raises(StreamflowError, match="unknown precision"):
        choose_hardware("cpu", "fp8")


def test_a_time_budget_ends_with_the_decay_and_says_how_many_steps_it_took(tmp_path):
    module = torch.nn.Linear(2, 2)
    loop = Loop(tmp_path, LoopConfig(steps=10**7, warmup=1, budget_s=1.0), {"m": module}, [])
    rates = []

    def step(number: int) -> dict[str, float]:
        rates.append(loop.config.rate(number))
        time.sleep(0.002)
        return {"loss": 1.0}

    loop.run(step)
    assert json.loads((tmp_path / "summary.json").read_text())["steps"] == len(rates) < 10**7
    assert rates[0] == 1.0 and rates[-1] < 0.5 and all(np.diff(rates) <= 1e-9)


def launch(processes: int, *arguments: str) -> list[str]:
    torchrun = (
        ["-m", "torch.distributed.run", "--standalone", "--nproc-per-node", str(processes)] if processes > 1 else []
    )
    return [sys.executable, *torchrun, "-m", "harness.cli", "train", *arguments, "--device", "cpu", "--threads", "1"]


ENVIRONMENT = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": str(ROOT)}


@pytest.fixture(scope="module")
def copy_of_tiny(tiny, tmp_path_factory):
    """A bundle with a speaker encoder and a tokenizer, to train a decoder in."""

    def copy(name: str) -> Path:
        folder = tmp_path_factory.mktemp(name)
        for part in ("bundle.json", "speaker.safetensors", "tokenizer.safetensors"):
            (folder / part).write_bytes((tiny.directory / part).read_bytes())
        return folder

    return copy


def averages(bundle: Path, part: str) -> dict:
    return torch.load(bundle / "training" / part / "state.pt", weights_only=True)["averages"]["decoder"]


@pytest.mark.slow
def test_two_processes_give_the_weights_of_one_and_only_the_first_writes(corpus, copy_of_tiny):
    options = ["--manifest", str(corpus), "--size", "tiny", "--steps", "8", "--tune-steps", "3", "--frames", "1200"]
    options += ["--pattern", "full,streamflow-sr", "--precision", "float32", "--save-every", "0"]
    one, two = copy_of_tiny("one"), copy_of_tiny("two")
    subprocess.run(
        launch(1, "decoder", "--bundle", str(one), *options), check=True, env=ENVIRONMENT, capture_output=True
    )
    command = launch(2, "decoder", "--bundle", str(two), "--workers", "1", "--from-disk", *options)
    done = subprocess.run(command, check=True, env=ENVIRONMENT, capture_output=True, text=True)
    for part in ("decoder-full", "decoder-streamflow-sr"):
        assert largest_difference(averages(one, part), averages(two, part)) < 1e-5
        summary = json.loads((two / "training" / part / "summary.json").read_text())
        assert summary["processes"] == 2
        assert summary["drawn"] == json.loads((one / "training" / part / "summary.json").read_text())["drawn"]
        curves = [(b / "training" / part / "curve.csv").read_text().splitlines() for b in (one, two)]
        assert [len(c) for c in curves] == [2, 2]
        losses = [float(c[-1].split(",")[1]) for c in curves]
        assert losses[0] == pytest.approx(losses[1], rel=1e-4)
    assert done.stderr.count("step 1/8") == 1
    assert not list(two.rglob("*.partial"))


@pytest.mark.slow
def test_two_processes_that_are_interrupted_save_and_go_on_to_the_same_weights(corpus, copy_of_tiny):
    options = [
        "--manifest",
        str(corpus),
        "--size",
        "tiny",
        "--steps",
        "40",
        "--frames",
        "400",
        "--precision",
        "float32",
    ]
    options += ["--save-every", "0"]
    whole = copy_of_tiny("whole")
    subprocess.run(
        launch(2, "decoder", "--bundle", str(whole), *options), check=True, env=ENVIRONMENT, capture_output=True
    )
    for attempt in range(10):  # on a busy machine this process may sleep until the training is over
        cut = copy_of_tiny(f"cut{attempt}")
        command = launch(2, "decoder", "--bundle", str(cut), *options)
        process = subprocess.Popen(command, env=ENVIRONMENT, stderr=subprocess.PIPE, text=True, start_new_session=True)
        state = cut / "training" / "decoder-full" / "state.pt"
        while not state.exists() and process.poll() is None:
            time.sleep(0.02)
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGINT)  # as a terminal does on Ctrl-C
        _, said = process.communicate()
        if not (cut / "decoder.safetensors").exists():
            break
    assert not (cut / "decoder.safetensors").exists(), "it was over before it could be interrupted"
    assert said.count("the same command goes on from there") == 1
    assert 0 < torch.load(state, weights_only=True)["step"] < 40
    subprocess.run(command, check=True, env=ENVIRONMENT, capture_output=True)
    assert largest_difference(averages(whole, "decoder-full"), averages(cut, "decoder-full")) == 0


ADVERSARIAL = """
import sys, torch
from streamflow.training.adversarial import AdversarialUpdate
from streamflow.training.hardware import choose_hardware, leave
from streamflow.training.vocoder import BigVGANTraining, recipe_of, vocoder_card
from streamflow.vocoders import build_vocoder

torch.manual_seed(0)
recipe, vocoder = recipe_of(BigVGANTraining(discriminator_channels=2)), build_vocoder(vocoder_card("bigvgan", "tiny"))
audio = torch.randn(5, 4800) * 0.1
hardware = choose_hardware("cpu", "float32", int(sys.argv[2]))
optimizers = [torch.optim.SGD(m.parameters(), 1e-3) for m in (vocoder, recipe.discriminators)]
rows, weight = hardware.group.share(len(audio))
update = AdversarialUpdate(vocoder, recipe, optimizers, hardware)
before = [p.detach().clone() for p in (*vocoder.parameters(), *recipe.discriminators.parameters())]
update(audio[rows.start : rows.stop], weight, True)
after = [*vocoder.parameters(), *recipe.discriminators.parameters()]
if hardware.group.first:
    torch.save([(b - a.detach()) / 1e-3 for a, b in zip(after, before)], sys.argv[1])
leave()
"""


@pytest.mark.slow
def test_vocoder_and_discriminators_get_the_same_gradients_from_two_processes_in_pieces(tmp_path):
    """Five crops on two processes, in two pieces each: shares and pieces of unlike size."""
    script, steps = tmp_path / "update.py", []
    script.write_text(ADVERSARIAL)
    for processes, pieces in ((1, 1), (2, 2)):
        torchrun = ["-m", "torch.distributed.run", "--standalone", "--nproc-per-node", str(processes)]
        command = [sys.executable, *torchrun, str(script), str(tmp_path / f"{processes}.pt"), str(pieces)]
        subprocess.run(command, check=True, env=ENVIRONMENT, capture_output=True)
        steps.append(torch.load(tmp_path / f"{processes}.pt", weights_only=True))
    for one, two in zip(*steps, strict=True):
        assert torch.allclose(one, two, rtol=2e-3, atol=2e-3 * float(one.abs().max()) + 1e-4)
    assert max(float(one.abs().max()) for one in steps[0]) > 0.1
