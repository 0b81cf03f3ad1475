"""What listeners read: every text of the page in every language, and the labels of the standards' scales."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

from harness.corpus import did_you_mean

from ..errors import StudyError
from ..study import LANGUAGES

FOLDER = Path(__file__).parent / "texts"


def texts(language: str) -> dict[str, str]:
    """Every text in ``language`` by its dotted key, such as ``acr.5``.

    The labels are those of ITU-T P.800 (ACR, DCR, CCR) and ITU-R BS.1534-3 (the five bands). ``{name}`` in a text is for
    the page to fill in.

    Raises:
        StudyError: a language that the page does not speak.
    """
    if language not in LANGUAGES:
        raise StudyError(
            f"no texts in {language!r}{did_you_mean(language, LANGUAGES)}; the page speaks {', '.join(LANGUAGES)}"
        )
    return dict(_read(language))


@cache
def _read(language: str) -> dict[str, str]:
    table = tomllib.loads((FOLDER / f"{language}.toml").read_text(encoding="utf-8"))
    return dict(_flat(table))


def _flat(table: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, str]]:
    for key, value in table.items():
        if isinstance(value, Mapping):
            yield from _flat(value, f"{prefix}{key}.")
        else:
            yield prefix + key, value
