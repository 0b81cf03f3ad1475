"""The log-mel front end against librosa's, which nobody here wrote."""

from __future__ import annotations

import librosa
import numpy as np
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from streamflow.mel import BANDS, HOP, N_FFT, denormalise, log_mel, mel_filterbank, normalise


def test_the_filterbank_is_librosas():
    theirs = librosa.filters.mel(sr=16_000, n_fft=N_FFT, n_mels=BANDS)
    np.testing.assert_allclose(mel_filterbank().numpy(), theirs, atol=1e-7)


def test_the_log_mel_is_librosas():
    audio = np.random.default_rng(0).standard_normal(16_000).astype(np.float32)
    pad = (N_FFT - HOP) // 2
    padded = np.pad(audio, pad, mode="reflect")
    theirs = librosa.feature.melspectrogram(
        y=padded, sr=16_000, n_fft=N_FFT, hop_length=HOP, n_mels=BANDS, center=False, power=1.0
    )
    np.testing.assert_allclose(log_mel(audio).numpy(), np.log(theirs.T), atol=1e-3)


@settings(max_examples=20, deadline=None)
@given(st.integers(500, 5000))
def test_there_is_one_frame_for_every_whole_hop(samples):
    assert log_mel(torch.randn(samples)).shape == (samples // HOP, BANDS)


def test_a_batch_is_its_rows():
    audio = torch.randn(3, 4000)
    torch.testing.assert_close(log_mel(audio)[1], log_mel(audio[1]))


def test_an_impulse_is_loudest_in_the_frame_that_owns_its_sample():
    audio = torch.zeros(8000)
    audio[20 * HOP + HOP // 2] = 1.0
    assert log_mel(audio).mean(dim=1).argmax() == 20


def test_normalising_is_undone():
    mel = torch.randn(5, BANDS)
    torch.testing.assert_close(denormalise(normalise(mel)), mel)
