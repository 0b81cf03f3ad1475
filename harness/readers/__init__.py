"""Readers of the layouts that speech corpora are published in: each lists recordings; :mod:`.imports` makes the manifest."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

from ..corpus import CorpusError, did_you_mean
from .emilia import read_emilia
from .item import Item, Left
from .librispeech import read_librispeech
from .libritts import read_libritts
from .ljspeech import read_ljspeech
from .vctk import read_vctk

Reader = Callable[[Path], Iterator[Item | Left]]

READERS: dict[str, Reader] = {
    "emilia": read_emilia,
    "librispeech": read_librispeech,
    "libritts": read_libritts,
    "ljspeech": read_ljspeech,
    "vctk": read_vctk,
}


def reader_of(layout: str) -> Reader:
    """The reader of a layout.

    Raises:
        CorpusError: there is none of that name.
    """
    if layout not in READERS:
        known = sorted(READERS)
        raise CorpusError(f"unknown layout {layout!r}{did_you_mean(layout, known)}; choose one of {', '.join(known)}")
    return READERS[layout]
