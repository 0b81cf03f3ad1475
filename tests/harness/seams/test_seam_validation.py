"""The figures that the methods text quotes, the command that measures them, and the identity of the measures."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import harness
from harness import seams
from harness.seams import identity, validation
from harness.seams.identity import files
from harness.seams.planted import CONTROLS, DEFECTS


def test_the_kept_figures_are_of_all_defects_and_say_how_they_were_had():
    figures = validation.recorded_figures()
    assert figures["command"] == "python -m harness.seams.validation MANIFEST --write" and figures["date"]
    assert figures["corpus"] == "shared evaluation speech"
    assert set(figures["single"]) == set(figures["pooled"]) == {*DEFECTS, *CONTROLS}
    assert figures["clips"] >= 60 and figures["speakers"] >= 30
    for measure, row in figures["single"]["untouched"].items():
        assert row["z_above_2"] < 0.06 and abs(row["z_mean"]) < 0.25 and 0.8 < row["z_sd"] < 1.25, measure
    assert 0.47 < figures["pooled"]["untouched"]["detectability"]["auc"] < 0.53
    assert figures["scan"]["untouched"]["found"] < 0.05
    assert figures["single"]["slip"]["click"]["z_above_2"] > 0.9


@pytest.mark.slow
def test_the_command_measures_what_it_prints(capsys, tmp_path, monkeypatch):
    monkeypatch.setattr(validation, "FIGURES", tmp_path / "figures.json")
    validation.main(["--limit", "7", "--phases", "2", "--experiments", "2", "--write"])
    out = capsys.readouterr().out
    assert "7 clips" in out and "single, untouched" in out and "grid search" in out
    kept = json.loads((tmp_path / "figures.json").read_text())
    assert kept["identity"] == identity() and kept["clips"] == 7
    assert kept["single"]["slip"]["click"]["z_mean"] > kept["single"]["untouched"]["click"]["z_mean"] + 2
    assert str(Path(harness.__file__).parent) not in (tmp_path / "figures.json").read_text()


def test_the_identity_is_of_every_file_that_the_measures_import():
    named = {path.name for path in files()}
    assert {"f0.py", "mel.py", "residual.py", "positions.py", "table.py", "profiles.py", "signal.py"} <= named
    assert {f"{name}.py" for name in seams.MEASURES} <= named and "phases.py" in named
    assert all(path.is_file() for path in files())
    assert identity() == seams.IDENTITY and len(identity()) == 64


def test_another_f0_tracker_is_another_identity(monkeypatch):
    from harness.seams import identity as module  # the function hides the module of its name

    real = Path.read_bytes
    monkeypatch.setattr(Path, "read_bytes", lambda path: b"changed" if path.name == "f0.py" else real(path))
    before = identity()
    identity.cache_clear()
    try:
        assert module() != before
    finally:
        monkeypatch.undo()
        identity.cache_clear()
    assert identity() == before
