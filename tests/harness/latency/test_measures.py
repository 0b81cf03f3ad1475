"""Percentiles, slopes, the first packet's parts and ratios, on numbers whose answers are known."""

from __future__ import annotations

import math

import numpy as np
import pandas
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from harness.latency import (
    FirstPacket,
    chunk_percentiles,
    fewest_for,
    first_packet,
    first_packets,
    fit_slope,
    interleaved_ratio,
    percentile,
    slope_by_position,
    slope_table,
)
from harness.latency.ratio import ratio_of
from streamflow.session import StreamRequest

# percentiles


def test_the_floors_are_those_that_mlperf_publishes():
    # MLPerf Inference rules, early stopping: minimum query counts of 64 for the 90th and 662 for the 99th percentile
    assert (fewest_for(90), fewest_for(99)) == (64, 662)


@pytest.mark.parametrize("percent", [75, 90, 95, 97, 99])
def test_a_floor_is_where_one_sample_in_the_tail_becomes_improbable(percent):
    n = fewest_for(percent)
    assert stats.binom.cdf(1, n, 1 - percent / 100) <= 0.01 < stats.binom.cdf(1, n - 1, 1 - percent / 100)


@given(st.lists(st.floats(0, 10), min_size=1, max_size=200), st.sampled_from([50, 90, 95]))
def test_a_percentile_is_numpys_or_none(values, percent):
    result = percentile([*values, math.nan], percent)
    if len(values) < {50: 1, 90: 64, 95: 130}[percent]:
        assert result is None
    else:
        assert result == pytest.approx(np.percentile(values, percent))


def test_percentiles_outside_the_upper_half_are_refused():
    with pytest.raises(ValueError, match=r"\[50, 100\)"):
        percentile([1.0], 100)


def test_chunk_percentiles_leave_the_first_chunk_out_and_say_what_they_cannot_know():
    frame = pandas.DataFrame({"system": "a", "index": [0, *range(1, 71)], "compute_s": [99.0, *[0.1] * 70]})
    row = chunk_percentiles(frame).iloc[0]
    assert (row["chunks"], row["p50_s"], row["p90_s"]) == (70, pytest.approx(0.1), pytest.approx(0.1))
    assert np.isnan(row["p95_s"]) and np.isnan(row["p99_s"])


# slopes


def test_a_slope_is_scipys_in_each_repeat_and_its_interval_is_students_over_them():
    random = np.random.default_rng(1)
    x, repeats = np.tile(np.arange(20.0), 5), np.repeat(np.arange(5), 20)
    y = 0.3 + 0.02 * x + random.normal(0, 0.05, 100)
    fit = fit_slope(x, y, repeats)
    each = [stats.theilslopes(y[repeats == r], x[repeats == r]).slope for r in range(5)]
    expected = stats.ttest_1samp(each, 0).confidence_interval()
    assert fit.slope == pytest.approx(np.mean(each))
    assert (fit.low, fit.high) == (pytest.approx(expected.low), pytest.approx(expected.high))
    assert (fit.repeats, fit.points) == (5, 100)


def test_a_burst_of_other_work_does_not_tilt_the_line():
    y = np.full(100, 0.1)
    y[80:95] = 3.0
    assert fit_slope(np.arange(100), y, np.zeros(100)).slope == pytest.approx(0)


def test_the_interval_of_a_slope_covers_it_as_often_as_it_says():
    random, covered = np.random.default_rng(2), 0
    for _ in range(400):
        x, repeats = np.tile(np.arange(12.0), 4), np.repeat(np.arange(4), 12)
        drift = random.normal(0, 0.02, 4)[repeats] * x  # a repeat's own trend: its chunks are not independent
        fit = fit_slope(x, 0.05 * x + drift + random.normal(0, 0.1, 48), repeats)
        covered += fit.low <= 0.05 <= fit.high
    assert 0.92 <= covered / 400 <= 0.98


@given(st.floats(-5, 5), st.floats(-5, 5))
def test_an_exact_line_comes_back(slope, intercept):
    x = np.tile(np.arange(6.0), 2)
    fit = fit_slope(x, slope * x + intercept, np.repeat([0, 1], 6))
    assert fit.slope == pytest.approx(slope, abs=1e-9)
    assert fit.intercept == pytest.approx(intercept, abs=1e-6)


def test_one_repeat_has_no_interval_and_too_few_points_no_line():
    assert fit_slope([0, 1, 2], [0, 1, 2.5], ["a"] * 3)[2:4] == (None, None)
    assert fit_slope([1, 1], [0, 1], [0, 0]) is None
    assert fit_slope([1, 2], [0, 1], [0, 1]) is None


def chunks_of(system: str, length_s: int, repeat: int, times: list[float]) -> pandas.DataFrame:
    """Chunks of 240 ms, the last a remainder."""
    n = len(times)
    return pandas.DataFrame(
        {"system": system, "length_s": float(length_s), "repeat": repeat, "streams": 1, "stream": 0, "clock": "virtual"}
        | {"index": range(n), "start_sample": np.arange(n) * 3840, "samples": [3840] * (n - 1) + [1000]}
        | {"compute_s": times}
    )


def test_growth_is_told_from_a_first_and_a_last_chunk_that_differ():
    flat = chunks_of("flat", 10, 0, [9.0, *[0.1] * 30, 7.0])
    growing = chunks_of("growing", 10, 0, [9.0, *(0.1 + 0.01 * 0.24 * np.arange(1, 31)), 7.0])
    assert slope_by_position(flat).slope == pytest.approx(0)
    assert slope_by_position(growing).slope == pytest.approx(0.01)
    assert slope_by_position(chunks_of("short", 1, 0, [0.1] * 6)) is None


def test_the_table_has_both_slopes_of_every_system_and_a_whole_utterance_has_one():
    parts = []
    for repeat in range(3):
        for length_s, count in ((5, 20), (10, 40)):
            parts.append(chunks_of("stream", length_s, repeat, [0.1 + 0.002 * length_s] * count))
            parts.append(chunks_of("whole", length_s, repeat, [0.3 * length_s + 0.01 * repeat]))
    table = slope_table(pandas.concat(parts)).set_index(["system", "against"])
    assert table.loc[("stream", "position"), "slope"] == pytest.approx(0)
    assert table.loc[("stream", "length"), "slope"] == pytest.approx(0.002)
    assert table.loc[("whole", "length"), "slope"] == pytest.approx(0.3)
    assert ("whole", "position") not in table.index
    assert table.loc[("whole", "length"), "repeats"] == 3


# the first packet

SECONDS = st.floats(0, 2)


@given(st.integers(1, 50), SECONDS, SECONDS, SECONDS, SECONDS)
def test_the_parts_of_the_first_packet_add_up_to_the_wait(tokens, late, dit, vocoder, early):
    """Whatever part of the work was done before the last token came."""
    work = dit + vocoder + early
    arrived = tokens / 25 + min(late, work)
    parts = first_packet({"tokens_in": tokens, "arrived_s": arrived, "dit_s": dit, "vocoder_s": vocoder})
    assert parts.first_sound_s == pytest.approx(arrived)
    assert parts.waited_s == pytest.approx(tokens / 25)
    assert min(parts) >= 0
    assert parts.dit_s <= dit + 1e-12 and parts.vocoder_s <= vocoder + 1e-12


def test_a_first_packet_whose_parts_are_known():
    chunk = {"tokens_in": 10, "arrived_s": 0.55, "dit_s": 0.1, "vocoder_s": 0.03}
    assert first_packet(chunk) == pytest.approx(FirstPacket(0.4, 0.1, 0.03, 0.02))
    assert first_packet(chunk, 50).waited_s == pytest.approx(0.2)
    hidden = first_packet(chunk | {"dit_s": 0.3, "vocoder_s": 0.1})  # 0.25 s of it while tokens still came
    assert hidden == pytest.approx(FirstPacket(0.4, 0.1125, 0.0375, 0.0))


def test_first_packets_of_a_run_are_those_of_its_first_chunks():
    row = {"system": "s", "utterance": "u", "seed": 0, "index": 0, "tokens_in": 5, "arrived_s": 0.3, "dit_s": 0.05}
    traces = pandas.DataFrame([row | {"vocoder_s": 0.02}, row | {"index": 1, "arrived_s": 0.5, "vocoder_s": 0.02}])
    table = first_packets(traces)
    assert len(table) == 1
    assert table.loc[0, "first_packet_s"] == pytest.approx(0.1)
    assert table.loc[0, "other_s"] == pytest.approx(0.03)


# ratios


def machine(times: dict[str, float], drift: float = 1.0, seed: int | None = None):
    """A clock for :func:`interleaved_ratio`: every session takes its system's time, on a machine that slows down."""
    random, turns = np.random.default_rng(seed), iter(range(10_000))

    def measure(name, system, request):
        noise = 1.0 if seed is None else math.exp(random.normal(0, 0.1))
        return {"rtf": times[name] * drift ** next(turns) * noise}

    return measure


def requests(count: int) -> list[StreamRequest]:
    return [StreamRequest(f"u{i}", np.zeros(1, np.float32)) for i in range(count)]


@given(st.floats(0.01, 100), st.floats(0.01, 100), st.floats(0.9, 1.1), st.integers(1, 4), st.integers(2, 4))
def test_a_machine_that_slows_down_steadily_does_not_change_a_ratio(a, b, drift, count, repeats):
    measure = machine({"A": a, "B": b}, drift)
    ratio = interleaved_ratio(None, None, requests(count), repeats, measure=measure)["rtf"]
    assert ratio.ratio == pytest.approx(b / a, rel=1e-6)


def test_the_interval_of_a_ratio_covers_it_as_often_as_it_says():
    covered = 0
    for seed in range(400):
        measure = machine({"A": 1.0, "B": 1.3}, 1.01, seed)
        ratio = interleaved_ratio(None, None, requests(2), 4, measure=measure)["rtf"]
        covered += ratio.low <= 1.3 <= ratio.high
    assert 0.92 <= covered / 400 <= 0.98


def test_a_ratio_is_a_geometric_mean_with_students_interval_of_logarithms():
    logs = np.log([1.1, 1.3, 1.2, 1.5])
    ratio = ratio_of(logs)
    expected = stats.ttest_1samp(logs, 0).confidence_interval()
    assert ratio.ratio == pytest.approx(stats.gmean([1.1, 1.3, 1.2, 1.5]))
    assert (ratio.low, ratio.high) == (pytest.approx(math.exp(expected.low)), pytest.approx(math.exp(expected.high)))
    assert ratio_of([0.5])[1:] == (None, None)


def test_a_ratio_of_nothing_is_refused():
    with pytest.raises(ValueError, match="at least one"):
        interleaved_ratio(None, None, [])
