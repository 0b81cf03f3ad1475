"""The page's texts: complete in every language, with the standards' labels."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from listening_tests.errors import StudyError
from listening_tests.page.texts import texts
from listening_tests.protocols import REGISTRY, get_protocol
from listening_tests.study import LANGUAGES, QUESTIONS

STATIC = Path(__file__).parents[3] / "listening_tests" / "page" / "static"
# t("key"), t(`key.${...}`) and keys kept in lists: everything quoted that starts with a known first part
QUOTED = re.compile(r"""["'`]([a-z][a-z-]*(?:\.[A-Za-z0-9_-]+)+)["'`]""")
# a file is no text
FILES = (".js", ".css", ".json")


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_language_has_every_text_and_fills_in_the_same(language: str) -> None:
    english, other = texts("en"), texts(language)
    assert set(other) == set(english)
    for key, text in english.items():
        assert other[key].strip(), key
        assert set(re.findall(r"\{\w+\}", other[key])) == set(re.findall(r"\{\w+\}", text)), key


@pytest.mark.parametrize("name", REGISTRY)
def test_every_protocol_finds_its_question_and_its_labels(name: str) -> None:
    assert get_protocol(name).text_keys() <= set(texts("en"))


def test_every_key_that_the_scripts_name_exists() -> None:
    keys = {key for path in STATIC.rglob("*.js") for key in QUOTED.findall(path.read_text(encoding="utf-8"))}
    firsts = {key.split(".")[0] for key in texts("en")}
    named = {key for key in keys if key.split(".")[0] in firsts and not key.endswith(FILES)}
    assert len(named) > 60
    assert named <= set(texts("en")), named - set(texts("en"))


def test_every_question_about_the_listener_has_a_label() -> None:
    assert {f"questions.{name}.label" for name in QUESTIONS} <= set(texts("en"))


def test_the_labels_are_those_of_the_recommendations() -> None:
    """ITU-T P.800: Annex B (ACR), Annex D (DCR), Annex E (CCR), in its English wording."""
    english = texts("en")
    assert [english[f"acr.{value}"] for value in (5, 4, 3, 2, 1)] == ["Excellent", "Good", "Fair", "Poor", "Bad"]
    assert [english[f"mushra.band.{value}"] for value in (5, 4, 3, 2, 1)] == [
        "Excellent",
        "Good",
        "Fair",
        "Poor",
        "Bad",
    ]
    assert [english[f"dcr.{value}"].removeprefix("Degradation is ") for value in (5, 4, 3, 2, 1)] == [
        "inaudible", "audible but not annoying", "slightly annoying", "annoying", "very annoying",
    ]  # fmt: skip
    assert [english[f"ccr.{value}"] for value in range(3, -4, -1)] == [
        "Much better", "Better", "Slightly better", "About the same", "Slightly worse", "Worse", "Much worse",
    ]  # fmt: skip


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_answers_of_a_scale_can_be_told_apart(language: str) -> None:
    table = texts(language)
    for scale in ("acr.", "similarity.", "dcr.", "ccr.", "ab.", "abx.", "same-different.", "mushra.band."):
        labels = [text for key, text in table.items() if key.startswith(scale)]
        assert len(labels) > 1 and len(set(labels)) == len(labels), scale


def test_an_unknown_language_is_refused_with_those_there_are() -> None:
    with pytest.raises(StudyError, match="en, zh, es, de"):
        texts("fr")


def test_nobody_can_change_the_texts_for_all() -> None:
    texts("en")["acr.5"] = "changed"
    assert texts("en")["acr.5"] == "Excellent"
