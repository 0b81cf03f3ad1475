"""What the decoder's tests share: a bundle of random weights, and sessions driven to their end."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

from streamflow.checkpoints import Bundle
from streamflow.session import AudioChunk, Session, StreamRequest
from streamflow.tiny import make_tiny_bundle


@pytest.fixture(scope="session")
def bundle(tmp_path_factory) -> Bundle:
    return make_tiny_bundle(tmp_path_factory.mktemp("tiny"))


@pytest.fixture(scope="session")
def tokens() -> np.ndarray:
    return np.random.default_rng(0).integers(0, 64, (29, 2))


@pytest.fixture(scope="session")
def request_(tokens) -> StreamRequest:
    rng = np.random.default_rng(1)
    audio = (0.1 * rng.standard_normal(len(tokens) * 640)).astype(np.float32)
    voice = rng.standard_normal(16).astype(np.float32)
    return StreamRequest("u", voice / np.linalg.norm(voice), seed=5, prompt=audio, reference=audio, tokens=tokens)


@pytest.fixture(scope="session")
def chunks_of():
    """Push tokens in packs of the given sizes, the rest one by one, finish, and return the chunks."""

    def drive(session: Session, tokens: np.ndarray, packs: Sequence[int] = ()) -> list[AudioChunk]:
        chunks, at = [], 0
        for size in [*packs, *[1] * len(tokens)]:
            if at < len(tokens):
                chunks += list(session.push(tokens[at : at + size]))
                at += size
        return chunks + list(session.finish())

    return drive


@pytest.fixture(scope="session")
def audio_of():
    """The samples of all chunks, after a check that they follow one another."""

    def join(chunks: Sequence[AudioChunk]) -> np.ndarray:
        position = 0
        for chunk in chunks:
            assert chunk.start_sample == position
            position += len(chunk.samples)
        return np.concatenate([c.samples for c in chunks])

    return join


@pytest.fixture(scope="session")
def decode(chunks_of, audio_of):
    """The whole audio of a session."""
    return lambda session, tokens, packs=(): audio_of(chunks_of(session, tokens, packs))
