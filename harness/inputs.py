"""What every system gets of an utterance: its tokens, its speaker, and the recordings, made once a run."""

from __future__ import annotations

import io
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Protocol

import numpy as np

from streamflow.audio import SAMPLE_RATE, load_audio
from streamflow.errors import StreamflowError
from streamflow.session import StreamRequest

from .corpus import Utterance
from .failures import FailureLog
from .manifest_tokens import check_length, load_tokens, needed
from .storage import key_of, sha256_of, sha256_of_file, write_bytes

TOKENS_PER_SECOND = 25  # of the tokenizers here; weights that others published may have a rate of their own


class InputError(StreamflowError):
    """A front end that returned something that is not tokens or not an embedding."""


class FrontEnd(Protocol):
    """What turns a recording into tokens and a speaker embedding; a checkpoint bundle is one.

    One that lacks a part has ``needs``, ``voices``, ``voice``, ``codebook`` and ``tokens_per_second`` too, see
    :class:`streamflow.checkpoints.Bundle` and :mod:`harness.manifest_tokens`.
    """

    hashes: Mapping[str, str]
    """What of the weights decides the result, by name."""

    def tokenize(self, audio: np.ndarray) -> np.ndarray:
        """float32 ``[n]`` at 16 kHz to int64 ``[T, K]`` at 25 Hz."""

    def embed_speaker(self, audio: np.ndarray) -> np.ndarray:
        """float32 ``[n]`` at 16 kHz to float32 ``[D]``."""


@dataclass(frozen=True)
class Inputs:
    """The inputs of one utterance; the recordings are only read when they are asked for.

    Attributes:
        utterance: where it comes from.
        tokens: int64 ``[T, K]``.
        speaker: float32 ``[D]``.
        audio_sha256: of the recording's file.
        prompt_sha256: of the prompt's file, which is the recording's where there is none.
        tokens_per_second: of speech.
    """

    utterance: Utterance
    tokens: np.ndarray
    speaker: np.ndarray
    audio_sha256: str
    prompt_sha256: str
    tokens_per_second: float = TOKENS_PER_SECOND

    @cached_property
    def reference(self) -> np.ndarray:
        """float32 ``[n]`` at 16 kHz: the recording as loaded, loudness normalised."""
        return load_audio(self.utterance.path)

    @cached_property
    def prompt(self) -> np.ndarray:
        """float32 ``[n]`` at 16 kHz: what the speaker embedding was computed from."""
        return load_audio(self.utterance.prompt_path) if self.utterance.prompt_path else self.reference

    @cached_property
    def identity(self) -> dict[str, str]:
        """All of the inputs that a rendering can depend on, as hashes."""
        return {
            "tokens": sha256_of(self.tokens),
            "speaker": sha256_of(self.speaker),
            "audio": self.audio_sha256,
            "prompt": self.prompt_sha256,
        }

    def request(self, seed: int) -> StreamRequest:
        """A request of its own for every session: what one system writes into, no other reads."""
        return StreamRequest(
            utterance_id=self.utterance.utterance_id,
            speaker=self.speaker.copy(),
            seed=seed,
            prompt=self.prompt.copy(),
            reference=self.reference.copy(),
            tokens=self.tokens.copy(),
            tokens_per_second=self.tokens_per_second,
        )


def prepare(
    utterance: Utterance, front_end: FrontEnd, cache: Path, systems: list[str], failures: FailureLog, code: str
) -> Inputs | None:
    """Load, tokenize and embed an utterance, or take tokens and speaker from the run's own copy.

    The copy is not there for speed alone: every system, and every later start, gets the same tokens even where the
    tokenizer's rounding differs between machines.

    Args:
        utterance: what to prepare.
        front_end: tokenizer and speaker encoder.
        cache: the copy, an ``.npz`` file.
        systems: who misses the utterance if this fails.
        failures: where a failure goes.
        code: identity of the code that tokenizes.

    Returns:
        None after a failure.
    """
    name = utterance.utterance_id
    audio_sha256 = sha256_of_file(utterance.path) or ""
    prompt_sha256 = (sha256_of_file(utterance.prompt_path) or "") if utterance.prompt_path else audio_sha256
    rate, given = rate_of(front_end), given_identity(utterance, front_end)
    key = key_of([audio_sha256, prompt_sha256, dict(front_end.hashes), code, *([given] if given else [])])
    if audio_sha256 and prompt_sha256 and (kept := _read(cache, key)):
        return Inputs(utterance, *kept, audio_sha256, prompt_sha256, rate)

    with failures.catch(systems, name, "load") as attempt:
        reference = load_audio(utterance.path)
        prompt = load_audio(utterance.prompt_path) if utterance.prompt_path else reference
    if attempt.failed:
        return None
    with failures.catch(systems, name, "tokenize") as attempt:
        tokens = tokens_of(utterance, front_end, reference)
    if attempt.failed:
        return None
    with failures.catch(systems, name, "embed") as attempt:
        speaker = speaker_of(utterance, front_end, prompt)
    if attempt.failed:
        return None
    _write(cache, key, tokens, speaker)
    inputs = Inputs(utterance, tokens, speaker, audio_sha256, prompt_sha256, rate)
    inputs.__dict__.update(reference=reference, prompt=prompt)  # loaded already: fill the cached properties
    return inputs


def rate_of(front_end: FrontEnd) -> float:
    """Tokens a second of a front end; 25 where it does not say."""
    return float(getattr(front_end, "tokens_per_second", TOKENS_PER_SECOND))


def tokens_of(utterance: Utterance, front_end: FrontEnd, reference: np.ndarray) -> np.ndarray:
    """int64 ``[T, K]`` of a recording float32 ``[n]`` at 16 kHz: the front end's own, or the manifest's.

    Raises:
        StreamflowError: there are none, or not of this recording.
    """
    if "tokens" not in needed(front_end):
        return _checked_tokens(front_end.tokenize(reference))
    if utterance.tokens_path is None:
        raise InputError(f"{front_end.name} has no tokenizer; add a column 'tokens' to the manifest")
    tokens = load_tokens(utterance.tokens_path, front_end.config("decoder").codes, front_end.codebook)
    seconds = len(reference) / SAMPLE_RATE
    check_length(utterance.tokens_path, len(tokens), front_end.tokens_per_second, seconds)
    return tokens


def speaker_of(utterance: Utterance, front_end: FrontEnd, prompt: np.ndarray) -> np.ndarray:
    """float32 ``[D]`` of a recording float32 ``[n]`` at 16 kHz, or the voice that the manifest names.

    Raises:
        StreamflowError: there is no such voice.
    """
    own = "voice" not in needed(front_end)
    return _checked_speaker(front_end.embed_speaker(prompt) if own else front_end.voice(utterance.voice))


def given_identity(utterance: Utterance, front_end: FrontEnd) -> dict[str, str]:
    """What of the manifest stands in for parts of the front end, as hashes and names."""
    given = {"tokens": sha256_of_file(utterance.tokens_path) if utterance.tokens_path else None}
    given |= {"voice": utterance.voice}
    return {column: given[column] or "" for column in needed(front_end)}


def _checked_tokens(tokens: np.ndarray) -> np.ndarray:
    tokens = np.asarray(tokens)
    if tokens.ndim != 2 or not len(tokens) or not np.issubdtype(tokens.dtype, np.integer):
        raise InputError(f"the tokenizer returned {tokens.dtype} {tokens.shape}; it must be int64 [T, K] with T > 0")
    return tokens.astype(np.int64, copy=False)


def _checked_speaker(speaker: np.ndarray) -> np.ndarray:
    speaker = np.asarray(speaker, dtype=np.float32)
    if speaker.ndim != 1 or not np.isfinite(speaker).all():
        raise InputError(f"the speaker encoder returned {speaker.shape}; it must be finite float32 [D]")
    return speaker


def _write(cache: Path, key: str, tokens: np.ndarray, speaker: np.ndarray) -> None:
    buffer = io.BytesIO()
    np.savez(buffer, key=np.array(key), tokens=tokens, speaker=speaker)
    write_bytes(cache, buffer.getvalue())


def _read(cache: Path, key: str) -> tuple[np.ndarray, np.ndarray] | None:
    if not cache.exists():
        return None
    try:
        with np.load(cache, allow_pickle=False) as kept:
            return (kept["tokens"], kept["speaker"]) if str(kept["key"]) == key else None
    except Exception:  # whatever zipfile and numpy make of a damaged file: it is made again
        return None
