"""LJSpeech 1.1: metadata.csv (id|text|normalised text) and wavs/ID.wav, one speaker, no splits."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from ..corpus import CorpusError
from .item import Item, Left, lines, recordings


def read_ljspeech(folder: Path) -> Iterator[Item | Left]:
    """Recordings of ``folder``, which holds ``metadata.csv`` and ``wavs``.

    Raises:
        CorpusError: no metadata.csv.
    """
    table = folder / "metadata.csv"
    try:
        rows = lines(table)
    except (OSError, UnicodeDecodeError) as error:
        raise CorpusError(f"{table}: not readable ({error}); give the unpacked corpus") from None
    wavs = folder / "wavs"
    found = {path.stem: path for path in recordings(wavs)} if wavs.is_dir() else {}
    known = set()
    for line in rows:  # not CSV: quotes in it stand for themselves
        if not line.strip():
            continue
        name, *texts = (part.strip() for part in line.split("|"))
        path = found.get(name, wavs / f"{name}.wav")
        known.add(name)
        text = next((t for t in reversed(texts) if t), None)
        if text is None:
            yield Left(path, "no transcript")
            continue
        yield Item(name, "ljspeech-LJ", path, text, "ljspeech")
    for name in sorted(found.keys() - known):
        yield Left(found[name], "no transcript")
