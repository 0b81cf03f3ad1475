"""The parts of the application's latency page as HTML: figures as data that the page's script paints, and their tables."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from harness.latency import (
    Bench,
    Player,
    first_sound_by_rate,
    one_stream,
    outcomes,
    play,
    streams_of_bench,
    streams_of_run,
)
from harness.latency.retiming import traced_at
from harness.latency.what_if import lengths_of_bench
from reports.comparison import Comparison
from reports.formatting import join, seconds
from reports.html import _environment
from reports.joined import open_runs
from reports.latency_bench import bench_of
from reports.latency_bench_figures import rate_figure_of
from reports.latency_figures import quality_latency_figure
from reports.latency_section import latency_section
from reports.latency_tables import rate_table_of
from reports.playout_figures import silence_figure, streaming, timeline_figure
from reports.playout_tables import heard_table, pause_table, quality_table

UTTERANCES = "utterances of the run"


class Waiting:
    """What is known of waiting in a run, or several side by side; read once, asked often.

    Attributes:
        comparison: of all systems.
        bench: what ``streamflow latency`` measured, or None.

    Raises:
        StreamflowError: no run there, or runs without a common utterance.
    """

    def __init__(self, runs: Sequence[Path]) -> None:
        self.comparison = Comparison(open_runs(list(runs)))
        self.bench: Bench | None = bench_of(self.comparison)
        self._run_streams = streams_of_run(self.comparison.traces)

    @property
    def systems(self) -> list[str]:
        """All of them, in the order of the runs."""
        return self.comparison.systems

    @property
    def metrics(self) -> list[str]:
        """What quality can be measured in."""
        return [metric.name for metric in self.comparison.metrics]

    @property
    def sources(self) -> list[str]:
        """Which streams can be played: the run's utterances, and the bench's long ones."""
        lengths = lengths_of_bench(self.bench) if self.bench is not None else []
        return ([UTTERANCES] if len(self._run_streams) else []) + [bench_source(length) for length in lengths]

    def streams(self, source: str) -> pd.DataFrame:
        """The chunks of a source, with ``stream``; of the run's utterances for an unknown one."""
        for length in lengths_of_bench(self.bench) if self.bench is not None else []:
            if source == bench_source(length):
                return streams_of_bench(self.bench, length)
        return self._run_streams

    def speech_rate(self, source: str) -> float:
        """Tokens a second at which the streams of a source came: those of their speech."""
        return traced_at(self.streams(source))

    def curves(self, systems: Sequence[str]) -> str:
        """First sound, chunk latency against position and length, work, streams together; "" where nothing was timed."""
        section = latency_section(self._of(systems), title="Measured", whole=False)
        return _rendered("latency.html.j2", latency=section) if section else ""

    def playing(self, systems: Sequence[str], source: str, player: Player, system: str = "", stream: str = "") -> str:
        """What a player makes of the streams of a source; "" where there are none.

        Args:
            systems: shown.
            source: one of :attr:`sources`.
            player: rate, network and buffer.
            system, stream: of which one stream is drawn; none for "".

        Raises:
            LatencyError: there is no such stream.
        """
        some = self._of(systems)
        traces = self.streams(source)
        traces = traces[traces["system"].isin(some.systems)]
        if traces.empty:
            return ""
        played = play(traces, player)
        whole = [name for name in some.systems if name in played and name not in streaming(some, played)]
        content = {
            "said": _told(player),
            "whole": join(whole) if whole else "",
            "silence_figure": silence_figure(some, played, player),
            "heard_table": heard_table(some, outcomes(played, player)),
            "timeline_figure": None,
        }
        if system and stream:
            line = one_stream(traces, system, stream, player)
            picture, table = timeline_figure(some, system, line, player, traced_at(traces)), pause_table(line)
            content |= {"timeline_figure": picture, "pause_table": table, "system": system, "stream": stream}
        rates = first_sound_by_rate(traces)
        content |= {
            "rate_figure": rate_figure_of(some, rates),
            "rate_table": rate_table_of(some, rates, _length(traces)),
        }
        return _rendered("latency_playing.html.j2", playing=content)

    def rates(self, systems: Sequence[str], source: str) -> str:
        """First sound against the rate at which tokens come; "" where there are no streams."""
        some = self._of(systems)
        traces = self.streams(source)
        traces = traces[traces["system"].isin(some.systems)]
        if traces.empty:
            return ""
        rows = first_sound_by_rate(traces)
        content = {"figure": rate_figure_of(some, rows), "table": rate_table_of(some, rows, _length(traces))}
        return _rendered("latency_rates.html.j2", rates=content)

    def quality(self, systems: Sequence[str], metric: str) -> str:
        """A metric against the wait for sound; "" where the metric or all timing is missing."""
        some = self._of(systems)
        for column in some.metrics:
            if column.name == metric:
                figure = quality_latency_figure(some, column)
                content = {"metric": column, "figure": figure, "table": quality_table(some, column)}
                return _rendered("latency_quality.html.j2", quality=content) if figure.data else ""
        return ""

    def _of(self, systems: Sequence[str]) -> Comparison:
        """The comparison with some of its systems, in the colours that they have among all."""
        some = copy.copy(self.comparison)
        some.systems = [system for system in self.comparison.systems if system in systems]
        return some


def bench_source(length_s: float) -> str:
    """What streams of the bench are called."""
    return f"{length_s:g} s streams of the bench"


def _told(player: Player) -> str:
    network = "the network adds nothing"
    if player.jitter_ms:
        network = f"the network delays each chunk by {player.jitter_ms:g} ms in the mean"
    return f"Tokens come at {player.tokens_per_second:g} a second; {network}."


def _length(traces: pd.DataFrame) -> str:
    lengths = traces.groupby(["system", "stream"])["samples"].sum() / 16_000
    low, high = float(lengths.min()), float(lengths.max())
    return seconds(high) if high - low < 0.05 else f"{seconds(low)} to {seconds(high)}"


def _rendered(template: str, **context: object) -> str:
    return _environment().get_template(template).render(context)
