"""Vocoders train under both recipes, and what BigVGAN's leaves behind streams with the context that it declares."""

from __future__ import annotations

import csv
from pathlib import Path

import librosa
import numpy as np
import pytest
import torch
from typer.testing import CliRunner

from streamflow.audio import load_audio
from streamflow.checkpoints import Bundle, load_bundle
from streamflow.errors import StreamflowError
from streamflow.mel import log_mel
from streamflow.tiny import make_tiny_bundle
from streamflow.training.adversarial import AdversarialUpdate
from streamflow.training.cli import app
from streamflow.training.data import Speech
from streamflow.training.discriminators import (
    BigVGANDiscriminators,
    ConstantQDiscriminator,
    PeriodDiscriminator,
    ResolutionDiscriminator,
    least_squares_generator,
    least_squares_judge,
)
from streamflow.training.hardware import Hardware
from streamflow.training.loop import LoopConfig, optimizers_for
from streamflow.training.spectral import MultiScaleMel, SpectralLoss
from streamflow.training.vocoder import (
    BigVGANTraining,
    VocoderBatches,
    VocoderTraining,
    recipe_of,
    train_vocoder,
    vocoder_card,
)
from streamflow.vocoders import build_vocoder
from streamflow.vocoders.streaming import StreamingVocoder


@pytest.fixture(scope="module")
def real(shipped_corpus) -> torch.Tensor:
    """Four crops of half a second of real speech, ``[4, 8000]``."""
    audio = load_audio(sorted(Path(shipped_corpus).parent.glob("*.flac"))[0])
    return torch.from_numpy(np.stack([audio[i : i + 8000] for i in (4000, 8000, 12000, 16000)]))


def updates(real: torch.Tensor, hardware: Hardware, count: int):
    """``count`` updates of a tiny BigVGAN on one batch: the losses of each, and the vocoder."""
    torch.manual_seed(0)
    training = BigVGANTraining(discriminator_channels=2, rate=2e-3)
    recipe, vocoder = recipe_of(training), build_vocoder(vocoder_card("bigvgan", "tiny"))
    optimizers = [
        optimizers_for(m, training.rate, muon=False, betas=recipe.betas)[0] for m in (vocoder, recipe.discriminators)
    ]
    update = AdversarialUpdate(vocoder, recipe, optimizers, hardware)
    return [{k: float(v) for k, v in update(real, 1.0, True).items()} for _ in range(count)], vocoder


@pytest.mark.slow
def test_bigvgan_learns_a_fixed_batch(real):
    losses, vocoder = updates(real, Hardware(precision="float32"), 30)
    assert np.mean([x["mel"] for x in losses[-5:]]) < 0.6 * losses[0]["mel"]
    assert all(x["adversarial"] > 0 and x["matching"] > 0 and x["discriminator"] > 0 for x in losses)
    assert losses[-1]["discriminator"] < losses[0]["discriminator"]
    with torch.no_grad():
        wave = vocoder(log_mel(real))
    assert wave.shape == real.shape and wave.abs().max() > 0.05


def test_a_batch_in_pieces_teaches_the_same(real):
    (one,), whole = updates(real, Hardware(precision="float32"), 1)
    (other,), pieces = updates(real, Hardware(precision="float32", accumulate=2), 1)
    # the first step of Adam is the gradient's sign, which rounding can turn where the gradient is next to nothing
    steps = [(a - b).abs() for a, b in zip(whole.parameters(), pieces.parameters(), strict=True)]
    assert torch.cat([s.flatten() for s in steps]).gt(1e-5).float().mean() < 0.01
    for name in one:
        assert other[name] == pytest.approx(one[name], rel=1e-3)


@pytest.mark.slow
def test_a_bigvgan_trained_by_the_command_streams_with_its_declared_context(shipped_corpus, tmp_path):
    options = ["--manifest", str(shipped_corpus), "--split", "demo", "--bundle", str(tmp_path), "--kind", "bigvgan"]
    options += ["--size", "tiny", "--batch", "2", "--steps", "3", "--device", "cpu"]
    result = CliRunner().invoke(app, ["vocoder", *options], catch_exceptions=False)
    assert result.exit_code == 0, result.output
    vocoder = Bundle(tmp_path).vocoder
    mel = log_mel(load_audio(sorted(Path(shipped_corpus).parent.glob("*.flac"))[0]))
    with torch.no_grad():
        offline = vocoder(mel[None])[0]
    stream = StreamingVocoder(vocoder)
    assert (stream.past_frames, stream.future_frames) == vocoder.config.context_frames()
    streamed = torch.cat([*(stream.push(part) for part in mel.split(24)), stream.finish()])
    assert torch.allclose(streamed, offline, atol=1e-5)


def test_the_multi_scale_mel_loss_is_the_published_one_over_librosas_mels(real):
    def mels(wave: np.ndarray, n_fft: int, bands: int) -> np.ndarray:
        mel = librosa.feature.melspectrogram(
            y=wave, sr=16_000, n_fft=n_fft, hop_length=n_fft // 4, n_mels=bands, power=1.0, pad_mode="reflect"
        )
        return np.log10(np.maximum(mel, 1e-5))

    fake = real * 0.5 + 0.01 * torch.randn(real.shape, generator=torch.Generator().manual_seed(0))
    a, b = fake.double().numpy(), real.double().numpy()
    scales = zip((32, 64, 128, 256, 512, 1024, 2048), (5, 10, 20, 40, 80, 160, 320), strict=True)
    published = sum(np.abs(mels(a, *scale) - mels(b, *scale)).mean() for scale in scales)
    assert float(MultiScaleMel()(fake, real)) == pytest.approx(published, rel=2e-3)


def test_the_multi_scale_mel_loss_is_zero_for_the_same_wave_and_grows_with_noise(real):
    loss, noise = MultiScaleMel(), torch.randn(real.shape, generator=torch.Generator().manual_seed(0))
    distances = [float(loss(real + level * noise, real)) for level in (0.0, 0.001, 0.01, 0.1)]
    assert distances[0] == 0 and all(np.diff(distances) > 0)


@pytest.mark.parametrize("version", ["v1", "v2"])
def test_every_discriminator_judges_and_passes_its_gradient_on(real, version):
    torch.manual_seed(0)
    wave = real.clone().requires_grad_()
    judges = BigVGANDiscriminators(2, version)
    judged = judges(wave)
    kinds = [type(d) for d in judges.each]
    spectral = ConstantQDiscriminator if version == "v2" else ResolutionDiscriminator
    assert kinds == [PeriodDiscriminator] * 5 + [spectral] * 3
    for score, features in judged:
        (gradient,) = torch.autograd.grad(score.sum() + features[0].sum(), wave, retain_graph=True)
        assert gradient.isfinite().all() and gradient.abs().sum() > 0


def test_the_second_versions_discriminators_are_the_default():
    judges = recipe_of(BigVGANTraining(discriminator_channels=2)).discriminators
    assert [type(d) for d in judges.each[5:]] == [ConstantQDiscriminator] * 3
    with pytest.raises(StreamflowError, match="choose one of v1, v2"):
        BigVGANDiscriminators(2, "v3")


@pytest.mark.parametrize("version", ["v1", "v2"])
def test_silence_gives_finite_gradients(real, version):
    wave = torch.zeros_like(real).requires_grad_()
    judged = BigVGANDiscriminators(2, version)(wave)
    adversarial, _ = least_squares_generator(judged, judged)
    (adversarial + MultiScaleMel()(wave, real) + SpectralLoss()(wave, real)).backward()
    assert wave.grad.isfinite().all()


def test_the_least_squares_losses_want_opposite_things():
    ones, zeros = [(torch.ones(2, 3), [torch.ones(2)])], [(torch.zeros(2, 3), [torch.zeros(2)])]
    assert least_squares_judge(ones, zeros) == 0 and least_squares_judge(zeros, ones) == 2
    adversarial, matching = least_squares_generator(ones, zeros)
    assert adversarial == 1 and matching == 1
    assert least_squares_generator(ones, ones) == (0, 0)


def test_sizes_that_there_are_not_are_refused():
    with pytest.raises(StreamflowError, match="choose one of base, small, tiny"):
        vocoder_card("bigvgan", "huge")
    with pytest.raises(StreamflowError, match="there is no tiny vocos"):
        vocoder_card("vocos", "tiny")


def test_the_vocoders_step_stays_on_its_device(real):
    recipe = recipe_of(BigVGANTraining(discriminator_channels=2))
    vocoder, judge = build_vocoder(vocoder_card("bigvgan", "tiny")).to("meta"), recipe.discriminators.to("meta")
    real = real.to("meta")
    mel = log_mel(real)
    fake = vocoder(mel)
    adversarial, matching = recipe.adversarial(judge(real), judge(fake))
    (sum(recipe.reconstruct(fake, real, mel).values()) + adversarial + matching).backward()
    assert vocoder.conv_pre.weight.grad.device.type == "meta"


def train_one_step(shipped_corpus, folder: Path, *options: str) -> None:
    arguments = [
        "vocoder",
        "--manifest",
        str(shipped_corpus),
        "--split",
        "demo",
        "--bundle",
        str(folder),
        "--steps",
        "1",
    ]
    arguments += ["--batch", "1", "--device", "cpu", "--precision", "float32", *options]
    result = CliRunner().invoke(app, arguments, catch_exceptions=False)
    assert result.exit_code == 0, result.output


def test_a_training_that_starts_from_a_bundle_starts_with_its_vocoders_losses(shipped_corpus, tmp_path):
    train_one_step(shipped_corpus, tmp_path, "--start", "small")
    with (tmp_path / "training" / "vocoder" / "curve.csv").open() as file:
        (row,) = csv.DictReader(file)
    training = VocoderTraining(batch=1)
    audio = VocoderBatches(Speech([shipped_corpus], "demo"), 0, training, Hardware())[0]["audio"]
    shipped = load_bundle("small").vocoder
    with torch.no_grad():
        losses = recipe_of(training).reconstruct(shipped(log_mel(audio)), audio, log_mel(audio))
        torch.manual_seed(0)
        random = build_vocoder(vocoder_card("vocos", "small"))(log_mel(audio))
        untrained = recipe_of(training).reconstruct(random, audio, log_mel(audio))
    for name in ("spectral", "mel"):
        assert float(row[name]) == pytest.approx(float(losses[name]), rel=1e-3)
        assert float(untrained[name]) > 1.5 * float(losses[name])


def test_a_training_cannot_start_from_a_vocoder_of_another_size_or_kind(shipped_corpus, tmp_path):
    make_tiny_bundle(tmp_path / "tiny")
    for options in (["--start", str(tmp_path / "tiny")], ["--start", "small", "--kind", "bigvgan", "--size", "tiny"]):
        with pytest.raises(StreamflowError, match="another kind or size; see --kind, --size") as error:
            train_one_step(shipped_corpus, tmp_path / "new", *options)
        assert "\n" not in str(error.value)
    with pytest.raises(StreamflowError, match="unknown checkpoint smal; did you mean small"):
        train_one_step(shipped_corpus, tmp_path / "new", "--start", "smal")
    assert not list((tmp_path / "new").rglob("*.safetensors"))


def test_crops_are_no_longer_than_the_longest_recording(shipped_corpus):
    speech = Speech([shipped_corpus], "demo")
    batches = VocoderBatches(speech, 0, VocoderTraining(batch=2, frames=100_000), Hardware())
    longest = int(speech.lengths.max()) // 160 * 160
    assert batches[0]["audio"].shape == (2, longest)
    shorter = VocoderBatches(speech, 0, VocoderTraining(batch=2, frames=50), Hardware())
    assert shorter[0]["audio"].shape == (2, 8000)


def test_vocos_has_no_choice_of_discriminators(shipped_corpus, tmp_path):
    with pytest.raises(StreamflowError, match="leave --discriminators out"):
        train_one_step(shipped_corpus, tmp_path, "--discriminators", "v1")


def test_an_adversarial_training_that_was_cut_goes_on_to_the_same_weights(shipped_corpus, tmp_path):
    speech = Speech([shipped_corpus], "demo")
    training = BigVGANTraining(batch=2, frames=16, discriminator_channels=2, rate=1e-3)

    def trained(folder: str, *lengths: int) -> dict[str, torch.Tensor]:
        for call, steps in enumerate(lengths):
            torch.manual_seed(call)  # what a later call begins with is replaced
            vocoder = build_vocoder(vocoder_card("bigvgan", "tiny"))
            train_vocoder(vocoder, speech, tmp_path / folder, LoopConfig(steps=steps, warmup=1, decay=0.0), training)
        return torch.load(tmp_path / folder / "state.pt", weights_only=True)["modules"]

    whole, cut = trained("whole", 4), trained("cut", 2, 4)
    assert all(torch.equal(whole[m][k], cut[m][k]) for m in whole for k in whole[m])
