"""What a player shows and plays: waveform, spectrogram and F0 of a rendering, inside the page or in files beside it."""

from __future__ import annotations

import json
import math
import os
from dataclasses import asdict, dataclass
from pathlib import Path
from urllib.parse import quote

import numpy as np

from harness.run import RunError
from harness.storage import read_json, sha256_of, sha256_of_file, write_bytes
from reports.comparison import SAMPLE_RATE, Comparison
from reports.png import data_uri
from reports.prosody import contour_of
from reports.spectrogram import power_db, spectrogram_png
from reports.waveform import waveform_path

COLUMNS, ROWS, COLOURS = 240, 64, 16  # of a small spectrogram: some 8 kB, so that hundreds fit
VERSION = "1"  # of what a View holds; a change makes every cached one again
UNREADABLE = (RunError, OSError, RuntimeError)  # audio that is not there, or is none


@dataclass(frozen=True, slots=True)
class View:
    """How a rendering looks. ``hertz``: F0 in COLUMNS equal stretches of it, 0 where unvoiced; ``picture``: PNG."""

    duration_s: float
    waveform: str
    hertz: list[int]
    picture: bytes = b""


@dataclass(frozen=True, slots=True)
class Scale:
    """What all views of one utterance share, from its reference: full scale of waveforms, and of spectrograms in dB."""

    loudest: float = 1.0
    loudest_db: float | None = None


class Media:
    """Audio and views of a comparison, by content.

    Without a folder everything is part of the page. With one, audio is linked where it lies in the run, spectrograms
    are files in the folder, and views are kept there, so that a report written again reads no audio.
    """

    def __init__(self, comparison: Comparison, page: Path | None = None, folder: Path | None = None) -> None:
        self.comparison, self.page, self.folder = comparison, page, folder
        self._known: dict = {}
        self._scales: dict[str, Scale] = {}
        if folder is not None:
            kept = read_json(folder / "views.json")
            self._known = kept if isinstance(kept, dict) else {}
        self._used: dict[str, dict] = {}

    def samples(self, system: str | None, utterance: str) -> np.ndarray:
        """float32 ``[n]``; one of UNREADABLE where there is none."""
        run = self.comparison.run
        return run.reference(utterance) if system is None else run.audio(system, utterance)

    def audio(self, system: str | None, utterance: str) -> str:
        """What an audio element plays: the run's own FLAC file, linked or inside. "" where there is none."""
        path = self.comparison.audio_path(system, utterance)
        if not path.is_file():
            return ""
        return self._link(path) if self.page is not None else data_uri(path.read_bytes(), "audio/flac")

    def scale(self, utterance: str) -> Scale:
        """From the reference; where there is none, every rendering has full scale for itself."""
        if utterance not in self._scales:
            self._scales[utterance] = self._scale(utterance)
        return self._scales[utterance]

    def _scale(self, utterance: str) -> Scale:
        try:
            reference = self.samples(None, utterance)
        except UNREADABLE:
            return Scale()
        if not len(reference):
            return Scale()
        return Scale(float(np.abs(reference).max()), float(power_db(reference, SAMPLE_RATE).max()))

    def view(self, system: str | None, utterance: str, *, picture: bool = True) -> tuple[View, str]:
        """The view and the address of its picture ("" without one).

        Raises:
            one of UNREADABLE.
        """
        key = self._key(system, utterance)
        if self.folder is not None and picture and key in self._known and (self.folder / f"{key}.png").is_file():
            self._used[key] = self._known[key]
            return View(**self._known[key]), self._link(self.folder / f"{key}.png")
        view = view_of(self.samples(system, utterance), self.scale(utterance), picture=picture)
        if not picture:
            return view, ""
        if self.folder is None:
            return view, data_uri(view.picture, "image/png")
        write_bytes(self.folder / f"{key}.png", view.picture)
        record = asdict(view)
        del record["picture"]
        self._used[key] = record
        return view, self._link(self.folder / f"{key}.png")

    def finish(self) -> None:
        """Keep the views that were used, and remove pictures that no page shows any more."""
        if self.folder is None:
            return
        write_bytes(self.folder / "views.json", json.dumps(self._used, separators=(",", ":")).encode())
        for path in self.folder.glob("*.png"):
            if path.stem not in self._used:
                path.unlink(missing_ok=True)

    def _key(self, system: str | None, utterance: str) -> str:
        files = (self.comparison.audio_path(system, utterance), self.comparison.audio_path(None, utterance))
        return sha256_of(" ".join([VERSION, *(str(sha256_of_file(path)) for path in files)]).encode())[:24]

    def _link(self, path: Path) -> str:
        assert self.page is not None, "files are linked from a page"
        return link(path, self.page)


def link(path: Path, page: Path) -> str:
    """A relative URL from the page to a file."""
    relative = os.path.relpath(path.resolve(), page.resolve().parent)
    return "/".join(quote(part, safe="") for part in Path(relative).parts)


def view_of(samples: np.ndarray, scale: Scale, *, picture: bool = True) -> View:
    """How float ``[n]`` at 16 kHz looks on the scale of its utterance."""
    png = b""
    if picture and len(samples):
        small = {"most_frames": COLUMNS, "most_rows": ROWS, "colours": COLOURS}
        png = spectrogram_png(samples, SAMPLE_RATE, scale.loudest_db, **small)
    return View(
        duration_s=len(samples) / SAMPLE_RATE,
        waveform=waveform_path(samples, scale.loudest),
        hertz=_columns(samples) if picture else [],
        picture=png,
    )


def _columns(samples: np.ndarray) -> list[int]:
    """F0 in Hz of the frame in the middle of each column; 0 where unvoiced or refused."""
    contour = contour_of(samples, SAMPLE_RATE)
    if not len(contour.times):
        return []
    middle = (np.arange(COLUMNS) + 0.5) / COLUMNS * len(samples) / SAMPLE_RATE
    nearest = np.clip(np.searchsorted(contour.times, middle), 0, len(contour.times) - 1)
    return np.round(contour.hertz[nearest]).astype(int).tolist()


def contour_path(hertz: list[int], span: tuple[float, float], width: float, height: float) -> str:
    """The ``d`` of an F0 contour over ``width`` x ``height``, log frequency between ``span`` in Hz, gaps unvoiced."""
    low, high = (math.log(end) for end in span)
    parts: list[str] = []
    before = 0
    last_y = 0
    for column, value in enumerate(hertz):
        if value > 0 and low <= math.log(value) <= high:
            y = round(height * (1 - (math.log(value) - low) / (high - low)))
            if before:
                parts.append(f"l{width / len(hertz):.4g} {y - last_y}")
            else:
                parts.append(f"M{(column + 0.5) * width / len(hertz):.4g} {y}")
            before, last_y = value, y
        else:
            before = 0
    return "".join(parts).replace(" -", "-")


def f0_span(hertz: list[int]) -> tuple[float, float]:
    """What to show of the F0 axis, Hz: the range of a contour but for its outliers, a third of an octave around it."""
    voiced = [value for value in hertz if value > 0]
    if not voiced:
        return 60.0, 400.0
    low, high = np.percentile(voiced, (2, 98))
    return float(low) / 2 ** (1 / 3), float(high) * 2 ** (1 / 3)
