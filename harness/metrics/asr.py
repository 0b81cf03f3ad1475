"""Speech recognition by a model that the user names: what both error rates read renderings with."""

from __future__ import annotations

import contextlib
import functools
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np

from harness.metrics.asr_models import POCKETSPHINX, ModelUnavailable, locate
from harness.metrics.base import SAMPLE_RATE, Pair, Unscored
from harness.metrics.content_cache import ContentCache
from streamflow.errors import StreamflowError
from streamflow.speechbrain_import import import_torchaudio

KEPT = 64  # transcripts: word and character error rate of one rendering read the same
CHUNK_S = 30.0  # what is longer is recognised in overlapping pieces of this length

_transcripts: ContentCache[str] = ContentCache(KEPT)


def transcript(pair: Pair, model: str, language: str, name: str) -> str | Unscored:
    """What the model hears in the rendering as it is.

    Args:
        pair: its ``whole_degraded`` is read.
        model: ``pocketsphinx``, a folder, or an id on the hub.
        language: that is spoken, for a model that would guess it, or "".
        name: of the metric that asks, for its answer where there is no model.
    """
    if not model:
        return Unscored(f"{name} needs a recogniser; name a model: --metric-option {name}.model=PATH", lasting=False)
    samples = pair.whole_degraded
    try:
        return _transcripts.get((samples,), lambda: recogniser(model, language)(samples), salt=f"{model}\0{language}")
    except ModelUnavailable as error:
        return Unscored(str(error), lasting=False)


def recogniser(model: str, language: str = "") -> Callable[[np.ndarray], str]:
    """What takes float32 ``[n]`` at 16 kHz to text; loaded once a process.

    Raises:
        ModelUnavailable: nowhere to be had, not a model for speech recognition, or one that takes no language.
    """
    found = _recogniser(model, language)
    if isinstance(found, ModelUnavailable):
        raise found
    return found


@functools.cache  # failures too: what does not load need not be tried for every rendering
def _recogniser(model: str, language: str) -> Callable[[np.ndarray], str] | ModelUnavailable:
    if model == POCKETSPHINX:
        return ModelUnavailable("pocketsphinx takes no language; it is English") if language else _pocketsphinx()
    try:
        return _transformers(model, language)
    except ModelUnavailable as error:
        return error


def _pocketsphinx() -> Callable[[np.ndarray], str]:
    from pocketsphinx import Decoder

    decoder = Decoder(samprate=SAMPLE_RATE, loglevel="FATAL", cmn="batch")

    def transcribe(samples: np.ndarray) -> str:
        integers = (np.clip(samples, -1, 1) * 32767).astype("<i2")
        decoder.reinit_feat()  # else one clip adapts to those before it, batch normalisation or not
        decoder.start_utt()
        decoder.process_raw(integers.tobytes(), no_search=False, full_utt=True)
        decoder.end_utt()
        hypothesis = decoder.hyp()
        return hypothesis.hypstr if hypothesis is not None else ""

    return transcribe


def _transformers(model: str, language: str) -> Callable[[np.ndarray], str]:
    pipeline = _pipeline(model)
    whisper = getattr(pipeline.model.config, "model_type", "") == "whisper"
    if language and not whisper:
        raise ModelUnavailable(f"model {model!r} takes no language; leave it out")
    always: dict[str, Any] = {"generate_kwargs": {"language": language, "task": "transcribe"}} if language else {}
    beyond = {"return_timestamps": True} if whisper else {"chunk_length_s": CHUNK_S}  # Whisper has a way of its own

    def transcribe(samples: np.ndarray) -> str:
        options = always | (beyond if len(samples) > CHUNK_S * SAMPLE_RATE else {})
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return str(pipeline({"raw": samples.copy(), "sampling_rate": SAMPLE_RATE}, **options)["text"])

    return transcribe


def _pipeline(model: str) -> Any:
    folder = locate(model)
    with contextlib.suppress(StreamflowError):  # transformers goes without it, but not with one that does not load
        import_torchaudio()
    import transformers

    transformers.logging.set_verbosity_error()
    transformers.logging.disable_progress_bar()
    try:
        return transformers.pipeline("automatic-speech-recognition", model=str(folder), device="cpu")
    except Exception as error:  # whatever a foreign folder brings about
        why = (str(error).strip().splitlines() or [type(error).__name__])[0][:200]
        raise ModelUnavailable(f"model {model!r} does not load as a speech recogniser: {why}") from None
