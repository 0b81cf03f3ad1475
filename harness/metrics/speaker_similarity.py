"""Speaker similarity: cosine of the speaker embeddings of rendering and reference.

The encoder is Resemblyzer's, whose weights come with its package: it had no part in training or conditioning the
decoder, so that a decoder cannot score by pleasing the encoder that it was trained with.
"""

from __future__ import annotations

import functools
import hashlib
import importlib.util
import warnings
from pathlib import Path
from typing import Any

import numpy as np

from harness.metrics.base import FROM_COMMON_START, SAMPLE_RATE, Metric, Pair, Unscored
from harness.metrics.content_cache import ContentCache

LEVEL_DB = -30.0  # RMS, full scale: Resemblyzer's target, here set for both, louder ones too, since its mel is linear
SPEECH_S = 0.8  # left after pauses are cut: half of the 1.6 s window that the encoder was trained on
EMBEDDING = f"{LEVEL_DB:g}dBFS,webrtcvad-3"
PACKAGES = ("resemblyzer",)
KEPT = 1024  # embeddings; 1 kB each

_embeddings: ContentCache[np.ndarray | None] = ContentCache(KEPT)


def speaker_similarity(pair: Pair) -> float | Unscored:
    """Cosine, at most 1; about 0.7 for two voices of one synthesiser and 0.9 for one voice in two utterances.

    A voice has no timing, so lengths may differ.
    """
    embeddings = []
    for name, samples in zip(("rendering", "reference"), pair.from_common_start, strict=True):
        embedding = embed(samples)
        if embedding is None:
            return Unscored(f"the {name} holds under {SPEECH_S} s of speech once pauses are cut")
        embeddings.append(embedding)
    return float(embeddings[0] @ embeddings[1])


def embed(samples: np.ndarray) -> np.ndarray | None:
    """The speaker embedding of float ``[n]`` at 16 kHz: float32 ``[256]`` of length 1; None for too little speech."""
    samples = np.ascontiguousarray(samples, np.float32)
    return _embeddings.get((samples,), lambda: _embed(samples))


def _embed(samples: np.ndarray) -> np.ndarray | None:
    audio, encoder = _backend()
    samples = samples * np.float32(10 ** (LEVEL_DB / 20) / np.sqrt(np.mean(samples**2, dtype=np.float64)))
    # the voice activity detector reads 16-bit integers, round which a peak above full scale would wrap
    speech = audio.trim_long_silences(np.clip(samples, -1, 1))
    if len(speech) < SPEECH_S * SAMPLE_RATE:
        return None
    embedding = encoder.embed_utterance(speech)
    embedding.flags.writeable = False
    return embedding


@functools.cache
def _backend() -> tuple[Any, Any]:
    """Resemblyzer's audio module and its encoder, loaded once a process and without a word."""
    with warnings.catch_warnings():  # webrtcvad imports pkg_resources, resemblyzer a renamed part of scipy
        warnings.simplefilter("ignore")
        from resemblyzer import VoiceEncoder, audio

        return audio, VoiceEncoder("cpu", verbose=False).eval()


@functools.cache
def weights_fingerprint() -> str:
    """The first 12 digits of the weights' SHA-256, found without importing the package."""
    spec = importlib.util.find_spec("resemblyzer")
    weights = Path(spec.origin).with_name("pretrained.pt") if spec is not None and spec.origin else None
    if weights is None or not weights.is_file():
        return "weights-missing"
    return f"weights-{hashlib.sha256(weights.read_bytes()).hexdigest()[:12]}"


METRIC = Metric(
    name="speaker_similarity",
    unit="cosine",
    direction="higher",
    source="Wan et al., Generalized End-to-End Loss for Speaker Verification, ICASSP 2018",
    function=speaker_similarity,
    parameters=f"{EMBEDDING},{FROM_COMMON_START}",
    packages=PACKAGES,
    minimum_s=1.5,
    any_length=True,
    fingerprint=weights_fingerprint,
    standard=True,
)
