"""Training speech, in memory or on disk, and crops drawn from (seed, step), so that a resumed training is the same one."""

from __future__ import annotations

import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache
from pathlib import Path

import numpy as np
import pandas as pd
import soundfile

from ..audio import SAMPLE_RATE, load_audio
from ..errors import AudioError, StreamflowError
from .progress import track

RECENT = 64  # recordings that a process which reads from disk keeps


class Speech:
    """The recordings of one or more manifests, levelled, as int16 to keep hours of speech small.

    Args:
        manifests: CSV files with the columns utterance_id, speaker_id and path (relative to the manifest).
        split: keep rows of this split where the manifest has the column.
        from_disk: read each recording whenever it is drawn, for corpora that do not fit into memory; only the headers
            are read now. The samples are the same.
    """

    def __init__(self, manifests: Sequence[str | Path], split: str | None = "train", *, from_disk: bool = False):
        rows = [row for manifest in map(Path, manifests) for row in manifest_rows(manifest, split)]
        if not rows:
            raise StreamflowError(f"no rows of split {split} in {', '.join(map(str, manifests))}; name another split")
        self.utterances = [r[0] for r in rows]
        self.speakers = [r[1] for r in rows]
        self.paths = [r[2] for r in rows]
        self.audio: list[np.ndarray] | None = None
        if from_disk:
            self.lengths = np.array([_length(p) for p in track(self.paths, "reading headers")])
            self._recent = lru_cache(RECENT)(self._read)
        else:
            with ThreadPoolExecutor(min(8, os.cpu_count() or 1)) as pool:
                self.audio = list(track(pool.map(self._read, range(len(rows))), "reading speech", total=len(rows)))
            self.lengths = np.array([len(a) for a in self.audio])

    def __len__(self) -> int:
        return len(self.paths)

    @property
    def seconds(self) -> float:
        """Length of all recordings together."""
        return float(self.lengths.sum()) / SAMPLE_RATE

    def samples(self, index: int) -> np.ndarray:
        """float32 ``[n]`` of one recording, n its entry in ``lengths``."""
        audio = self.audio[index] if self.audio is not None else self._recent(index)
        return audio.astype(np.float32) / 32767

    def _read(self, index: int) -> np.ndarray:
        audio = (load_audio(self.paths[index]) * 32767).astype(np.int16)
        if self.audio is None and hasattr(self, "lengths"):  # a rate converter may end a sample earlier or later
            audio = np.pad(audio, (0, max(0, self.lengths[index] - len(audio))))[: self.lengths[index]]
        return audio


def manifest_rows(manifest: Path, split: str | None) -> list[tuple[str, str, Path]]:
    """(utterance, speaker, recording) of a manifest's rows of a split."""
    if not manifest.is_file():
        raise StreamflowError(f"{manifest}: no such manifest; name a CSV with utterance_id, speaker_id and path")
    try:
        table = pd.read_csv(manifest, dtype=str, keep_default_na=False)
    except (OSError, ValueError) as error:  # not UTF-8, empty, a quotation mark that is not closed
        reason = " ".join(str(error).split())[:120]
        raise StreamflowError(f"{manifest}: not readable as CSV ({reason}); save it as UTF-8 with a header") from None
    if missing := {"utterance_id", "speaker_id", "path"} - set(table.columns):
        raise StreamflowError(f"{manifest}: column {', '.join(sorted(missing))} is missing; add it")
    if split and "split" in table:
        table = table[table["split"] == split]
    return [(str(r.utterance_id), str(r.speaker_id), manifest.parent / r.path) for r in table.itertuples()]


def _length(path: Path) -> int:
    """Samples at 16 kHz, from the header."""
    try:
        header = soundfile.info(path)
    except (soundfile.LibsndfileError, OSError) as error:
        raise AudioError(f"{path}: not readable as audio ({error}); take it out of the manifest") from None
    return round(header.frames * SAMPLE_RATE / header.samplerate)


def generator(seed: int, step: int) -> np.random.Generator:
    """The only source of randomness in choosing batches: nothing has to be saved to resume."""
    return np.random.default_rng([seed, step])


def draw_crops(lengths: np.ndarray, crop: int, count: int, rng: np.random.Generator) -> list[tuple[int, int]]:
    """Choose ``count`` windows of ``crop`` units, uniformly over all that is long enough: (index, start)."""
    room = np.maximum(lengths - crop + 1, 0).astype(np.float64)
    if not room.sum():
        raise StreamflowError(f"no recording is as long as a crop of {crop}; ask for shorter crops")
    chosen = rng.choice(len(lengths), size=count, p=room / room.sum())
    return [(int(i), int(rng.integers(room[i]))) for i in chosen]
