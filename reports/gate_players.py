"""What fell, to be heard and seen: the recording, the baseline and the candidate of an utterance, one below the other."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pandas

from harness.gate.checks import figure
from harness.gate.outcome import GateResult
from harness.gate.tail import Regression
from harness.run import Run, RunError
from reports.players import flac
from reports.png import data_uri
from reports.spectrogram import power_db, spectrogram_uri
from reports.waveform import seams_path, waveform_path

SAMPLE_RATE = 16_000
MOST_UTTERANCES = 12  # with players; the rest of what fell is linked
MOST_AUDIO_BYTES = 24_000_000  # of base64 in the page
SHOWN_ANYWAY = 3  # the largest falls, where none is large
SIDES = ("reference", "baseline", "candidate")


@dataclass(frozen=True, slots=True)
class Track:
    """One of the three: ``audio`` and ``picture`` are data URIs, "" where there is nothing."""

    name: str
    colour: str
    audio: str = ""
    picture: str = ""
    path: str = ""
    seams: str = ""
    seam_count: int = 0
    duration_s: float = 0.0
    values: tuple[str, ...] = ()
    problem: str = ""


@dataclass(slots=True)
class Fallen:
    """An utterance that fell, with its tracks; ``links`` where it has no room for them."""

    fall: Regression
    text: str
    seed: int
    metrics: tuple[str, ...] = ()
    tracks: list[Track] = field(default_factory=list)
    links: dict[str, str] = field(default_factory=dict)

    @property
    def bytes(self) -> int:
        return sum(len(track.audio) + len(track.picture) for track in self.tracks)


def chosen(result: GateResult) -> list[Regression]:
    """What to show: what fell far, or by more than the margin of a metric that failed; else the largest falls."""
    failed = {(check.system, check.metric) for check in result.holding if check.kind == "quality"}
    shown = [
        fall for fall in result.regressions if fall.far or ((fall.system, fall.metric) in failed and fall.margins > 1)
    ]
    return shown or list(result.regressions[:SHOWN_ANYWAY])


def fallen(
    result: GateResult,
    baseline: Run,
    candidate: Run,
    out: Path,
    most: int = MOST_UTTERANCES,
    most_bytes: int = MOST_AUDIO_BYTES,
) -> tuple[list[Fallen], list[Fallen]]:
    """The utterances with players, and those that are linked.

    Args:
        result: of the gate.
        baseline, candidate: what it compared.
        out: the page, which links are relative to.
        most: utterances with players.
        most_bytes: of audio and pictures in the page.
    """
    tables = _Tables(baseline, candidate, result.counts.get("systems", {}))
    with_players, linked, used = [], [], 0
    for fall in chosen(result):
        entry = Fallen(fall, tables.text(fall.utterance), tables.worst_seed(fall))
        if len(with_players) < most:
            entry.metrics = tables.metrics(fall, result)
            entry.tracks = tables.tracks(fall, entry.seed, entry.metrics)
            if not with_players or used + entry.bytes <= most_bytes:
                used += entry.bytes
                with_players.append(entry)
                continue
            entry.tracks = []
        entry.links = tables.links(fall, entry.seed, out)
        linked.append(entry)
    return with_players, linked


class _Tables:
    """Both runs' scores and traces, read once."""

    def __init__(self, baseline: Run, candidate: Run, names: Mapping[str, Mapping[str, str]]) -> None:
        self.names = names
        self.runs = {"baseline": baseline, "candidate": candidate}
        self.scores = {side: run.scores() for side, run in self.runs.items()}
        self.traces = {side: run.traces() for side, run in self.runs.items()}
        self.texts = {str(u["utterance_id"]): str(u.get("text") or "") for u in baseline.utterances}

    def text(self, utterance: str) -> str:
        return self.texts.get(utterance, "")

    def values(self, side: str, fall: Regression) -> pandas.DataFrame:
        """The rows of an utterance in one run."""
        rows = self.scores[side]
        return rows[(rows["system"] == self.names[fall.system][side]) & (rows["utterance"] == fall.utterance)]

    def worst_seed(self, fall: Regression) -> int:
        """The seed in which the candidate lies furthest from the baseline, in the direction of the fall."""
        sides = [
            rows[rows["metric"] == fall.metric].groupby("seed")["value"].mean()
            for rows in (self.values("baseline", fall), self.values("candidate", fall))
        ]
        differences = (sides[1] - sides[0]).dropna()
        if differences.empty:
            return int(self.runs["candidate"].seeds[0])
        higher_is_worse = fall.candidate > fall.baseline
        return int(differences.idxmax() if higher_is_worse else differences.idxmin())

    def metrics(self, fall: Regression, result: GateResult) -> tuple[str, ...]:
        """Those that the gate looked at, the one that fell furthest first."""
        looked_at = [c.metric for c in result.checks if c.kind == "quality" and c.system == fall.system]
        return tuple(dict.fromkeys([*filter(None, [fall.metric]), *looked_at]))

    def tracks(self, fall: Regression, seed: int, metrics: Sequence[str]) -> list[Track]:
        """The three, at one scale of level and colour."""
        audio = {side: self.audio(side, fall, seed) for side in SIDES}
        loudest = max((float(np.abs(samples).max()) for samples in audio.values() if samples is not None), default=1.0)
        reference = audio["reference"]
        level = float(power_db(reference, SAMPLE_RATE).max()) if reference is not None else None
        return [self.track(side, samples, fall, seed, metrics, loudest, level) for side, samples in audio.items()]

    def audio(self, side: str, fall: Regression, seed: int) -> np.ndarray | None:
        try:
            if side == "reference":
                return self.runs["baseline"].reference(fall.utterance)
            run = self.runs[side]
            return run.audio(self.names[fall.system][side], fall.utterance, seed if seed in run.seeds else None)
        except (RunError, OSError, RuntimeError):  # a run that was copied without its audio still has a page
            return None

    def track(
        self,
        side: str,
        samples: np.ndarray | None,
        fall: Regression,
        seed: int,
        metrics: Sequence[str],
        loudest: float,
        level: float | None,
    ) -> Track:
        colour = {"reference": "var(--reference)", "baseline": "var(--system-0)", "candidate": "var(--system-1)"}[side]
        values = () if side == "reference" else tuple(self.mean(side, fall, metric) for metric in metrics)
        if samples is None or not len(samples):
            why = fall.why if side == "candidate" and not fall.metric else "no audio in the run"
            return Track(side, colour, values=values, problem=why)
        seams = [] if side == "reference" else self.seams(side, fall, seed)
        return Track(
            name=side,
            colour=colour,
            audio=data_uri(flac(samples), "audio/flac"),
            picture=spectrogram_uri(samples, SAMPLE_RATE, level),
            path=waveform_path(samples, loudest),
            seams=seams_path(seams, len(samples)),
            seam_count=len(seams),
            duration_s=len(samples) / SAMPLE_RATE,
            values=values,
        )

    def mean(self, side: str, fall: Regression, metric: str) -> str:
        rows = self.values(side, fall)
        rows = rows[rows["metric"] == metric]
        if rows["value"].notna().any():
            return figure(float(rows["value"].mean()), signed=False)
        return "unscored" if len(rows) else "missing"

    def seams(self, side: str, fall: Regression, seed: int) -> list[int]:
        rows = self.traces[side]
        rows = rows[(rows["system"] == self.names[fall.system][side]) & (rows["utterance"] == fall.utterance)]
        rows = rows[rows["seed"] == (seed if (rows["seed"] == seed).any() else rows["seed"].min())]
        return sorted(int(sample) for sample in rows["seam_sample"] if sample > 0)

    def links(self, fall: Regression, seed: int, out: Path) -> dict[str, str]:
        """Where the three lie, relative to the page."""
        paths: Mapping[str, Path] = {"reference": self.runs["baseline"].reference_path(fall.utterance)} | {
            side: run.audio_path(self.names[fall.system][side], fall.utterance, seed if seed in run.seeds else None)
            for side, run in self.runs.items()
        }
        return {
            side: Path(os.path.relpath(path.resolve(), out.resolve().parent)).as_posix()
            for side, path in paths.items()
            if path.is_file()
        }
