"""The speaker embedding is speechbrain's ECAPA-TDNN on our log-mel, and hears the voice rather than the recording."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from streamflow.audio import load_audio, prepare_audio
from streamflow.mel import log_mel, normalise
from streamflow.speaker import MAX_S, SpeakerConfig, SpeakerEncoder
from streamflow.speechbrain_import import load_ecapa

SHIPPED = Path(__file__).parents[2] / "corpora" / "shipped"
SMALL = SpeakerConfig(channels=32, attention=16, se=16, res2net_scale=2, embedding=24)


@pytest.fixture(scope="module")
def encoder() -> SpeakerEncoder:
    """Random weights, and batch statistics that are not those of a new module."""
    torch.manual_seed(0)
    encoder = SpeakerEncoder(SMALL).eval()
    with torch.no_grad():
        for name, buffer in encoder.named_buffers():
            if name.endswith("running_mean"):
                buffer.normal_(std=0.3)
            elif name.endswith("running_var"):
                buffer.uniform_(0.5, 2.0)
    return encoder


@pytest.fixture(scope="module")
def speech() -> list[np.ndarray]:
    """Three recordings of the shipped corpus, of three voices."""
    with (SHIPPED / "manifest.csv").open() as file:
        first_of_voice = {row["speaker_id"]: row["path"] for row in reversed(list(csv.DictReader(file)))}
    return [load_audio(SHIPPED / path) for path in sorted(first_of_voice.values())[:3]]


@torch.no_grad()
def speechbrains_embedding(encoder: SpeakerEncoder, audio: np.ndarray) -> torch.Tensor:
    """The module called directly with the same weights, and the paper's mean normalisation done here."""
    module = load_ecapa()(
        input_size=80,
        lin_neurons=SMALL.embedding,
        channels=[32, 32, 32, 32, 96],
        kernel_sizes=[5, 3, 3, 3, 1],
        dilations=[1, 2, 3, 4, 1],
        attention_channels=16,
        res2net_scale=2,
        se_channels=16,
    )
    prefix = "ecapa."
    module.load_state_dict({name.removeprefix(prefix): value for name, value in encoder.state_dict().items()})
    mel = normalise(log_mel(audio))
    embedding = module.eval()((mel - mel.mean(0))[None]).flatten()
    return embedding / embedding.norm()


def test_the_embedding_is_speechbrains(encoder: SpeakerEncoder, speech: list[np.ndarray]):
    embeddings = [encoder.embed(audio) for audio in speech]
    for audio, embedding in zip(speech, embeddings, strict=True):
        torch.testing.assert_close(embedding, speechbrains_embedding(encoder, audio), atol=1e-6, rtol=0)
    assert (embeddings[0] - embeddings[1]).abs().max() > 1e-3


def test_embeddings_are_unit_vectors(encoder: SpeakerEncoder, speech: list[np.ndarray]):
    for audio in speech:
        embedding = encoder.embed(audio)
        assert embedding.shape == (SMALL.embedding,) and embedding.dtype == torch.float32
        assert float(embedding.norm()) == pytest.approx(1.0, abs=1e-5)


@given(offset=st.floats(-8, 8))
@settings(max_examples=10, deadline=None)
def test_an_offset_of_the_log_mel_changes_nothing(offset: float, encoder: SpeakerEncoder, speech: list[np.ndarray]):
    """A gain is an offset of the log-mel, and the mean over time is taken off."""
    mel = log_mel(speech[0])[None]
    with torch.no_grad():
        torch.testing.assert_close(encoder(mel + offset), encoder(mel), atol=2e-4, rtol=0)


@pytest.mark.parametrize("gain_db", [-20.0, -6.0, 6.0])
def test_the_recordings_level_changes_nothing(encoder: SpeakerEncoder, speech: list[np.ndarray], gain_db: float):
    """Loudness is set on loading, so even digital silence between the words stays where it was."""
    audio = speech[1]
    other = prepare_audio(audio * 10 ** (gain_db / 20), 16_000)
    torch.testing.assert_close(encoder.embed(other), encoder.embed(prepare_audio(audio, 16_000)), atol=1e-4, rtol=0)


@torch.no_grad()
def test_company_in_the_batch_changes_nothing(encoder: SpeakerEncoder, speech: list[np.ndarray]):
    frames = min(len(audio) for audio in speech) // 160 * 160
    mels = torch.stack([log_mel(audio[:frames]) for audio in speech])
    alone = torch.cat([encoder(mel[None]) for mel in mels])
    torch.testing.assert_close(encoder(mels), alone, atol=1e-5, rtol=0)


def test_what_comes_after_the_longest_recording_heard_changes_nothing(encoder: SpeakerEncoder, speech):
    heard = np.tile(speech[0], 10)[: int(MAX_S * 16_000)]
    assert len(heard) == MAX_S * 16_000
    longer = np.concatenate([heard, speech[1]])
    assert torch.equal(encoder.embed(longer), encoder.embed(heard))
