"""Training speech in memory, and batches that are a function of (seed, step) so that a resumed training is the same one."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from ..audio import SAMPLE_RATE, load_audio
from ..errors import StreamflowError
from .progress import track


class Speech:
    """The recordings of one or more manifests, levelled, as int16 to keep hours of speech small.

    Args:
        manifests: CSV files with the columns utterance_id, speaker_id and path (relative to the manifest).
        split: keep rows of this split where the manifest has the column.
    """

    def __init__(self, manifests: Sequence[str | Path], split: str | None = "train"):
        rows = []
        for manifest in map(Path, manifests):
            if not manifest.is_file():
                raise StreamflowError(
                    f"{manifest}: no such manifest; name a CSV with utterance_id, speaker_id and path"
                )
            table = pd.read_csv(manifest, dtype=str, keep_default_na=False)
            if missing := {"utterance_id", "speaker_id", "path"} - set(table.columns):
                raise StreamflowError(f"{manifest}: column {', '.join(sorted(missing))} is missing; add it")
            if split and "split" in table:
                table = table[table["split"] == split]
            rows += [(str(r.utterance_id), str(r.speaker_id), manifest.parent / r.path) for r in table.itertuples()]
        if not rows:
            raise StreamflowError(f"no rows of split {split} in {', '.join(map(str, manifests))}; name another split")
        self.utterances = [r[0] for r in rows]
        self.speakers = [r[1] for r in rows]
        self.audio = [(load_audio(r[2]) * 32767).astype(np.int16) for r in track(rows, "reading speech")]

    def __len__(self) -> int:
        return len(self.audio)

    @property
    def seconds(self) -> float:
        """Length of all recordings together."""
        return sum(map(len, self.audio)) / SAMPLE_RATE

    def samples(self, index: int) -> np.ndarray:
        """float32 ``[n]`` of one recording."""
        return self.audio[index].astype(np.float32) / 32767


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
