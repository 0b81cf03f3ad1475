"""For every utterance a row of players: audio, waveform, spectrogram, F0, seams and scores of each system."""

from __future__ import annotations

import io
import math
from collections.abc import Iterable
from dataclasses import dataclass, field

import numpy as np
import soundfile

from reports.comparison import SAMPLE_RATE, Comparison, MetricColumn
from reports.formatting import number
from reports.media import UNREADABLE, Media, View, contour_path, f0_span
from reports.selection import spread_over_speakers
from reports.waveform import HEIGHT, WIDTH, seams_path

REFERENCE = "reference"
MOST_AUDIO_BYTES = 36_000_000  # of base64 in one page: some 24 utterances of 4 s by 8 systems, with room


@dataclass(frozen=True, slots=True)
class Score:
    """A cell: ``text`` is the value, or ``unscored`` or ``failed`` with its ``reason``; ``change`` is to the baseline.

    ``tone`` is "better" or "worse" where the change has a direction.
    """

    text: str
    reason: str = ""
    change: str = ""
    tone: str = ""


@dataclass(frozen=True, slots=True)
class Player:
    """One rendering of one utterance.

    ``audio`` is an address, or "" where there is nothing to play; ``path`` and ``seams`` are SVG paths over the
    rendering, ``contour`` its F0 likewise; ``share`` is its duration over that of the longest beside it.
    """

    system: str
    slot: int | None
    audio: str
    duration_s: float
    path: str
    seams: str
    seam_count: int
    scores: list[Score]
    problem: str = ""
    picture: str = ""
    contour: str = ""
    share: float = 1.0


@dataclass(slots=True)
class PlayerRow:
    """An utterance with its players, the reference first."""

    utterance: dict
    players: list[Player] = field(default_factory=list)

    @property
    def bytes(self) -> int:
        return sum(len(player.audio) + len(player.picture) for player in self.players)


def flac(samples: np.ndarray) -> bytes:
    """float ``[n]`` at 16 kHz -> FLAC, 16 bit: lossless, so that a codec never colours what is compared."""
    pcm = np.clip(np.round(np.asarray(samples, np.float64) * 32768), -32768, 32767).astype(np.int16)
    buffer = io.BytesIO()
    soundfile.write(buffer, pcm, SAMPLE_RATE, format="FLAC", subtype="PCM_16")
    return buffer.getvalue()


def player_rows(
    comparison: Comparison,
    decimals: dict[str, int],
    most: int = 24,
    most_bytes: int = MOST_AUDIO_BYTES,
    *,
    utterances: Iterable[dict] | None = None,
    media: Media | None = None,
) -> list[PlayerRow]:
    """Rows for at most ``most`` utterances, fewer where what lies in the page would make it too large to open.

    ``utterances`` are taken from every speaker in turn by default; ``media`` says where audio and pictures lie.
    """
    rows, used = [], 0
    chosen = spread_over_speakers(comparison.utterances, most) if utterances is None else list(utterances)[:most]
    for utterance in chosen:
        row = player_row(comparison, utterance, decimals, media=media, pictures=True)
        if rows and used + row.bytes > most_bytes:
            continue  # a long one does not keep the short ones after it out
        used += row.bytes
        rows.append(row)
    return rows


def player_row(
    comparison: Comparison,
    utterance: dict,
    decimals: dict[str, int],
    *,
    media: Media | None = None,
    pictures: bool = False,
) -> PlayerRow:
    """The reference and every system's rendering of one utterance; audio inside the page unless ``media`` links it."""
    media = media or Media(comparison)
    name = utterance["utterance_id"]
    seen: dict[str | None, tuple[View, str] | str] = {
        system: _seen(comparison, media, system, name, pictures) for system in (None, *comparison.systems)
    }
    views = [view for view in seen.values() if not isinstance(view, str)]
    longest = max((view.duration_s for view, _ in views), default=0.0)
    target = seen[None]
    span = f0_span(views[0][0].hertz if views else [])
    if not isinstance(target, str):
        span = f0_span(target[0].hertz)
    row = PlayerRow(utterance)
    for system, view in seen.items():
        scores = _scores(comparison, system, name, decimals)
        slot = None if system is None else comparison.appearance[system].slot
        label = REFERENCE if system is None else system
        if isinstance(view, str):
            row.players.append(_silent(label, slot, view, scores))
            continue
        seams = [] if system is None else comparison.seams_of.get((system, name), [])
        shown, picture = view
        row.players.append(
            Player(
                system=label,
                slot=slot,
                audio=media.audio(system, name),
                duration_s=shown.duration_s,
                path=shown.waveform,
                seams=seams_path(seams, round(shown.duration_s * SAMPLE_RATE)),
                seam_count=len(seams),
                scores=scores,
                picture=picture,
                contour=contour_path(shown.hertz, span, WIDTH, HEIGHT),
                share=shown.duration_s / longest if longest else 1.0,
            )
        )
    return row


def score(comparison: Comparison, system: str, utterance: str, metric: MetricColumn, decimals: dict[str, int]) -> Score:
    """What a cell shows: never 0 and never nothing where a value could not be had."""
    cell = (system, utterance, metric.identity)
    if cell in comparison.value_of:
        digits = decimals.get(metric.identity, 2)
        value = comparison.value_of[cell]
        base = comparison.value_of.get((comparison.baseline, utterance, metric.identity), math.nan)
        if system == comparison.baseline or not math.isfinite(base):
            return Score(number(value, digits))
        change = value - base
        tone = ""
        if metric.direction and round(change, digits):
            tone = "better" if (change > 0) == (metric.direction == "higher") else "worse"
        return Score(number(value, digits), change=number(change, digits, signed=True), tone=tone)
    if cell in comparison.reason_of:
        return Score("unscored", comparison.reason_of[cell])
    if utterance not in comparison.decoded(system):
        return Score("failed", comparison.reason(system, utterance))
    return Score("missing", "the run has no row for it")


def _seen(
    comparison: Comparison, media: Media, system: str | None, utterance: str, pictures: bool
) -> tuple[View, str] | str:
    """A view with the address of its picture, or why there is none."""
    if system is not None and utterance not in comparison.decoded(system):
        return comparison.reason(system, utterance)
    try:
        return media.view(system, utterance, picture=pictures)
    except UNREADABLE:  # a run that was copied without its audio still has a report
        return "no audio in the run"


def _scores(comparison: Comparison, system: str | None, utterance: str, decimals: dict[str, int]) -> list[Score]:
    if system is None:
        return [Score("") for _ in comparison.metrics]
    return [score(comparison, system, utterance, metric, decimals) for metric in comparison.metrics]


def _silent(system: str, slot: int | None, problem: str, scores: list[Score]) -> Player:
    return Player(system, slot, "", 0.0, "", "", 0, scores, problem)
