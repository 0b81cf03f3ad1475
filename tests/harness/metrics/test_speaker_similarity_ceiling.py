"""The ceiling: Resemblyzer's cosine of two recordings of one speaker, whatever the rendering."""

from __future__ import annotations

import warnings
from collections.abc import Callable

import numpy as np
import pytest

from harness.metrics import REGISTRY, Pair, Unscored

CEILING, SIMILARITY = REGISTRY["speaker_similarity_ceiling"], REGISTRY["speaker_similarity"]


def ceiling(rendering: np.ndarray, reference: np.ndarray, other: np.ndarray | None) -> float | Unscored:
    return CEILING.score_pair(Pair(rendering, reference, other_reference=other))


def test_it_is_resemblyzers(voices: dict[str, np.ndarray]):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from resemblyzer import VoiceEncoder, preprocess_wav
    first, second = voices["flite_slt_1"], voices["flite_slt_2"]
    quiet = [each * np.float32(1e-3) for each in (first, second)]  # so that Resemblyzer itself brings both to -30 dB
    encoder = VoiceEncoder("cpu", verbose=False)
    expected = np.dot(*(encoder.embed_utterance(preprocess_wav(each)) for each in quiet))
    assert ceiling(first, first, second) == pytest.approx(float(expected), abs=1e-4)


def test_the_rendering_does_not_matter_to_it(voices: dict[str, np.ndarray], noisy: Callable):
    first, second = voices["flite_rms_1"], voices["flite_rms_2"]
    values = {ceiling(rendering, first, second) for rendering in (first, noisy(first, 0), voices["flite_slt_4"])}
    assert len(values) == 1 and 0.75 < values.pop() < 1


def test_another_voice_lies_below_it(voices: dict[str, np.ndarray]):
    own = ceiling(voices["flite_rms_1"], voices["flite_rms_1"], voices["flite_rms_2"])
    foreign = ceiling(voices["flite_rms_1"], voices["flite_rms_1"], voices["flite_slt_2"])
    assert foreign < own - 0.1


def test_what_it_lacks_is_named(voices: dict[str, np.ndarray]):
    speech, other = voices["flite_rms_1"], voices["flite_rms_2"].copy()
    assert "needs another recording of the speaker" in ceiling(speech, speech, None).reason
    assert "is the reference itself" in ceiling(speech, speech, speech.copy()).reason
    other[77] = np.nan
    assert ceiling(speech, speech, other).reason == "the other recording holds nan at sample 77"
    assert "the other recording is silent" in ceiling(speech, speech, np.zeros_like(speech)).reason
    padded = np.zeros_like(speech)
    padded[8000:14000] = voices["flite_rms_2"][8000:14000]
    assert "the other recording holds under 0.8 s of speech" in ceiling(speech, speech, padded).reason


def test_speaker_similarity_compares_whole_recordings_of_any_length(voices: dict[str, np.ndarray]):
    first, second = voices["flite_slt_1"], voices["flite_slt_3"]
    assert abs(len(first) - len(second)) > 4000
    assert SIMILARITY.score(second, first) == ceiling(first, first, second)
