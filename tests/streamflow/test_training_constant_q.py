"""The constant-Q transform that BigVGAN's second discriminators judge, against librosa's and scipy's correlation."""

from __future__ import annotations

from pathlib import Path

import librosa
import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.signal import fftconvolve

from streamflow.audio import SAMPLE_RATE, load_audio
from streamflow.speechbrain_import import import_torchaudio
from streamflow.training.constant_q import LOWEST, ConstantQ, Doubled
from streamflow.training.discriminators import CONSTANT_Q, OCTAVES, ConstantQDiscriminator

RATE = 2 * SAMPLE_RATE


@pytest.fixture(scope="module")
def speech(shipped_corpus) -> torch.Tensor:
    """A crop as long as those that BigVGAN trains on, ``[1, 43520]``."""
    path = max(Path(shipped_corpus).parent.glob("*.flac"), key=lambda p: p.stat().st_size)
    return torch.from_numpy(load_audio(path)[8000 : 8000 + 43520])[None]


def transformed(wave: torch.Tensor, hop: int, bins: int) -> np.ndarray:
    """Complex ``[frames, octaves * bins]`` of a wave at twice the rate, ``[1, n]``."""
    real, imaginary = ConstantQ(RATE, hop, OCTAVES, bins)(wave)[0].double().numpy()
    return real + 1j * imaginary


def correlated(wave: np.ndarray, hop: int, frequency: float, bins: int) -> np.ndarray:
    """One bin by its definition, at the full rate: float64 ``[n // hop + 1]``."""
    length = RATE / frequency / (2 ** (1 / bins) - 1)
    reach = int(np.ceil(length / 2))
    time = np.arange(-reach, reach + 1)
    window = np.where(np.abs(time) < length / 2, 0.5 + 0.5 * np.cos(2 * np.pi * time / length), 0)
    tone = window / window.sum() * np.sqrt(length) * np.exp(-2j * np.pi * frequency / RATE * time)
    full = fftconvolve(np.pad(wave, (0, hop)), tone[::-1])
    return full[reach::hop][: len(wave) // hop + 1]


@pytest.mark.parametrize(("hop", "bins"), CONSTANT_Q)
def test_octave_by_octave_it_is_the_correlation_with_the_kernels(speech, hop, bins):
    wave = Doubled()(speech)
    ours, samples = transformed(wave, hop, bins), wave[0].double().numpy()
    for k in range(0, OCTAVES * bins, 7):
        theirs = correlated(samples, hop, LOWEST * 2 ** (k / bins), bins)
        assert np.abs(ours[:, k] - theirs).max() < 1e-5 * np.abs(ours).max()
        assert np.abs(ours[:, k] - theirs).max() < 1e-3 * np.abs(theirs).max()


@pytest.mark.slow  # librosa compiles
@pytest.mark.filterwarnings("ignore:n_fft")  # its lowest octave is shorter than its transform
@pytest.mark.parametrize(("hop", "bins"), CONSTANT_Q)
def test_it_is_librosas_within_what_its_whole_samples_cost(speech, hop, bins):
    """librosa's windows are whole samples long and off their centres by up to half of one at the rate of their octave."""
    wave = Doubled()(speech)
    ratio = 2 ** (1 / bins)
    theirs = librosa.cqt(
        wave[0].double().numpy(),
        sr=RATE,
        hop_length=hop,
        fmin=LOWEST,
        n_bins=OCTAVES * bins,
        bins_per_octave=bins,
        filter_scale=(ratio**2 - 1) / (ratio**2 + 1) / (ratio - 1),  # its Q comes from both neighbours of a bin
        sparsity=0,
        pad_mode="constant",
        res_type="soxr_vhq",
    ).T
    ours = transformed(wave, hop, bins)
    assert ours.shape == theirs.shape
    assert np.linalg.norm(ours - theirs) < 0.025 * np.linalg.norm(theirs)


@pytest.mark.parametrize("k", [20, 57, 130, 180])
def test_a_tone_stands_in_its_own_bin_at_its_own_phase(k):
    frequency, bins, amplitude = LOWEST * 2 ** (k / 24), 24, 0.3
    time = torch.arange(4 * RATE, dtype=torch.float64) / RATE
    wave = (amplitude * torch.cos(2 * torch.pi * frequency * time + 0.4)).float()[None]
    frames = transformed(wave, 512, bins)
    middle = len(frames) // 2
    assert np.abs(frames[middle]).argmax() == k
    length = RATE / frequency / (2 ** (1 / bins) - 1)
    expected = amplitude / 2 * np.sqrt(length) * np.exp(1j * (2 * np.pi * frequency * middle * 512 / RATE + 0.4))
    assert abs(frames[middle, k] - expected) < 2e-3 * abs(expected)


@settings(deadline=None, max_examples=30)
@given(samples=st.integers(1, 4000), octaves=st.integers(1, 6), halved=st.integers(0, 3), seed=st.integers(0, 99))
def test_any_length_gives_a_frame_a_hop_and_later_sound_changes_no_earlier_wave(samples, octaves, halved, seed):
    hop = 2 ** (octaves - 1 + halved)
    transform = ConstantQ(8000, hop, octaves, 6, lowest=40.0)
    wave = torch.randn(2, samples, generator=torch.Generator().manual_seed(seed))
    found = transform(wave)
    assert found.shape == (2, 2, samples // hop + 1, 6 * octaves) and found.isfinite().all()
    longer = transform(torch.nn.functional.pad(wave, (0, 5 * hop)))  # silence is what lies after the end anyhow
    assert torch.allclose(found, longer[:, :, : found.shape[2]], atol=1e-4)


def test_the_gradient_is_the_response_to_impulses():
    transform = ConstantQ(8000, 8, 3, 5, lowest=200.0)
    wave = torch.randn(1, 100, generator=torch.Generator().manual_seed(0), requires_grad=True)
    direction = torch.randn(1, 2, 13, 15, generator=torch.Generator().manual_seed(1))
    (gradient,) = torch.autograd.grad((transform(wave) * direction).sum(), wave)
    expected = (transform(torch.eye(100)) * direction).sum((1, 2, 3))
    assert torch.allclose(gradient[0], expected, atol=1e-5)


def test_twice_the_rate_is_torchaudios(speech):
    resampled = import_torchaudio().transforms.Resample(SAMPLE_RATE, RATE)(speech)
    assert torch.allclose(Doubled()(speech), resampled, atol=1e-6)


def test_mixed_precision_leaves_the_transform_exact(speech):
    transform, double = ConstantQ(RATE, 512, OCTAVES, 24), Doubled()
    exact = transform(double(speech))
    with torch.autocast("cpu", torch.bfloat16):
        assert torch.equal(transform(double(speech)), exact)


def test_each_octave_is_judged_by_its_own_convolution_first(speech):
    torch.manual_seed(0)
    judge = ConstantQDiscriminator(512, 24, channels=4)
    wave = speech[:, :16_000].clone().requires_grad_()
    score, features = judge(wave)
    assert [f.shape[1:] for f in features] == [(4, 63, 192), (4, 63, 96), (4, 63, 48), (4, 63, 24), (4, 63, 24)]
    assert score.shape == (1, 63 * 24)
    with torch.no_grad():
        for parameter in judge.apart[3].parameters():
            parameter.zero_()
        changed = judge(wave)[1][0] != features[0]
    bins = changed.any(dim=(0, 1, 2)).nonzero().flatten()
    assert (bins.min(), bins.max()) == (3 * 24 - 4, 4 * 24 + 3)  # its octave, and the kernel's reach to either side


def test_a_hop_or_a_range_that_cannot_be_is_refused():
    with pytest.raises(ValueError, match="cannot be halved for each of 8 octaves"):
        ConstantQ(RATE, 192, 8, 24)
    with pytest.raises(ValueError, match="not well below half of 32000 Hz"):
        ConstantQ(RATE, 512, 9, 24)
