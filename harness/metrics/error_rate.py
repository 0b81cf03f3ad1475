"""Word and character error rates: what a recogniser hears in the rendering, against the text."""

from __future__ import annotations

import functools
from typing import Literal

from harness.metrics.asr import transcript
from harness.metrics.asr_models import fingerprint, packages
from harness.metrics.base import Metric, Pair, Unscored
from harness.metrics.word_errors import NORMALISER, normalise

Kind = Literal["wer", "cer"]
UNITS: dict[Kind, str] = {"wer": "word", "cer": "character"}


def error_rate_metric(kind: Kind, model: str, language: str) -> Metric:
    """The metric by a recogniser.

    Args:
        kind: of words, or of characters.
        model: "pocketsphinx" (English, and too weak to be read as intelligibility), a folder or a hub id
            (``OWNER/NAME`` or ``OWNER/NAME@REVISION``) of a transformers model for automatic speech recognition; ""
            for none, which leaves everything unscored.
        language: that is spoken, such as "en", for a Whisper of many languages, which guesses otherwise.
    """
    return Metric(
        name=kind,
        unit="%",
        direction="lower",
        source=f"{UNITS[kind]} error rate by Levenshtein distance (jiwer)",
        function=functools.partial(error_rate, kind=kind, model=model, language=language),
        parameters=f"{NORMALISER},language-{language}" if language else NORMALISER,
        packages=("jiwer", *packages(model)),
        minimum_s=0.25,
        needs=frozenset({"text"}),
        fingerprint=functools.partial(fingerprint, model),
    )


def error_rate(pair: Pair, kind: Kind, model: str = "", language: str = "") -> float | Unscored:
    """Percent; beyond 100 where more is heard than was read.

    The rate of one utterance. That of a corpus is :func:`~harness.metrics.word_errors.corpus_rate` of these.
    """
    text = normalise(pair.text)
    if not text:
        return Unscored(f"the text {pair.text!r} holds no word")
    heard = transcript(pair, model, language, kind)
    if isinstance(heard, Unscored):
        return heard
    import jiwer

    rate = jiwer.wer if kind == "wer" else jiwer.cer
    return 100 * float(rate(text, normalise(heard)))
