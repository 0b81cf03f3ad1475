"""Waiting: what a trace says about it, what a player makes of it, and the bench that measures it."""

from __future__ import annotations

from .bench_tables import Bench, read_bench
from .decomposition import FirstPacket, first_packet, first_packets
from .percentiles import NOT_ESTIMABLE, chunk_percentiles, fewest_for, percentile
from .playout import Playout, playout
from .ratio import Ratio, bench_ratios, interleaved_ratio
from .retiming import retime
from .rows import FEWEST_FOR_GROWTH, FEWEST_FOR_P95, chunk_latency_by_position, latency_row, quarter_ratio
from .slope import Slope, fit_slope, slope_by_length, slope_by_position, slope_table
from .timeline import Timeline, timeline
from .what_if import Player, first_sound_by_rate, one_stream, outcomes, play, streams_of_bench, streams_of_run

__all__ = [
    "FEWEST_FOR_GROWTH",
    "FEWEST_FOR_P95",
    "NOT_ESTIMABLE",
    "Bench",
    "FirstPacket",
    "Player",
    "Playout",
    "Ratio",
    "Slope",
    "Timeline",
    "bench_ratios",
    "chunk_latency_by_position",
    "chunk_percentiles",
    "fewest_for",
    "first_packet",
    "first_packets",
    "first_sound_by_rate",
    "fit_slope",
    "interleaved_ratio",
    "latency_row",
    "one_stream",
    "outcomes",
    "percentile",
    "play",
    "playout",
    "quarter_ratio",
    "read_bench",
    "retime",
    "slope_by_length",
    "slope_by_position",
    "slope_table",
    "streams_of_bench",
    "streams_of_run",
    "timeline",
]
