"""What a bench measures, and in which order."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any, Literal

from .bench_tables import LatencyError

Kind = Literal["alone", "together", "interrupt"]
TIMES = (1, 2, 4, 8)  # the rate of speech: at which streams are played


@dataclass(frozen=True, kw_only=True, slots=True)
class Settings:
    """What to measure. The defaults take a few minutes for three systems; :data:`COMPLETE` an hour or more.

    Attributes:
        lengths_s: of the streams that run alone.
        repeats: of each of them.
        streams: how many run together; the first of these is usually 1, for comparison.
        stream_length_s, stream_repeats: of the streams that run together; a repeat takes as long as its audio.
        tokens_per_second: at which tokens come to the streams that run together; None for the rate of their speech.
        interrupts: cancelled sessions a system.
        token_rates: at which the streams that ran alone are played; None for :data:`TIMES` the rate of their speech.
        buffers_ms: of the player.
        jitters_ms: of the network, mean.
        threads: of torch; None for as many as it takes by itself.
        session_limit_s: a stream that would work longer than this, by the square of what a shorter one took, is skipped.
    """

    lengths_s: tuple[float, ...] = (5.0, 10.0, 20.0)
    repeats: int = 4
    streams: tuple[int, ...] = (1, 2, 4)
    stream_length_s: float = 5.0
    stream_repeats: int = 2
    tokens_per_second: float | None = None
    interrupts: int = 8
    token_rates: tuple[float, ...] | None = None
    buffers_ms: tuple[float, ...] = (0.0, 50.0, 100.0, 200.0, 400.0)
    jitters_ms: tuple[float, ...] = (0.0, 20.0, 50.0, 100.0)
    threads: int | None = None
    session_limit_s: float = 600.0

    def __post_init__(self) -> None:
        for name, least in (
            ("lengths_s", 0.04),
            ("streams", 1),
            ("token_rates", 1),
            ("buffers_ms", 0),
            ("jitters_ms", 0),
        ):
            values = getattr(self, name) or ()
            if any(value < least for value in values):
                raise LatencyError(f"{name} {', '.join(f'{v:g}' for v in values)}: each must be at least {least:g}")
            if len(set(values)) < len(values):
                raise LatencyError(f"{name} {', '.join(f'{v:g}' for v in values)}: give each once")
        for name, least in (
            ("repeats", 1),
            ("stream_repeats", 0),
            ("interrupts", 0),
            ("stream_length_s", 0.04),
            ("session_limit_s", 0),
        ):
            if getattr(self, name) < least:
                raise LatencyError(f"{name} {getattr(self, name):g}: must be at least {least:g}")
        if not self.lengths_s:
            raise LatencyError("no lengths: give one at least, such as --lengths 5,10,20")
        rate = self.tokens_per_second
        if (rate is not None and rate <= 0) or (self.threads is not None and self.threads < 1):
            raise LatencyError("token rate and threads must be positive")

    def at(self, tokens_per_second: float) -> Settings:
        """The settings for speech of so many tokens a second: what follows from its rate is filled in."""
        rates = tuple(times * tokens_per_second for times in TIMES) if self.token_rates is None else self.token_rates
        own = tokens_per_second if self.tokens_per_second is None else self.tokens_per_second
        return replace(self, tokens_per_second=own, token_rates=rates)

    def table(self) -> dict[str, Any]:
        """As ``bench.json`` holds it."""
        return asdict(self)


COMPLETE = {
    "lengths_s": (5.0, 15.0, 30.0, 60.0, 120.0, 300.0),
    "streams": (1, 2, 4, 6, 8),
    "stream_length_s": 15.0,
    "stream_repeats": 4,
    "interrupts": 64,
}
"""The settings that a paper needs: up to 300 s, up to 8 streams, and a 90th percentile of interrupts."""


@dataclass(frozen=True, slots=True)
class Cell:
    """One thing to measure: a stream alone, some together, or a session to be cancelled."""

    kind: Kind
    system: str
    length_s: float
    repeat: int
    streams: int = 1

    @property
    def file(self) -> str:
        """Of its record, below the bench's folder."""
        return f".records/{self.kind}/{self.system}/{self.length_s:g}s-{self.streams}-{self.repeat}.json"


def plan(systems: Sequence[str], settings: Settings) -> Iterator[Cell]:
    """Every cell, in the order of measuring.

    Systems take turns within each length, and every second repeat goes through all cells backwards (A-B-B-A): what
    drifts steadily on the machine then weighs alike on every system and every length.
    """
    lengths = sorted(settings.lengths_s)
    alone = [("alone", system, length, 1) for length in lengths for system in systems]
    together = [
        ("together", system, settings.stream_length_s, count) for count in settings.streams for system in systems
    ]
    cancelled = [("interrupt", system, lengths[0], 1) for system in systems]
    for cells, repeats in (
        (alone, settings.repeats),
        (together, settings.stream_repeats),
        (cancelled, settings.interrupts),
    ):
        for repeat in range(repeats):
            for kind, system, length_s, streams in cells if repeat % 2 == 0 else reversed(cells):
                yield Cell(kind, system, length_s, repeat, streams)


LOADING_S = 15.0  # weights and speech, before the first measurement


def expected_s(settings: Settings, real_time_factors: Mapping[str, float]) -> float:
    """About how long a bench takes, in seconds, if every system keeps the real-time factor that it had in the run.

    Attention over the whole utterance grows, so that ``full`` takes longer than this at lengths beyond the run's.

    Args:
        settings: what to measure.
        real_time_factors: seconds of work for a second of audio, by system.
    """
    total = LOADING_S
    for factor in real_time_factors.values():
        total += settings.repeats * sum(settings.lengths_s) * factor
        length_s = settings.stream_length_s
        total += settings.stream_repeats * sum(max(length_s, length_s * n * factor) for n in settings.streams)
        total += settings.interrupts * min(settings.lengths_s) * factor / 2
    return total
