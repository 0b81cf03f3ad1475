"""Utterance ids made from file names."""

from __future__ import annotations

import os
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.corpus import usable_as_file_name
from harness.rendered import file_key, utterance_id

text = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1, max_size=40)
as_linux_has_them = st.binary(min_size=1, max_size=40).filter(lambda name: b"\0" not in name).map(os.fsdecode)
names = text | as_linux_has_them


@given(names)
def test_an_id_names_a_file_and_turns_back_into_the_name(name: str) -> None:
    made = utterance_id(name)
    assert usable_as_file_name(made)
    if len(made.encode()) < 180:
        assert file_key(made) == unicodedata.normalize("NFC", name)


@given(st.lists(names, unique_by=lambda name: unicodedata.normalize("NFC", name), min_size=2, max_size=6))
def test_different_names_have_different_ids(several: list[str]) -> None:
    assert len({utterance_id(name) for name in several}) == len(several)


@pytest.mark.parametrize("name", ["LJ001-0001", "take 3 [final] (2)", "größe", "日本語", "a.b.c", "x~y", "#1 & more"])
def test_names_that_files_can_have_stay_themselves(name: str) -> None:
    assert utterance_id(name) == name


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("speaker1/001", "speaker1%2F001"),
        ("100%", "100%25"),
        ("50%2F", "50%252F"),
        ("what?", "what%3F"),
        (" a ", "%20a%20"),
        ("a\u00a0b", "a%C2%A0b"),
        (os.fsdecode(b"caf\xe9"), "caf%E9"),
    ],
)
def test_what_a_file_name_cannot_hold_is_percent_encoded(name: str, expected: str) -> None:
    assert utterance_id(name) == expected
    assert file_key(expected) == name


def test_accents_written_in_two_ways_are_one_name() -> None:
    assert utterance_id(unicodedata.normalize("NFD", "café")) == utterance_id(unicodedata.normalize("NFC", "café"))


@given(st.text("ab%é日/", min_size=201, max_size=400), st.text("ab%é日/", min_size=201, max_size=400))
def test_long_names_are_cut_and_stay_apart(one: str, other: str) -> None:
    made = utterance_id(one)
    assert len(made.encode()) <= 200 and usable_as_file_name(made) and file_key(made) is None
    assert (made == utterance_id(other)) == (one == other)


def test_a_short_name_that_ends_like_a_cut_one_is_told_apart_from_it() -> None:
    tail = utterance_id("a" * 300)[-17:]
    made = utterance_id(f"take{tail}")
    assert made == f"take%7E{tail[1:]}" and file_key(made) == f"take{tail}"
