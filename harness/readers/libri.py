"""What LibriSpeech and LibriTTS have in common: folders of splits, speakers and chapters."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from ..corpus import CorpusError

SPLIT = re.compile(r"(train|dev|test)-(clean|other)(-\d+)?", re.IGNORECASE)


def chapters(folder: Path) -> Iterator[tuple[str, Path]]:
    """(split, folder of a chapter), in order. ``train-clean-100`` and the others for training are ``train``.

    Raises:
        CorpusError: no folder of a split in ``folder`` or one folder below.
    """
    splits = [p for p in (folder, *sorted(folder.glob("*")), *sorted(folder.glob("*/*"))) if SPLIT.fullmatch(p.name)]
    if not splits:
        raise CorpusError(f"{folder}: no folder such as train-clean-100 or dev-clean in it; give the unpacked corpus")
    for split in splits:
        if split.is_dir():
            name = split.name.lower()
            name = "train" if name.startswith("train") else name
            for chapter in sorted(p for p in split.glob("*/*") if p.is_dir()):
                yield name, chapter
