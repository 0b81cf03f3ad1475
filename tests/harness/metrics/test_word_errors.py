"""Words as they are counted, and rates of a corpus, against jiwer."""

from __future__ import annotations

import math

import jiwer
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from harness.metrics.word_errors import character_count, corpus_rate, normalise, word_count

VOCABULARY = ["the", "birch", "canoe", "slid", "on", "smooth", "planks"]
WORDS = st.lists(st.sampled_from(VOCABULARY), min_size=1, max_size=8).map(" ".join)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("It's easy to tell the depth of a well.", "it's easy to tell the depth of a well"),
        ("  Rice,  served —\tin 'round' bowls!\n", "rice served in round bowls"),
        ("It\u2019s a well-known café", "it's a well known café"),  # a typographic apostrophe, a hyphen
        ("cafe\u0301", "café"),  # composed
        ("3 dogs' £5 \ufb01sh", "3 dogs 5 fish"),  # a ligature
        ("Straße Ünter", "straße ünter"),
        ("...", ""),
        ("", ""),
        ("क्या हाल", "क्या हाल"),  # vowel signs are part of words
    ],
)
def test_case_and_punctuation_are_no_errors(text: str, expected: str):
    assert normalise(text) == expected


@given(st.text())
def test_what_is_normal_stays_as_it_is(text: str):
    once = normalise(text)
    assume(once == once.lower())  # a few letters grow new capitals when they are composed
    assert normalise(once) == once
    assert word_count(text) == len(once.split()) and character_count(text) == len(once)


@given(st.lists(st.tuples(WORDS, WORDS), min_size=1, max_size=6))
def test_the_rate_of_a_corpus_is_all_errors_over_all_words(pairs: list[tuple[str, str]]):
    texts, heard = [pair[0] for pair in pairs], [pair[1] for pair in pairs]
    words = [100 * jiwer.wer(*pair) for pair in pairs]
    letters = [100 * jiwer.cer(*pair) for pair in pairs]
    assert corpus_rate(words, [word_count(text) for text in texts]) == pytest.approx(100 * jiwer.wer(texts, heard))
    assert corpus_rate(letters, [character_count(text) for text in texts]) == pytest.approx(
        100 * jiwer.cer(texts, heard)
    )


def test_long_utterances_weigh_more_and_none_give_no_rate():
    assert corpus_rate([100.0, 0.0], [1, 9]) == 10
    assert math.isnan(corpus_rate([], []))
