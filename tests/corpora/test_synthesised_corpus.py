from __future__ import annotations

import os
import random
import subprocess
import sys
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from corpora.synthesised.clauses import shuffled_clauses

SCRIPT = Path(__file__).parents[2] / "corpora" / "synthesised" / "make_corpus.py"


def error_of(texts: Path, out: Path, **environment: str) -> str:
    """What the script says when it fails, which must be one line."""
    command = [sys.executable, str(SCRIPT), "--texts", str(texts), "--out", str(out)]
    done = subprocess.run(command, capture_output=True, text=True, env={**os.environ, **environment})
    assert done.returncode == 1
    assert len(done.stderr.splitlines()) == 1, done.stderr
    return done.stderr


def test_missing_synthesiser_is_named_with_its_debian_package(shipped_corpus, tmp_path):
    message = error_of(shipped_corpus, tmp_path / "out", PATH=str(tmp_path))
    assert "flite is not installed" in message
    assert "apt-get install flite" in message
    assert not (tmp_path / "out").exists()


def test_missing_texts_are_named(tmp_path):
    assert "none.csv" in error_of(tmp_path / "none.csv", tmp_path / "out")


def test_upper_case_texts_are_cut_into_runs_in_sentence_case():
    text = "HE SAID I KNOW I'M LATE BUT " + "THE TRAIN WAS SLOW " * 20
    clauses = shuffled_clauses([text], random.Random(0))
    assert len(clauses) > 3
    assert any("I know I'm late" in clause for clause in clauses)
    assert not any(clause[1:].isupper() for clause in clauses)


def test_punctuated_texts_are_cut_at_sentences():
    text = "The first one has six words. Short. And the second one; but it goes on for longer!"
    clauses = shuffled_clauses([text], random.Random(0))
    # "Short" and "And the second one" have fewer than five words
    assert sorted(clauses) == ["But it goes on for longer.", "The first one has six words."]


WORDS = st.lists(
    st.sampled_from(["it", "I", "I'm", "well,", "so.", "why?", "and;", "4", "café", "Monday", "-"]), max_size=70
)


@settings(deadline=None, max_examples=50)  # a busy machine is slow now and then
@given(texts=st.lists(st.tuples(WORDS, st.booleans()), max_size=4), seed=st.integers())
def test_clauses_are_short_readable_and_the_same_for_the_same_seed(texts, seed):
    texts = [" ".join(words).upper() if upper else " ".join(words) for words, upper in texts]
    clauses = shuffled_clauses(texts, random.Random(seed))
    assert clauses == shuffled_clauses(texts, random.Random(seed))
    for clause in clauses:
        assert 5 <= len(clause.split()) <= 22
        assert clause.endswith(".")
        assert "4" not in clause
        assert "é" not in clause
