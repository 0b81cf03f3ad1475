"""For every utterance a row of players: audio, waveform, seams and scores of each system."""

from __future__ import annotations

import io
from dataclasses import dataclass, field

import numpy as np
import soundfile

from harness.run import RunError
from reports.comparison import SAMPLE_RATE, Comparison, MetricColumn
from reports.formatting import number
from reports.png import data_uri
from reports.selection import spread_over_speakers
from reports.waveform import seams_path, waveform_path

REFERENCE = "reference"
MOST_AUDIO_BYTES = 36_000_000  # of base64 in one page: some 24 utterances of 4 s by 8 systems, with room


@dataclass(frozen=True, slots=True)
class Score:
    """A cell: ``text`` is the value, or ``unscored`` or ``failed`` with its ``reason``."""

    text: str
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Player:
    """One rendering of one utterance. ``audio`` is a data URI, or "" where there is nothing to play."""

    system: str
    slot: int | None
    audio: str
    duration_s: float
    path: str
    seams: str
    seam_count: int
    scores: list[Score]
    problem: str = ""


@dataclass(slots=True)
class PlayerRow:
    """An utterance with its players, the reference first."""

    utterance: dict
    players: list[Player] = field(default_factory=list)

    @property
    def bytes(self) -> int:
        return sum(len(player.audio) for player in self.players)


def flac(samples: np.ndarray) -> bytes:
    """float ``[n]`` at 16 kHz -> FLAC, 16 bit: lossless, so that a codec never colours what is compared."""
    pcm = np.clip(np.round(np.asarray(samples, np.float64) * 32768), -32768, 32767).astype(np.int16)
    buffer = io.BytesIO()
    soundfile.write(buffer, pcm, SAMPLE_RATE, format="FLAC", subtype="PCM_16")
    return buffer.getvalue()


def player_rows(
    comparison: Comparison, decimals: dict[str, int], most: int = 24, most_bytes: int = MOST_AUDIO_BYTES
) -> list[PlayerRow]:
    """Rows for at most ``most`` utterances, fewer where their audio would make the page too large to open."""
    rows, used = [], 0
    for utterance in spread_over_speakers(comparison.utterances, most):
        row = player_row(comparison, utterance, decimals)
        if rows and used + row.bytes > most_bytes:
            continue  # a long one does not keep the short ones after it out
        used += row.bytes
        rows.append(row)
    return rows


def player_row(comparison: Comparison, utterance: dict, decimals: dict[str, int]) -> PlayerRow:
    """The reference and every system's rendering of one utterance."""
    name = utterance["utterance_id"]
    row, loudest = PlayerRow(utterance), 1.0
    try:
        reference = comparison.run.reference(name)
        loudest = float(np.abs(reference).max())  # one scale for all: a louder rendering looks louder
        row.players.append(_player(REFERENCE, None, reference, [], [Score("") for _ in comparison.metrics], loudest))
    except (RunError, OSError, RuntimeError):
        row.players.append(_silent(REFERENCE, None, "no audio in the run", [Score("") for _ in comparison.metrics]))
    for system in comparison.systems:
        slot = comparison.appearance[system].slot
        scores = [score(comparison, system, name, metric, decimals) for metric in comparison.metrics]
        if name not in comparison.decoded(system):
            row.players.append(_silent(system, slot, comparison.reason(system, name), scores))
            continue
        try:
            samples = comparison.run.audio(system, name)
        except (RunError, OSError, RuntimeError):  # a run that was copied without its audio still has a report
            row.players.append(_silent(system, slot, "no audio in the run", scores))
            continue
        row.players.append(_player(system, slot, samples, comparison.seams_of.get((system, name), []), scores, loudest))
    return row


def score(comparison: Comparison, system: str, utterance: str, metric: MetricColumn, decimals: dict[str, int]) -> Score:
    """What a cell shows: never 0 and never nothing where a value could not be had."""
    cell = (system, utterance, metric.identity)
    if cell in comparison.value_of:
        return Score(number(comparison.value_of[cell], decimals.get(metric.identity, 2)))
    if cell in comparison.reason_of:
        return Score("unscored", comparison.reason_of[cell])
    if utterance not in comparison.decoded(system):
        return Score("failed", comparison.reason(system, utterance))
    return Score("missing", "the run has no row for it")


def _player(
    system: str, slot: int | None, samples: np.ndarray, seams: list[int], scores: list[Score], loudest: float
) -> Player:
    return Player(
        system=system,
        slot=slot,
        audio=data_uri(flac(samples), "audio/flac"),
        duration_s=len(samples) / SAMPLE_RATE,
        path=waveform_path(samples, loudest),
        seams=seams_path(seams, len(samples)),
        seam_count=len(seams),
        scores=scores,
    )


def _silent(system: str, slot: int | None, problem: str, scores: list[Score]) -> Player:
    return Player(system, slot, "", 0.0, "", "", 0, scores, problem)
