"""The latency page says what the traces and the bench hold, and says so where they hold too little."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import plotly.graph_objects as go
import pytest
from hypothesis import given
from hypothesis import strategies as st
from make_bench import GROWTH_S, MACHINE, SETTINGS, SYSTEMS, make_bench

from harness.latency import read_bench
from harness.run import Run
from reports.comparison import Comparison
from reports.figures import Figure, to_json
from reports.html import _environment
from reports.joined import JoinedRuns
from reports.latency_bands import BANDS, band_of, shade
from reports.latency_figures import frontier, quality_latency_figure
from reports.latency_first_packet import first_packet_figure, first_sounds
from reports.latency_section import latency_section


@pytest.fixture(scope="module")
def benched(run_path: Path, tmp_path_factory: pytest.TempPathFactory) -> Comparison:
    path = tmp_path_factory.mktemp("benched") / "run"
    shutil.copytree(run_path, path)
    make_bench(path)
    return Comparison(Run(path))


@pytest.fixture(scope="module")
def section(benched: Comparison) -> dict:
    return latency_section(benched)


def figures_of(section: dict) -> list[Figure]:
    found = []
    for value in section.values():
        if isinstance(value, Figure):
            found.append(value)
        elif isinstance(value, dict):
            found += figures_of(value)
    return found


def cells_of(table, system: str) -> dict:
    row = next(row for row in table.rows if row.label == system)
    return dict(zip((column.label for column in table.columns), row.cells, strict=True))


def test_plotly_takes_every_figure_and_every_trace_says_whose_it_is(section: dict) -> None:
    found = figures_of(section)
    assert len(found) > 12
    for figure in found:
        go.Figure(json.loads(to_json(figure)))  # raises ValueError for what plotly does not know
        assert {trace["meta"]["role"] for trace in figure.data} <= {"system", "systems", "reference", "seam"}
        assert figure.layout["xaxis"]["title"]["text"] and figure.data


def test_a_run_without_a_bench_has_the_page_without_its_part(comparison: Comparison) -> None:
    section = latency_section(comparison)
    assert section["bench"] is None and section["first_table"] and section["chunk_table"] and section["work_table"]


def test_what_was_never_timed_has_no_page(run_path: Path, tmp_path: Path) -> None:
    shutil.copytree(run_path, tmp_path / "run")
    run = Run(tmp_path / "run")
    for name in ("traces", "latency"):
        getattr(run, name)().iloc[:0].to_parquet(tmp_path / "run" / f"{name}.parquet")
    assert latency_section(Comparison(Run(tmp_path / "run"))) is None


def test_parts_of_the_first_sound_add_up_to_the_traces_first_arrival(comparison: Comparison) -> None:
    first = comparison.traces[comparison.traces["index"] == 0].groupby("system")["arrived_s"].mean()
    found = {f.system: f for f in first_sounds(comparison)}
    assert set(found) == set(comparison.systems)
    for system, sound in found.items():
        assert sound.total_s == pytest.approx(first[system], rel=1e-9)
        assert sound.dit_s > sound.vocoder_s > sound.other_s > 0


def test_the_bench_speaks_for_the_first_sound_where_there_is_one(benched: Comparison) -> None:
    bench = read_bench(benched.run.path)
    sessions = bench.single
    shortest = sessions[sessions["length_s"] == min(SETTINGS.lengths_s)]
    for sound in first_sounds(benched, bench):
        of = shortest[shortest["system"] == sound.system]
        assert sound.sessions == len(of) == SETTINGS.repeats
        assert sound.waited_s == pytest.approx(of["waited_s"].mean())


def test_a_bar_that_would_dwarf_the_others_is_cut_and_says_what_it_was(benched: Comparison) -> None:
    found = first_sounds(benched, read_bench(benched.run.path))
    figure = first_packet_figure(benched, found)
    end, full = figure.layout["xaxis"]["range"][1], next(f for f in found if f.system == "full")
    drawn = sum(trace["x"][trace["y"].index("full")] for trace in figure.data)
    text = next(a["text"] for a in figure.layout["annotations"] if a["y"] == "full")
    assert drawn < end < full.total_s and text.startswith("→ 17.")
    small = next(f for f in found if f.system == "streamflow-sr")
    assert sum(t["x"][t["y"].index("streamflow-sr")] for t in figure.data) == pytest.approx(small.total_s, abs=1e-4)


def test_a_percentile_of_too_few_chunks_is_not_estimable(benched: Comparison, section: dict) -> None:
    cells = cells_of(section["chunk_table"], "streamflow-sr")
    chunks = read_bench(benched.run.path).chunks
    of = chunks[(chunks["system"] == "streamflow-sr") & (chunks["clock"] == "virtual") & (chunks["index"] > 0)]
    assert 662 > len(of) >= 130
    for percent in (90, 95):
        assert cells[f"{percent}th percentile"].value == pytest.approx(np.percentile(of["compute_s"], percent))
    assert cells["99th percentile"].text == "not estimable"


def test_the_slope_is_the_growth_that_was_planted_and_a_flat_system_is_not_called_worse(section: dict) -> None:
    grows, flat = (cells_of(section["chunk_table"], s)["slope against position"] for s in ("naive", "streamflow-sr"))
    assert grows.value == pytest.approx(1000 * GROWTH_S / 0.96, rel=0.01)
    assert grows.low > 0 and grows.tone == "worse"
    assert abs(flat.value) < 0.1 and flat.tone == ""


def test_interrupts_have_no_90th_percentile_below_64(section: dict) -> None:
    cells = cells_of(section["bench"]["interrupt_table"], "naive")
    assert cells["90th percentile ↓"].text == "not estimable"
    assert cells["interrupt latency ↓"].value == pytest.approx(0.12)


def test_the_page_names_machine_load_and_failures_of_the_bench(section: dict) -> None:
    said = " ".join(section["bench"]["said"])
    assert MACHINE["cpu"] in said and "2 cores" in said and "1 torch thread" in said
    assert "1.0 to 3.0" in said and "broken failed (alone 5 s)" in said and "A-B-B-A" in said


def test_playout_shows_the_simulated_underrun_of_every_buffer(benched: Comparison, section: dict) -> None:
    rows = read_bench(benched.run.path).playout
    rows = rows[(rows["streams"] == 1) & (rows["length_s"] == 30) & (rows["jitter_ms"] == 0)]
    rows = rows[(rows["tokens_per_second"] == 25) & (rows["system"] == "naive")]
    figure = section["bench"]["playout_figures"]["25 tokens/s, no jitter"]
    trace = next(trace for trace in figure.data if trace["name"] == "naive")
    assert trace["x"] == sorted(SETTINGS.buffers_ms)
    assert trace["y"] == pytest.approx(rows.sort_values("buffer_ms")["underrun_s"].tolist(), abs=1e-4)
    table = section["bench"]["playout_table"]
    assert (table.columns[0].label, table.columns[0].note) == ("25 tokens/s", "jitter 0 ms, buffer ↓")
    need = next(row.cells[0].value for row in table.rows if row.label == "naive")
    assert need == pytest.approx(rows["buffer_for_none_ms"].iloc[0])


def test_faster_tokens_bring_the_first_sound_sooner_but_not_before_the_compute(section: dict) -> None:
    figure = section["bench"]["rate_figure"]
    line = next(trace for trace in figure.data if trace.get("name") == "streamflow-sr")
    waits = dict(zip(line["x"], line["y"], strict=True))
    assert list(waits) == sorted(SETTINGS.token_rates)
    for rate, wait_s in waits.items():
        assert wait_s == pytest.approx(24 / rate + 0.15, abs=1e-3)
    cells = cells_of(section["bench"]["rate_table"], "streamflow-sr")
    assert [cell.value for cell in cells.values()] == pytest.approx(list(waits.values()), abs=1e-4)
    assert cells["200 tokens/s"].note == "100 to 300 ms"


def test_systems_are_compared_at_a_length_that_all_were_measured_at(run_path: Path, tmp_path: Path) -> None:
    path = tmp_path / "run"
    shutil.copytree(run_path, path)
    make_bench(path)
    for name in ("chunks", "sessions", "playout"):  # as an interrupted bench leaves them
        table = pd.read_parquet(path / "bench" / f"{name}.parquet")
        table = table[(table["system"] != "naive") | (table["length_s"] != 30)]
        table.to_parquet(path / "bench" / f"{name}.parquet")
    section = latency_section(Comparison(Run(path)))["bench"]
    assert [row.label for row in section["playout_table"].rows] == ["full", "naive", "streamflow-sr"]
    assert "a stream of 15 s" in section["playout_table"].caption


def test_several_runs_have_one_latency_page_with_each_bench_under_its_runs_name(run_path: Path, tmp_path: Path) -> None:
    for name in ("first", "second"):
        shutil.copytree(run_path, tmp_path / name)
        make_bench(tmp_path / name)
    joined = Comparison(JoinedRuns([Run(tmp_path / name) for name in ("first", "second")]))
    rows = latency_section(joined)["bench"]["interrupt_table"].rows
    assert [row.label for row in rows] == [f"{run}:{s}" for run in ("first", "second") for s in SYSTEMS]


def test_more_streams_take_longer_in_table_and_figure(section: dict) -> None:
    rows = [row for row in section["bench"]["streams_table"].rows if row.label == "naive"]
    assert [row.cells[0].text for row in rows] == [str(n) for n in SETTINGS.streams]
    waits = [row.cells[1].value for row in rows]
    assert waits == sorted(waits) and waits[0] < waits[-1]


@pytest.mark.parametrize(("wait_s", "name"), [(0.0999, "below 100 ms"), (0.1, "100 to 300 ms"), (0.3, "300 to 600 ms")])
def test_a_limit_belongs_to_the_band_above_it(wait_s: float, name: str) -> None:
    assert band_of(wait_s) == name and band_of(0.6) == band_of(float("inf")) == "above 600 ms"


def test_bands_reach_to_the_end_of_the_axis_and_no_further() -> None:
    figure = Figure(100)
    shade(figure, 500, axis="y", scale=1000)
    assert [(s["y0"], s["y1"]) for s in figure.layout["shapes"]] == [(1000 * b[0], 500_000) for b in BANDS[:-1]]
    short = Figure(100)
    shade(short, 0.25)
    assert [(s["x0"], s["x1"]) for s in short.layout["shapes"]] == [(0.1, 0.25)]


points = st.dictionaries(
    st.text(min_size=1, max_size=3), st.tuples(st.floats(0.01, 100), st.floats(-5, 5)), min_size=1, max_size=9
)


@given(points, st.sampled_from(["higher", "lower"]))
def test_the_frontier_is_what_no_other_system_beats(points: dict, direction: str) -> None:
    kept, sign = frontier(points, direction), 1 if direction == "higher" else -1

    def beaten(system: str) -> bool:
        wait, score = points[system]
        return any(
            w <= wait and sign * s >= sign * score and (w < wait or sign * s > sign * score) for w, s in points.values()
        )

    assert not any(beaten(system) for system in kept)
    unbeaten = {points[system] for system in points if not beaten(system)}
    assert {points[system] for system in kept} == unbeaten
    assert [points[s][0] for s in kept] == sorted(points[s][0] for s in kept)


def test_controls_are_no_decoders_and_stay_off_the_frontier(comparison: Comparison) -> None:
    figure = next(iter(latency_section(comparison)["quality_figures"].values()))
    line = next(trace for trace in figure.data if trace.get("name") == "frontier")
    control = next(trace for trace in figure.data if trace.get("name") == "copy-synthesis")
    assert control["y"][0] not in line["y"]


def test_a_metric_without_better_or_worse_has_no_frontier(comparison: Comparison) -> None:
    metric = comparison.metrics[0]
    for direction, lines in (("higher", 1), ("lower", 1), ("", 0)):
        figure = quality_latency_figure(comparison, replace(metric, direction=direction))
        assert sum(trace.get("name") == "frontier" for trace in figure.data) == lines


def test_the_template_renders_with_and_without_a_bench_and_escapes(comparison: Comparison, benched: Comparison) -> None:
    template = _environment().get_template("latency.html.j2")
    for of in (comparison, benched):
        page = template.render(latency=latency_section(of), comparison=of)
        assert page.count("<section") == page.count("</section") == 1 and 'id="latency"' in page
        assert "<b>no</b>" not in page
        for name, felt in ((name, felt) for _, name, felt in BANDS):
            assert f"{name}: {felt}" in page
    assert "playout-table" in page
