"""The seams page: every figure and table of a run with seams, of one without, and of files nobody knows the seams of."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import plotly.graph_objects as go
import pytest

from harness.run import Run
from harness.seams import MEASURES, planted, profile_rows, seam_detectability, seam_summary
from harness.seams.profiles import MEL_DISTANCE
from harness.storage import encode_flac
from reports.comparison import Comparison
from reports.figures import to_json
from reports.html import _environment
from reports.seam_profiles import folded
from reports.seam_section import found_grids, seam_section, told_apart, validated
from reports.seam_tables import Detectability, Effect, SeamRow, detectabilities, seam_rows, seam_table

SEAMED = ("naive", "streamflow-sr", "o'brien & co")


@pytest.fixture(scope="module")
def profiled(run_path: Path, tmp_path_factory: pytest.TempPathFactory) -> Comparison:
    """The run with profiles, as scoring writes them."""
    path = tmp_path_factory.mktemp("profiled") / "run"
    shutil.copytree(run_path, path, ignore=shutil.ignore_patterns("report"))
    comparison = Comparison(Run(path))
    rows = []
    for (system, utterance), seams in comparison.seams_of.items():
        samples, whole = comparison.run.audio(system, utterance), comparison.run.audio("full", utterance)
        who = {"system": system, "utterance": utterance, "seed": 0}
        rows += [{**who, **row} for row in profile_rows(samples, seams, whole)]
    pd.DataFrame(rows).to_parquet(path / "profiles.parquet", index=False)
    return Comparison(Run(path))


@pytest.fixture(scope="module")
def section(profiled: Comparison) -> dict:
    return seam_section(profiled)


def render(comparison: Comparison, section: dict) -> str:
    environment = _environment()
    environment.globals["exports"] = lambda table, name: {}
    return environment.get_template("seams.html.j2").render(comparison=comparison, seams=section)


def test_a_system_with_steps_and_slips_stands_out_and_one_that_only_cuts_does_not(section):
    naive, cut = (next(s for s in section["said"] if f"Seams of {name} " in s) for name in ("naive", "streamflow-sr"))
    assert re.search(r"stand out in (click|energy_step_db|mel_flux)", naive)
    assert "stand out in no measure" in cut


def test_the_rows_are_those_of_the_summary(profiled: Comparison):
    table = profiled.seams[profiled.seams["system"] == "naive"].drop(columns="system")
    expected = seam_summary(table, speakers=profiled.speaker_of)
    rows = {row.measure: row for row in seam_rows(profiled) if row.system == "naive"}
    assert list(rows) == list(expected.index[expected["n"] > 0])
    for measure, row in rows.items():
        assert row.z == pytest.approx(expected.loc[measure, "z"], nan_ok=True)
        assert row.effect.mean == pytest.approx(expected.loc[measure, "effect"], nan_ok=True)
        assert row.control.p == pytest.approx(expected.loc[measure, "p_reference"], nan_ok=True)
    assert {row.system for row in seam_rows(profiled)} == set(SEAMED)


def test_p_is_corrected_over_all_systems_and_measures(profiled: Comparison):
    from scipy.stats import norm
    from statsmodels.stats.multitest import multipletests

    rows = [row for row in seam_rows(profiled) if np.isfinite(row.z)]
    expected = multipletests([norm.sf(row.z) for row in rows], method="holm")[1]
    assert [row.p_holm for row in rows] == pytest.approx(expected)


def test_detectability_is_that_of_the_harness_with_its_control(profiled: Comparison, section):
    expected = seam_detectability(profiled.seams, speakers=profiled.speaker_of)
    found = {row.system: row for row in detectabilities(profiled)}
    assert set(found) == set(SEAMED)
    for system, row in found.items():
        assert row.auc == pytest.approx(expected.loc[system, "auc"], nan_ok=True)
        assert row.because == expected.loc[system, "because"]
    cells = {row.label: row.cells for row in section["detect_table"].rows}
    for system, row in found.items():
        assert ("needed" in cells[system][0].note) == bool(row.because)


def test_every_figure_is_one_that_plotly_takes(section):
    figures = [figure for _, figure in section["z_figures"]] + list(section["effect_figures"].values())
    figures += [*section["profile_figures"].values(), section["distance_figure"], section["detect_figure"]]
    figures = [figure for figure in figures if figure is not None]
    assert len(figures) >= 15
    for figure in figures:
        content = json.loads(to_json(figure))
        for trace in content["data"]:
            assert trace.pop("meta")["role"] in ("system", "reference")
        drawn = go.Figure(content)
        values = [v for trace in drawn.data for v in (*trace.x, *trace.y) if isinstance(v, float)]
        assert values and np.isfinite(values).all()
        assert drawn.layout.xaxis.title.text


def test_the_folded_profile_is_the_mean_over_utterances_by_frames(profiled: Comparison):
    table = profiled.run.profiles()
    rows = table[(table["system"] == "naive") & (table["kind"] == "mel_flux") & (table["offset_s"].abs() < 1e-9)]
    found = folded(profiled)
    found = found[(found["system"] == "naive") & (found["kind"] == "mel_flux") & (found["offset_s"].abs() < 1e-9)]
    assert found["value"].item() == pytest.approx(np.average(rows["value"], weights=rows["n"]))
    assert set(table["kind"]) >= {MEL_DISTANCE, "click"}


def test_the_page_holds_every_table_and_says_what_each_measure_sees(profiled: Comparison, section):
    page = render(profiled, section)
    for name in ("seam-detect-table", "seam-chunks", "seam-table"):
        assert f'id="{name}"' in page
    for measure in MEASURES.values():
        assert measure.sees in page
    assert page.count('<section id="seams"') == page.count("</section>") == 1
    assert "o&#39;brien &amp; co" in page and "o'brien & co</" not in page
    ids = re.findall(r' id="([^"]+)"', page)
    assert len(ids) == len(set(ids))


def test_the_page_quotes_false_alarms_and_sensitivity_with_their_command():
    text = " ".join(validated())
    assert re.search(r"False alarms on untouched speech: z exceeds 2, .* in \d", text)
    assert "slip 0.25 ms in" in text and "python -m harness.seams.validation" in text
    assert "nan" not in text


def test_the_page_says_what_its_false_alarms_and_sensitivity_rest_on():
    text = " ".join(validated())
    assert "60 experiments with 20 of these clips each, which overlap" in text
    assert "of 6 overlapping experiments with 20 clips together" in text
    assert re.search(r"is below 0\.05 in \d.* to \d.* and \d.* to \d", text)
    assert re.search(r"there is none in [\d.]+\s% of single clips", text)
    assert "seams.validation MANIFEST --write (MANIFEST: shared evaluation speech; with the shipped corpus 84" in text


@pytest.mark.parametrize(
    ("low", "high", "expected"),
    [
        (0.61, 0.75, "A classifier tells them apart: area 0.68 (0.61 to 0.75)."),
        (0.50, 0.75, "A classifier does not tell them apart for certain: area 0.68 (0.50 to 0.75; 0.5 is guessing)."),
        (0.44, 0.75, "A classifier does not tell them apart for certain: area 0.68 (0.44 to 0.75; 0.5 is guessing)."),
        (
            np.nan,
            np.nan,
            "A classifier does not tell them apart for certain: area 0.68 (no interval; 0.5 is guessing).",
        ),
    ],
)
def test_seams_are_told_apart_only_by_an_interval_above_guessing(low, high, expected):
    assert told_apart(Detectability("a", 0.68, low, high, 0.5, 0.4, 0.6, 20, 90, "click", "")) == expected


@pytest.mark.parametrize(
    ("z", "z_reference", "p", "expected"),
    [
        (4.5, 0.3, 0.001, True),
        (4.5, 2.5, 0.001, True),
        (4.5, 3.0, 0.001, False),
        (4.5, np.nan, 0.001, True),
        (1.0, -3.0, 0.9, False),
        (np.nan, 0.0, np.nan, False),
    ],
)
def test_what_the_recording_does_at_the_same_places_does_not_stand_out(z, z_reference, p, expected):
    effect = Effect(0.0, 0.0, 0.0, 1.0)
    row = SeamRow("a", "f0_step_cents", "cents", 9.0, 8.0, 9.0, z, z_reference, 900, effect, effect, p)
    assert row.stands_out is expected


def test_the_page_says_that_the_classifier_ranks_against_matched_values(profiled: Comparison, section):
    page = render(profiled, section)
    assert "ranks a seam above matched values from the same file" in page
    assert "ranks a seam above a matched position" not in page
    assert "at least 2 above the recording" in page


def test_the_table_is_of_numbers_that_can_be_sorted(section):
    rows = section["table"].rows
    assert {row.label for row in rows} == set(SEAMED)
    columns = len(section["table"].columns)
    assert all(len(row.cells) == columns for row in rows)
    assert sum(cell.value is not None for row in rows for cell in row.cells) > 5 * len(rows)


def test_a_run_of_before_there_were_profiles_has_a_page_without_them(comparison: Comparison):
    found = seam_section(comparison)
    assert found["profile_figures"] == {} and found["distance_figure"] is None
    assert "seam-profile" not in render(comparison, found)


def without_traces(source: Path, path: Path, defect) -> Comparison:
    """The run as if its files had been rendered elsewhere: no traces, no seams, one system with or without a grid."""
    shutil.copytree(source, path, ignore=shutil.ignore_patterns("report", "profiles.parquet"))
    run = Run(path)
    for name in ("traces", "seams", "latency"):
        pd.read_parquet(path / f"{name}.parquet").iloc[:0].to_parquet(path / f"{name}.parquet", index=False)
    for utterance in run.utterances:
        reference = run.reference(utterance["utterance_id"]).astype(np.float64)
        seams = list(range(3840, len(reference), 3840))
        samples = defect(reference, seams).astype(np.float32)
        (path / "audio" / "naive" / f"{utterance['utterance_id']}.flac").write_bytes(encode_flac(samples))
    return Comparison(Run(path))


def test_the_grid_of_files_rendered_elsewhere_is_found_and_whole_ones_have_none(run_path: Path, tmp_path: Path):
    comparison = without_traces(run_path, tmp_path / "run", planted.slip)
    grids = found_grids(comparison)
    assert set(grids) == set(comparison.systems) - comparison.controls
    assert grids["naive"].found and grids["naive"].period_samples == 3840
    section = seam_section(comparison)
    rows = {row.label: row.cells for row in section["grid_table"].rows}
    assert rows["naive"][0].text == "240.0 ms"
    assert rows["full"][0].text == "none found"
    assert section["table"] is None and section["detect_table"] is None
    assert "240.0 ms" in render(comparison, section)


def test_a_run_without_audio_seams_or_traces_has_no_page(run_path: Path, tmp_path: Path):
    comparison = without_traces(run_path, tmp_path / "run", planted.untouched)
    shutil.rmtree(tmp_path / "run" / "audio")
    assert seam_section(comparison) is None
    assert seam_table(comparison) is None
