"""Texts cut into clauses that are short enough to be one utterance."""

from __future__ import annotations

import random
import re
from collections.abc import Iterable, Iterator

READABLE = re.compile(r"[A-Za-z' ,;:\-\.!?]+")  # a digit or symbol would be read differently by each synthesiser


def shuffled_clauses(texts: Iterable[str], random_state: random.Random) -> list[str]:
    """Clauses of 5 to 22 words of all `texts`, each with a capital at its start and a full stop, in random order."""
    clauses = []
    for text in texts:
        text = " ".join(text.split())
        clauses += runs_of_words(text, random_state) if text.isupper() else sentences(text)
    clauses = [clause[0].upper() + clause[1:] + "." for clause in clauses]
    clauses = [clause for clause in clauses if READABLE.fullmatch(clause)]
    random_state.shuffle(clauses)
    return clauses


def runs_of_words(text: str, random_state: random.Random) -> Iterator[str]:
    """Runs of 6 to 22 words of an upper-case text without punctuation (LibriSpeech's), in lower case but for "I"."""
    text = re.sub(r"\bi\b(?!')", "I", text.lower())
    words = re.sub(r"\bi'", "I'", text).split()
    start = 0
    while start < len(words):
        count = random_state.randint(7, 19)
        if len(words) - start - count < 5:  # a rest this short joins the run
            count = min(len(words) - start, 22)
        run = words[start : start + count]
        start += count
        if len(run) >= 6:
            yield " ".join(run)


def sentences(text: str) -> Iterator[str]:
    """Sentences and semicolon-separated clauses of 5 to 22 words of a punctuated text, without their last mark."""
    for part in re.split(r"(?<=[.;!?])\s+", text):
        if 5 <= len(part.split()) <= 22:
            yield part.rstrip(".,;:!? ")
