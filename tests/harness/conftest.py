"""Real speech from the shipped corpus, and plug-in decoders on the import path."""

from __future__ import annotations

import csv
import shutil
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

SHIPPED = Path(__file__).parents[2] / "corpora" / "shipped" / "manifest.csv"
PLUGINS = Path(__file__).parent / "plugins"
sys.path.insert(0, str(PLUGINS))  # as a user's working directory would be


@pytest.fixture
def log(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[], list[str]]:
    """Lines that the plug-ins wrote since the last call."""
    path = tmp_path / "log"
    path.touch()
    monkeypatch.setenv("STREAMFLOW_TEST_LOG", str(path))

    def lines() -> list[str]:
        found = path.read_text().splitlines()
        path.write_text("")
        return found

    return lines


@pytest.fixture
def shipped_rows() -> list[dict[str, str]]:
    """The manifest of the shipped corpus, shortest first."""
    with SHIPPED.open(newline="") as file:
        return sorted(csv.DictReader(file), key=lambda row: float(row["duration_s"]))


@pytest.fixture
def make_corpus(tmp_path: Path, shipped_rows: list[dict[str, str]]) -> Callable[..., Path]:
    """Write a corpus of so many shipped utterances (of different speakers while they last), and rows of one's own."""

    def make(count: int = 3, extra: tuple[dict[str, str], ...] = ()) -> Path:
        folder = tmp_path / "corpus"
        folder.mkdir(exist_ok=True)
        by_speaker: dict[str, list[dict[str, str]]] = {}
        for row in shipped_rows:
            by_speaker.setdefault(row["speaker_id"], []).append(row)
        queues = list(by_speaker.values())
        chosen = [queues[i % len(queues)][i // len(queues)] for i in range(count)]
        rows = []
        for row in chosen:
            shutil.copy(SHIPPED.parent / row["path"], folder / f"{row['utterance_id']}.flac")
            rows.append({**row, "path": f"{row['utterance_id']}.flac"})
        rows += [{"speaker_id": "other", **row} for row in extra]
        with (folder / "manifest.csv").open("w", newline="") as file:
            columns = ("utterance_id", "speaker_id", "path", "text", "split")
            writer = csv.DictWriter(file, columns, extrasaction="ignore")
            writer.writeheader()
            writer.writerows(rows)
        return folder / "manifest.csv"

    return make
