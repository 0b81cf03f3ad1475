"""The prosody page: every F0 metric that a run holds, jumps at seams, contours over the reference."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import plotly.graph_objects as go
import pytest

from harness import prosody
from harness.metrics import get_metric
from harness.metrics.f0 import f0_contour
from harness.run import Run, table_of
from harness.storage import encode_flac
from reports.comparison import SAMPLE_RATE, Comparison
from reports.figures import to_json
from reports.html import _environment
from reports.prosody_section import prosody_section
from reports.prosody_table import PROSODY, jump_table, jumps_of, prosody_metrics, prosody_table


@pytest.fixture(scope="module")
def sung(run_path: Path, tmp_path_factory: pytest.TempPathFactory) -> Comparison:
    """The run with all prosody scores, and with naive singing: 60 cents up and down in turn at every seam."""
    path = tmp_path_factory.mktemp("sung") / "run"
    shutil.copytree(run_path, path)
    run = Run(path)
    for (system, utterance), rows in run.traces().groupby(["system", "utterance"]):
        if system == "naive":
            seams = sorted(s for s in rows["seam_sample"] if s > 0)
            samples = _stepped(len(run.audio(system, utterance)), seams, 60)
            (path / "audio" / system / f"{utterance}.flac").write_bytes(encode_flac(samples))
        if system == "streamflow-sr":
            samples = _stepped(len(run.audio(system, utterance)), [], 0)
            (path / "audio" / "reference" / f"{utterance}.flac").write_bytes(encode_flac(samples))
    table_of("scores", _scores(run)).to_parquet(path / "scores.parquet")
    return Comparison(Run(path))


def _stepped(length: int, seams: list[int], cents: float) -> np.ndarray:
    up = np.searchsorted(np.array(seams), np.arange(length), side="right") % 2
    phase = 2 * np.pi * np.cumsum(140 * 2 ** (cents * up / 1200)) / SAMPLE_RATE
    return (0.1 * sum(np.cos(k * phase) / k for k in range(1, 12))).astype(np.float32)


def _scores(run: Run) -> list[dict]:
    rng = np.random.default_rng(0)
    rows = []
    first = run.traces().query("index == 0")
    for system, utterance in zip(first["system"], first["utterance"], strict=True):
        speaker = next(u["speaker_id"] for u in run.utterances if u["utterance_id"] == utterance)
        who = {"system": system, "utterance": utterance, "speaker": speaker, "seed": 0}
        for metric in (get_metric(name) for name in ("f0_rmse_cents", "f0_declination", "voicing_error")):
            told = {"metric": metric.name, "identity": metric.identity, "unit": metric.unit, "unscored_because": ""}
            rows.append({**who, **told, "value": float(rng.normal())})
        rows.append({**rows[-1], "metric": "stoi", "identity": "stoi[x]", "unit": ""})
        harvest = get_metric("voicing_error", {"tracker": "harvest"})
        rows.append({**rows[-2], "identity": harvest.identity, "value": 1.0})
    rows[0] |= {"value": None, "unscored_because": "3 frames of 5 ms are voiced in both, 20 are needed"}
    return rows


def test_the_table_holds_the_prosody_metrics_alone_and_one_column_for_each_identity(sung: Comparison) -> None:
    names = [metric.name.split("[")[0] for metric in prosody_metrics(sung)]
    assert names == ["voicing_error", "voicing_error", "f0_declination", "f0_rmse_cents"]
    table = prosody_table(sung)
    assert [row.label for row in table.rows] == sung.systems
    assert all(len(row.cells) == len(table.columns) == 4 for row in table.rows)


def test_a_cell_is_the_mean_that_the_report_gives_everywhere_and_counts_what_is_unscored(sung: Comparison) -> None:
    table, metrics = prosody_table(sung), prosody_metrics(sung)
    for row in table.rows:
        for cell, metric in zip(row.cells, metrics, strict=True):
            estimate = sung.estimate(row.label, metric)
            assert cell.value == estimate.mean and cell.n == estimate.n
    assert sum("1 unscored" in cell.warning for row in table.rows for cell in row.cells) == 1


def test_every_prosody_metric_of_the_registry_has_a_place_on_the_page() -> None:
    for name in PROSODY:
        assert get_metric(name).name == name


def test_jumps_of_60_cents_are_found_at_the_seams_and_nowhere_in_the_reference(sung: Comparison) -> None:
    found = {jumps.system: jumps for jumps in jumps_of(sung, prosody.jump_table(sung.run))}
    naive = found["naive"]
    assert naive.here.mean == pytest.approx(60, abs=4) and naive.reference.mean < 2
    assert naive.between.mean < 2 and naive.excess.mean == pytest.approx(naive.here.mean - naive.between.mean)
    assert naive.heard == (100, 0) and naive.seams > 5
    row = next(row for row in jump_table(sung, list(found.values())).rows if row.label == "naive")
    assert row.cells[4].text == "100 %" and row.cells[2].tone == "worse"


def test_no_size_of_a_jump_has_an_interval_below_zero(comparison: Comparison) -> None:
    for jumps in jumps_of(comparison, prosody.jump_table(comparison.run)):
        assert not min(jumps.here.low, jumps.between.low, jumps.reference.low) < 0


def test_systems_without_seams_have_no_jumps(comparison: Comparison) -> None:
    systems = {jumps.system for jumps in jumps_of(comparison, prosody.jump_table(comparison.run))}
    assert "naive" in systems and not systems & {"full", "copy-synthesis"}


def test_seams_of_files_rendered_elsewhere_come_from_the_table_of_seams(run_path: Path, tmp_path: Path) -> None:
    shutil.copytree(run_path, tmp_path / "run")
    expected = prosody.jump_table(Run(run_path))
    traces = Run(run_path).traces()
    traces.iloc[:0].to_parquet(tmp_path / "run" / "traces.parquet")
    table = prosody.jump_table(Run(tmp_path / "run"))
    assert set(table["system"]) == set(expected["system"])
    merged = table.merge(expected, on=["system", "utterance", "sample"], suffixes=("", "_traced"))
    assert len(merged) == len(table) > 10  # seams too near an end for the measures are in no table of them
    assert np.array_equal(merged["cents"], merged["cents_traced"], equal_nan=True)


def test_contours_are_those_that_score_over_the_reference_with_the_seams_of_the_trace(comparison: Comparison) -> None:
    contours = prosody_section(comparison)["contours"]
    utterance, panels = next(iter(contours.items()))
    assert [panel["system"] for panel in panels] == [
        s for s in comparison.systems if utterance in comparison.decoded(s)
    ]
    figure = next(panel["figure"] for panel in panels if panel["system"] == "naive")
    seams, reference, own, apart = figure.data
    assert seams["x"] == [round(s / SAMPLE_RATE, 4) for s in comparison.seams_of["naive", utterance]] != []
    for trace, samples in (
        (reference, comparison.run.reference(utterance)),
        (own, comparison.run.audio("naive", utterance)),
    ):
        hertz = f0_contour(samples)[1]
        drawn = np.array([np.nan if y is None else y for y in trace["y"]])
        assert drawn == pytest.approx(hertz, abs=0.051, nan_ok=True)
    assert max(abs(y) for y in apart["y"] if y is not None) <= 150


def test_plotly_takes_every_figure(sung: Comparison) -> None:
    section = prosody_section(sung)
    figures = [panel["figure"] for panels in section["contours"].values() for panel in panels]
    for figure in [*figures, section["jump_figure"]]:
        go.Figure(json.loads(to_json(figure)))
        for trace in figure.data:
            assert trace["meta"]["role"] in {"system", "reference", "seam"}
        for name in (key for key in figure.layout if key.startswith(("xaxis", "yaxis"))):
            assert figure.layout[name].get("type") == "category" or figure.layout[name]["title"]["text"]


def test_the_template_renders_and_escapes_what_speakers_say(comparison: Comparison) -> None:
    page = (
        _environment()
        .get_template("prosody.html.j2")
        .render(prosody=prosody_section(comparison), comparison=comparison)
    )
    assert page.count("<section") == page.count("</section") == 1 and 'id="prosody"' in page
    assert "<img src=x" not in page and "jump-table" in page and "contour-1-1" in page


def test_a_run_without_f0_scores_and_without_audio_has_no_page(run_path: Path, tmp_path: Path) -> None:
    shutil.copytree(run_path, tmp_path / "run")
    shutil.rmtree(tmp_path / "run" / "audio")
    scores = Run(run_path).scores()
    scores[scores["metric"] == "stoi"].to_parquet(tmp_path / "run" / "scores.parquet")
    assert prosody_section(Comparison(Run(tmp_path / "run"))) is None
