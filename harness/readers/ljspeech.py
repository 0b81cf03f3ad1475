"""LJSpeech 1.1: metadata.csv (id|text|normalised text) and wavs/ID.wav, one speaker, no splits."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from ..corpus import CorpusError
from .item import Item, Left


def read_ljspeech(folder: Path) -> Iterator[Item | Left]:
    """Recordings of ``folder``, which holds ``metadata.csv`` and ``wavs``.

    Raises:
        CorpusError: no metadata.csv.
    """
    table = folder / "metadata.csv"
    try:
        lines = table.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise CorpusError(f"{table}: not readable ({error}); give the unpacked corpus") from None
    known = set()
    for line in lines:  # not CSV: quotes in it stand for themselves
        if not line.strip():
            continue
        name, *texts = (part.strip() for part in line.split("|"))
        path = folder / "wavs" / f"{name}.wav"
        known.add(path)
        text = next((t for t in reversed(texts) if t), None)
        if text is None:
            yield Left(path, "no transcript")
            continue
        yield Item(name, "ljspeech-LJ", path, text, "ljspeech")
    for path in sorted(set((folder / "wavs").glob("*.wav")) - known):
        yield Left(path, "no transcript")
