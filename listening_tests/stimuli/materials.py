"""What stimuli are made from: the sounds of one sentence, out of a run or out of folders."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Protocol

import numpy as np
import soundfile
import soxr

from harness.corpus import did_you_mean
from harness.run import Run
from streamflow.audio import SAMPLE_RATE

from ..errors import StudyError
from ..model import REFERENCE
from .arrival import Arrived, trace_of

HIGHEST_RATE = 48_000  # Hz: no listener hears more
BETTER = (("pesq_wb", 1), ("estoi", 1), ("stoi", 1), ("mel_distance", -1))
"""Metrics of a run that order systems for the training, first one first, and which sign is better."""


@dataclass(frozen=True)
class Clip:
    """One sound: float64 ``[n]``, the samples of its seams, and its trace where there is one."""

    samples: np.ndarray
    seams: tuple[int, ...] = ()
    trace: tuple[Arrived, ...] = ()


@dataclass(frozen=True)
class Material:
    """The sounds of one sentence by the name of what made them, REFERENCE among them where it was asked for."""

    sentence: str
    rate: int
    clips: Mapping[str, Clip]
    text: str = ""


@dataclass(frozen=True)
class Range:
    """Systems from best to worst, and by what."""

    systems: tuple[str, ...]
    by: str

    def table(self) -> dict[str, str]:
        """As ``stimuli.json`` has it."""
        return {"best": self.systems[0], "worst": self.systems[-1], "by": self.by}


class Source(Protocol):
    """Where sounds come from."""

    sentences: Sequence[str]
    rate: int

    def check(self, names: Iterable[str], needs: frozenset[str]) -> None:
        """Raise StudyError where a system, or what the protocol needs, is not there at all."""

    def load(self, sentence: str, names: Iterable[str], needs: frozenset[str]) -> Material:
        """The sounds of a sentence; raises a StreamflowError that says why there are none."""

    def range_of(self, systems: Sequence[str]) -> Range:
        """The systems from best to worst, as far as is known."""


@dataclass
class RunSource:
    """A run of `streamflow compare`."""

    run: Run
    rate: int = field(default=SAMPLE_RATE, init=False)

    @property
    def sentences(self) -> list[str]:
        """Every utterance, in the order of the corpus."""
        return list(self._texts)

    @cached_property
    def _texts(self) -> dict[str, str]:
        return {utterance["utterance_id"]: utterance.get("text") or "" for utterance in self.run.utterances}

    @cached_property
    def _traces(self) -> dict[tuple[str, str], tuple[Arrived, ...]]:
        traces = self.run.traces()
        return {
            (system, utterance): tuple(trace_of(rows, system, utterance))
            for (system, utterance), rows in traces.groupby(["system", "utterance"], sort=False)
        }

    @cached_property
    def _seams(self) -> dict[tuple[str, str], tuple[int, ...]]:
        rows = self.run.traces()
        rows = rows[rows["index"] > 0].sort_values("seam_sample")
        grouped = rows.groupby(["system", "utterance"])["seam_sample"]
        return {pair: tuple(int(seam) for seam in seams) for pair, seams in grouped}

    def check(self, names: Iterable[str], needs: frozenset[str]) -> None:
        for name in names:
            if name != REFERENCE and name not in self.run.systems:
                near = did_you_mean(name, self.run.systems)
                raise StudyError(f"{self.run.path}: has no system {name!r}{near}; it has {', '.join(self.run.systems)}")

    def load(self, sentence: str, names: Iterable[str], needs: frozenset[str]) -> Material:
        if sentence not in self._texts:
            raise StudyError(f"{self.run.path}: has no utterance {sentence!r}; name one of utterances.json")
        clips = {name: self._clip(sentence, name, needs) for name in names}
        return Material(sentence, self.rate, clips, self._texts[sentence])

    def range_of(self, systems: Sequence[str]) -> Range:
        scores = self.run.scores()
        scores = scores[scores["system"].isin(systems)]
        for metric, sign in BETTER:
            means = scores[scores["metric"] == metric].groupby("system")["value"].mean().dropna()
            if set(means.index) == set(systems):
                ordered = (means * -sign).sort_values(kind="stable")
                return Range(tuple(str(name) for name in ordered.index), metric)
        return Range(tuple(systems), "order of systems")

    def _clip(self, sentence: str, name: str, needs: frozenset[str]) -> Clip:
        if name == REFERENCE:
            return Clip(self.run.reference(sentence).astype(np.float64))
        samples = self.run.audio(name, sentence).astype(np.float64)
        trace = self._traces.get((name, sentence), ())
        if not trace and needs & {"arrival", "seams"}:
            raise StudyError(f"{name} has no trace of {sentence}; run `streamflow compare` again")
        seams = tuple(seam for seam in self._seams.get((name, sentence), ()) if 0 < seam < len(samples))
        return Clip(samples, seams, trace)


class FolderSource:
    """Folders of recordings, a file a sentence, named alike in each; any format that libsndfile reads.

    Channels are averaged and rates converted (soxr, VHQ) to the highest among them, 48 kHz at most.

    Args:
        systems: name -> folder.
        reference: folder of the recordings that systems imitate, or None.
        texts: sentence -> what is spoken.
    """

    def __init__(
        self, systems: Mapping[str, Path], reference: Path | None = None, texts: Mapping[str, str] | None = None
    ) -> None:
        folders = {name: Path(folder) for name, folder in systems.items()}
        if reference is not None:
            folders[REFERENCE] = Path(reference)
        if not folders:
            raise StudyError("no folder of recordings is given; name at least one system and its folder")
        self._files = {name: _recordings(folder) for name, folder in folders.items()}
        self._texts = dict(texts or {})
        shared = set.intersection(*(set(files) for files in self._files.values()))
        if not shared:
            raise StudyError(f"no file name is in all of {', '.join(map(str, folders.values()))}; name them alike")
        self.sentences: Sequence[str] = sorted(shared)
        rates = [_rate_of(path) for files in self._files.values() for path in files.values()]
        if not any(rates):
            raise StudyError(f"no recording in {', '.join(map(str, folders.values()))} can be read; convert them")
        self.rate = min(max(rates), HIGHEST_RATE)

    def check(self, names: Iterable[str], needs: frozenset[str]) -> None:
        if streamed := needs & {"arrival", "seams"}:
            raise StudyError(f"the protocol needs {', '.join(sorted(streamed))} of chunks; make the study from a run")
        for name in names:
            if name not in self._files:
                what = "the reference recordings" if name == REFERENCE else f"system {name!r}"
                raise StudyError(f"no folder holds {what}{did_you_mean(name, list(self._files))}; give one")

    def load(self, sentence: str, names: Iterable[str], needs: frozenset[str]) -> Material:
        clips = {}
        for name in names:
            if sentence not in self._files[name]:
                raise StudyError(f"{name} has no recording of {sentence}; add the file")
            clips[name] = Clip(read_recording(self._files[name][sentence], self.rate))
        return Material(sentence, self.rate, clips, self._texts.get(sentence, ""))

    def range_of(self, systems: Sequence[str]) -> Range:
        return Range(tuple(systems), "order of systems")


def read_recording(path: Path, rate: int) -> np.ndarray:
    """A recording as mono float64 ``[n]`` at ``rate``.

    Raises:
        StudyError: not readable as audio, or empty.
    """
    try:
        samples, own_rate = soundfile.read(path, dtype="float64", always_2d=True)
    except (soundfile.LibsndfileError, OSError) as error:
        raise StudyError(f"{path}: not readable as audio ({error}); convert it again") from None
    if not len(samples) or not np.isfinite(samples).all():
        raise StudyError(f"{path}: empty or not finite; record or convert it again")
    mono = samples.mean(axis=1)
    return mono if own_rate == rate else soxr.resample(mono, own_rate, rate, quality="VHQ")


def _rate_of(path: Path) -> int:
    """Samples a second, 0 for a damaged file: it costs its own sentence, and is named when that is loaded."""
    try:
        return soundfile.info(path).samplerate
    except soundfile.LibsndfileError:
        return 0


def _recordings(folder: Path) -> dict[str, Path]:
    """Sentence -> file; what libsndfile cannot open (texts, lists) is no recording."""
    if not folder.is_dir():
        raise StudyError(f"{folder}: no such folder; check the path")
    known = {f".{name.lower()}" for name in soundfile.available_formats()} | {".opus", ".aif"}
    files: dict[str, Path] = {}
    for path in sorted(folder.iterdir()):
        if path.name.startswith(".") or path.suffix.lower() not in known or not path.is_file():
            continue
        if path.stem in files:
            raise StudyError(f"{folder}: both {files[path.stem].name} and {path.name}; keep one file a sentence")
        files[path.stem] = path
    if not files:
        raise StudyError(f"{folder}: holds no recordings; check the path")
    return files
