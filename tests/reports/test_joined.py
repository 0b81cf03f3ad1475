"""Several runs side by side: names kept apart, the common utterances, and what differs said."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from make_run import SYSTEMS, speech
from page_document import Document

from harness.run import Run, RunError, RunFolder
from harness.storage import encode_flac, write_bytes
from reports import write_report
from reports.comparison import Comparison
from reports.joined import JoinedRuns, open_runs


@pytest.fixture(scope="module")
def second(run_path: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same run again, with one utterance less, one reference that differs, and one system only it has."""
    path = tmp_path_factory.mktemp("other") / "second"
    shutil.copytree(run_path, path, ignore=shutil.ignore_patterns("report"))
    kept = [u for u in Run(path).utterances if u["utterance_id"] != "flite_awb_1"]
    (path / "utterances.json").write_text(json.dumps(kept))
    reference = RunFolder(path).reference("flite_rms_2")
    write_bytes(reference, encode_flac(np.zeros(16_000, np.float32)))
    text = (path / "run.toml").read_text().replace('[systems."o\'brien & co"]', "[systems.mine]")
    (path / "run.toml").write_text(text.replace('decoder = "o\'brien & co"', 'decoder = "mine"'))
    return path


@pytest.fixture(scope="module")
def joined(run_path: Path, second: Path) -> JoinedRuns:
    return open_runs([run_path, second])


def test_systems_of_one_name_are_named_after_their_run(joined: JoinedRuns, run_path: Path) -> None:
    shared = [system for system in SYSTEMS if system != "o'brien & co"]
    assert set(joined.systems) == {
        *(f"{run}:{system}" for run in (run_path.name, "second") for system in shared), "o'brien & co", "mine",
    }  # fmt: skip


def test_only_utterances_with_the_same_reference_are_compared_and_that_is_said(joined: JoinedRuns) -> None:
    names = [u["utterance_id"] for u in joined.utterances]
    assert names == [u["utterance_id"] for u in speech() if u["utterance_id"] not in ("flite_awb_1", "flite_rms_2")]
    assert "4 utterances in common" in joined.notes[0] and "1 reference recording" in joined.notes[0]


def test_tables_are_those_of_the_runs(joined: JoinedRuns, run_path: Path) -> None:
    names = {u["utterance_id"] for u in joined.utterances}
    own = Run(run_path).scores()
    for system in ("full", "naive"):
        expected = own[(own["system"] == system) & own["utterance"].isin(names)]["value"]
        for run in (run_path.name, "second"):
            rows = joined.scores()
            assert rows[rows["system"] == f"{run}:{system}"]["value"].tolist() == pytest.approx(
                expected.tolist(), nan_ok=True
            )


def test_audio_is_that_of_the_run(joined: JoinedRuns, run_path: Path) -> None:
    np.testing.assert_array_equal(
        joined.audio("second:naive", "flite_slt_1"), Run(run_path).audio("naive", "flite_slt_1")
    )
    assert joined.audio_path("second:naive", "flite_slt_1").parts[-4:-1] == ("second", "audio", "naive")


def test_what_kept_every_system_of_one_run_is_not_told_of_the_other(
    run_path: Path, second: Path, tmp_path: Path
) -> None:
    lost = tmp_path / "lost"
    shutil.copytree(run_path, lost, ignore=shutil.ignore_patterns("report"))
    failures = [{"system": "*", "utterance": "flite_slt_1", "stage": "load", "error": "no such file"}]
    tables = {name: [] for name in ("traces", "scores", "seams", "latency")}
    RunFolder(lost).write_tables({**tables, "failures": failures})
    rows = open_runs([lost, second]).failures()
    rows = rows[rows["stage"] == "load"]
    assert set(rows["system"]) == {f"lost:{s}" for s in SYSTEMS if s != "o'brien & co"} | {"o'brien & co"}


def test_the_baseline_is_full_of_the_first_run(joined: JoinedRuns, run_path: Path) -> None:
    comparison = Comparison(joined)
    assert comparison.baseline == f"{run_path.name}:full"
    assert Comparison(joined, baseline="mine").baseline == "mine"
    with pytest.raises(RunError, match="'nobody'"):
        Comparison(joined, baseline="nobody")


def test_the_report_of_two_runs_shows_both(run_path: Path, second: Path, tmp_path: Path) -> None:
    out = write_report([run_path, second], tmp_path / "both" / "index.html")
    text = Document(out.read_text(encoding="utf-8")).text
    assert "4 utterances in common" in text and "second:streamflow-sr" in text
    assert "4 utterances, 3 speakers" in text


def test_runs_without_a_common_utterance_are_refused(run_path: Path, tmp_path: Path) -> None:
    other = tmp_path / "other"
    shutil.copytree(run_path, other, ignore=shutil.ignore_patterns("report", "audio"))
    (other / "utterances.json").write_text(json.dumps([{"utterance_id": "x", "speaker_id": "y", "text": ""}]))
    with pytest.raises(RunError, match="no utterance in common"):
        open_runs([run_path, other])


def test_a_run_given_twice_is_refused(run_path: Path) -> None:
    with pytest.raises(RunError, match="twice"):
        open_runs([run_path, run_path])


def test_one_run_is_itself(run_path: Path) -> None:
    assert isinstance(open_runs(run_path), Run) and isinstance(open_runs([run_path]), Run)
    with pytest.raises(RunError, match="no run"):
        open_runs([])
