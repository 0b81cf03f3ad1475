"""VCTK 0.92 (wav48_silence_trimmed/p225/p225_001_mic1.flac) and 0.8 (wav48/p225/p225_001.wav), texts in txt/p225/.

The corpus has no splits. Of the two microphones of 0.92 the first is taken, as in published recipes; p315 has no texts.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from ..corpus import CorpusError
from .item import Item, Left, recordings, transcript

AUDIO = (("wav48_silence_trimmed", "_mic1"), ("wav48", ""), ("wav16", ""))  # folder, end of a recording's name


def read_vctk(folder: Path) -> Iterator[Item | Left]:
    """Recordings of ``folder``, which holds ``txt`` and a folder of audio.

    Raises:
        CorpusError: no folder of audio in ``folder``.
    """
    found = next(((folder / name, ending) for name, ending in AUDIO if (folder / name).is_dir()), None)
    if found is None:
        raise CorpusError(f"{folder}: has no {' or '.join(name for name, _ in AUDIO)}; give the unpacked corpus")
    audio, ending = found
    for speaker in sorted(path for path in audio.iterdir() if path.is_dir()):
        for path in recordings(speaker, ending):
            name = path.stem.removesuffix(ending)
            text = transcript(folder / "txt" / speaker.name / f"{name}.txt")
            if text is None:
                yield Left(path, "no transcript")
                continue
            yield Item(name, f"vctk-{speaker.name}", path, text, "vctk")
