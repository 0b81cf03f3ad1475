"""Requests of any length, out of a corpus: its utterances one after another, as one long stream."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import cycle
from pathlib import Path

import numpy as np

from streamflow.audio import SAMPLE_RATE
from streamflow.session import StreamRequest

from ..corpus import Corpus
from ..failures import FailureLog
from ..inputs import TOKENS_PER_SECOND, FrontEnd, Inputs, prepare
from ..manifest_tokens import check_columns
from ..provenance import code_sha256
from ..run import RunFolder
from ..storage import sha256_of
from .bench_tables import LatencyError


@dataclass(frozen=True)
class LongSpeech:
    """Concatenated speech, of which every request is the beginning.

    Attributes:
        speaker: float32 ``[D]``, of the first utterance: a stream has one voice.
        prompt: float32 ``[n]`` at 16 kHz, likewise.
        tokens: int64 ``[T, K]``.
        reference: float32 ``[n]`` at 16 kHz, as long as the tokens.
        tokens_per_second: of speech.
    """

    speaker: np.ndarray
    prompt: np.ndarray
    tokens: np.ndarray
    reference: np.ndarray
    tokens_per_second: float = TOKENS_PER_SECOND

    def request(self, length_s: float, seed: int = 0) -> StreamRequest:
        """A request of its own of the first ``length_s`` seconds, in whole tokens."""
        tokens = self.tokens[: tokens_of(length_s, self.tokens_per_second)]
        return StreamRequest(
            utterance_id=f"{length_s:g} s",
            speaker=self.speaker.copy(),
            seed=seed,
            prompt=self.prompt.copy(),
            reference=self.reference[: _samples(len(tokens), self.tokens_per_second)].copy(),
            tokens=tokens.copy(),
            tokens_per_second=self.tokens_per_second,
        )

    def identity(self, length_s: float) -> str:
        """Hash of what :meth:`request` gives a decoder."""
        return sha256_of(self.tokens[: tokens_of(length_s, self.tokens_per_second)]) + sha256_of(self.speaker)


def tokens_of(length_s: float, tokens_per_second: float = TOKENS_PER_SECOND) -> int:
    """Tokens in so many seconds; one at least."""
    return max(1, round(length_s * tokens_per_second))


def _samples(tokens: int, tokens_per_second: float) -> int:
    return round(tokens / tokens_per_second * SAMPLE_RATE)


def long_speech(corpus: Corpus, front_end: FrontEnd, folder: RunFolder, length_s: float) -> LongSpeech:
    """Take utterances in the corpus's order, and again from its beginning, until there is enough.

    Tokens are those of the run, utterance by utterance, so that no recording of several minutes has to be tokenized.

    Args:
        corpus: of the run.
        front_end: tokenizer and speaker encoder.
        folder: of the run; tokens are kept there.
        length_s: of the longest request.

    Raises:
        LatencyError: none of the recordings can be used.
    """
    check_columns(corpus, front_end)
    pieces: list[Inputs] = []
    missing_s = length_s
    failures = FailureLog()
    for inputs in _usable(corpus, front_end, folder, failures):
        pieces.append(inputs)
        missing_s -= len(inputs.tokens) / inputs.tokens_per_second
        if missing_s <= 0:
            break
    if not pieces:
        first = failures.rows[0]
        raise LatencyError(
            f"{corpus.path}: no recording can be used ({first.utterance}: {first.error}); mend the corpus"
        )
    return LongSpeech(
        speaker=pieces[0].speaker,
        prompt=pieces[0].prompt,
        tokens=np.concatenate([piece.tokens for piece in pieces]),
        reference=np.concatenate([_fitted(piece) for piece in pieces]),
        tokens_per_second=pieces[0].tokens_per_second,
    )


def _usable(corpus: Corpus, front_end: FrontEnd, folder: RunFolder, failures: FailureLog) -> Iterator[Inputs]:
    """The usable utterances, without end unless there are none."""
    found: list[Inputs] = []
    for utterance in corpus.utterances:
        cache = Path(folder.inputs(utterance.utterance_id))
        inputs = prepare(utterance, front_end, cache, ["latency"], failures, code_sha256())
        if inputs is not None:
            found.append(inputs)
            yield inputs
    yield from cycle(found)


def _fitted(inputs: Inputs) -> np.ndarray:
    """The recording, cut or padded to the length of its tokens."""
    samples = _samples(len(inputs.tokens), inputs.tokens_per_second)
    reference = inputs.reference[:samples]
    return np.pad(reference, (0, samples - len(reference)))
