"""Words and characters as both error rates count them, and rates of a whole corpus."""

from __future__ import annotations

import math
import unicodedata
from collections.abc import Sequence

NORMALISER = "nfkc-lower-no-punctuation-1"  # to be counted up with every change of what normalise gives


def normalise(text: str) -> str:
    """Lower case without punctuation or symbols, words apart by one space.

    An apostrophe within a word stays, since "its" and "it's" are two words; a hyphen parts words. Digits stay digits: a
    recogniser that writes "2" for "two" makes an error, so write texts out as they are read.
    """
    text = unicodedata.normalize("NFKC", text).lower().replace("\u2019", "'")
    kept = [
        character if unicodedata.category(character)[0] in "LMN" or _within_a_word(text, place) else " "
        for place, character in enumerate(text)
    ]
    return " ".join("".join(kept).split())


def _within_a_word(text: str, place: int) -> bool:
    """Whether an apostrophe stands between two letters."""
    before, after = text[max(0, place - 1) : place], text[place + 1 : place + 2]
    return text[place] == "'" and before.isalpha() and after.isalpha()


def word_count(text: str) -> int:
    """Words of a text once it is normalised: what a word error rate divides by."""
    return len(normalise(text).split())


def character_count(text: str) -> int:
    """Characters of a text once it is normalised, spaces between words among them."""
    return len(normalise(text))


def corpus_rate(rates: Sequence[float], counts: Sequence[int]) -> float:
    """The rate of a corpus, errors of all utterances over words of all: not the mean of the utterances' rates.

    Args:
        rates: of utterances, in percent, ``[n]``.
        counts: of their texts' words (or characters), as :func:`word_count`, ``[n]``.

    Returns:
        Percent; NaN for no utterance.
    """
    total = math.fsum(counts)
    return math.fsum(rate * count for rate, count in zip(rates, counts, strict=True)) / total if total else math.nan
