"""`streamflow score`: folders of files become a run that is scored, resumed and reported like any other."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pandas
import pytest
import soundfile
from click.testing import CliRunner
from typer.main import get_command

from harness.cli import app
from harness.run import Run

from .conftest import SHIPPED


@pytest.fixture
def folders(tmp_path, shipped_rows) -> Path:
    """Four recordings; ``same`` is them in other formats, ``dull`` at 8 kHz and in stereo."""
    for row in shipped_rows[:4]:
        samples, rate = soundfile.read(SHIPPED.parent / row["path"], dtype="float32")
        name = f"{row['utterance_id']} [take 1]"
        for system, suffix in (("recordings", "wav"), ("same", "flac"), ("dull", "wav")):
            (tmp_path / system).mkdir(exist_ok=True)
            kept = samples if system != "dull" else np.stack([samples[::2]] * 2, axis=1)
            soundfile.write(tmp_path / system / f"{name}.{suffix}", kept, rate if system != "dull" else rate // 2)
    return tmp_path


def run(*arguments: object):
    return CliRunner().invoke(get_command(app), [str(argument) for argument in arguments])


def score(folders: Path, *more: object):
    return run(
        "score", "--reference", folders / "recordings", "--system", f"same={folders / 'same'}",
        "--system", f"dull={folders / 'dull'}", "--out", folders / "run", *more,
    )  # fmt: skip


def test_files_from_anywhere_become_a_run_with_scores_and_a_report(folders):
    done = score(folders, "--metrics", "stoi,estoi,log_spectral_distance", "--seam-period", "dull=0.5")
    assert done.exit_code == 0, done.output
    found = Run(folders / "run")
    table = found.scores().pivot_table(index="utterance", columns=["metric", "system"], values="value")
    assert len(table) == 4
    assert (table["stoi", "same"] > 0.999).all()
    assert (table["log_spectral_distance", "dull"] > table["log_spectral_distance", "same"]).all()
    assert set(found.seams()["system"]) == {"dull"}
    assert found.experiment["rendered"]["utterances"] == 4
    assert (folders / "run" / "report" / "index.html").is_file()
    # said where it was missing, not left out
    assert "speakers unknown" in done.output


def test_a_missing_and_an_unreadable_file_are_listed_and_the_rest_is_compared(folders):
    files = sorted((folders / "dull").iterdir())
    files[0].unlink()
    files[1].write_bytes(b"RIFF and nothing more")
    done = score(folders, "--metrics", "stoi", "--no-report")
    assert done.exit_code == 0, done.output
    found = Run(folders / "run")
    assert sorted(found.failures()["system"]) == ["dull", "dull"]
    assert found.scores().groupby("system").size().to_dict() == {"dull": 2, "same": 2}


def test_given_again_only_what_changed_is_scored(folders):
    assert "8 scored" in score(folders, "--metrics", "stoi", "--no-report").output
    before = Run(folders / "run").scores()
    assert "0 scored" in score(folders, "--metrics", "stoi", "--no-report").output
    pandas.testing.assert_frame_equal(Run(folders / "run").scores(), before)
    first, second = sorted((folders / "dull").iterdir())[:2]
    shutil.copy(first, folders / "kept.wav")
    shutil.copy(second, first)
    assert "1 scored" in score(folders, "--metrics", "stoi", "--no-report").output
    shutil.copy(folders / "kept.wav", first)
    # the old content again: its score is known by content
    assert "0 scored" in score(folders, "--metrics", "stoi", "--no-report").output
    pandas.testing.assert_frame_equal(Run(folders / "run").scores(), before)


@pytest.mark.parametrize(
    ("more", "part"),
    [
        (["--system", "same=other"], "--system same is given twice"),
        (["--system", "third"], "give NAME=VALUE"),
        (["--metrics", "stoy"], "did you mean stoi?"),
        (["--seam-period", "dull=soon"], "give a number"),
        (["--metric-option", "wer=x"], "METRIC.PARAMETER=VALUE"),
        (["--metrics", "si_sdr"], "si_sdr is refused"),
    ],
)
def test_a_mistake_is_one_line_that_names_it(folders, more, part):
    done = score(folders, *more)
    assert done.exit_code == 2
    assert part in done.output and done.output.count("\n") == 1


def test_a_run_of_the_other_kind_is_not_overwritten(folders):
    assert score(folders, "--metrics", "none", "--no-report").exit_code == 0
    done = run(
        "compare", "--corpus", SHIPPED, "--systems", "full", "--limit", 1, "--out", folders / "run", "--no-report"
    )
    assert done.exit_code == 2 and "a run of `streamflow score`, which this would overwrite" in done.output


def test_killed_while_files_are_read_it_goes_on(folders):
    out = folders / "run"
    command = [sys.executable, "-m", "harness.cli", "score", "--reference", folders / "recordings", "--system",
               f"same={folders / 'same'}", "--metrics", "none", "--no-report", "--out", out]  # fmt: skip
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
    process = subprocess.Popen(list(map(str, command)), env=environment, stderr=subprocess.DEVNULL)
    while not list(out.glob(".renderings/*/*.json")):
        assert process.poll() is None
        time.sleep(0.002)
    process.kill()
    process.wait()
    assert score(folders, "--metrics", "none", "--no-report").exit_code == 0
    assert len(Run(out).utterances) == 4


def test_what_could_not_run_for_want_of_a_package_is_tried_again(folders, monkeypatch):
    """The worker finds a broken pystoi before the real one; then the real one again."""
    broken = folders / "broken" / "pystoi"
    broken.mkdir(parents=True)
    (broken / "__init__.py").write_text("raise ImportError('no binary part')")
    monkeypatch.setattr(sys, "path", [str(broken.parent), *sys.path])
    assert score(folders, "--metrics", "stoi", "--no-report").exit_code == 0
    assert Run(folders / "run").scores()["unscored_because"].str.contains("cannot run here: no binary part").all()
    monkeypatch.setattr(sys, "path", sys.path[1:])
    assert "8 scored" in score(folders, "--metrics", "stoi", "--no-report").output
    assert (Run(folders / "run").scores()["unscored_because"] == "").all()


def test_an_edited_metric_of_ones_own_scores_again(folders, monkeypatch):
    monkeypatch.syspath_prepend(str(folders))
    source = "from harness.metrics import Metric\nM = Metric('m', '', '', 'mine', lambda pair: {}, '')\n"
    for value in ("1.0", "2.5"):
        (folders / "own_metric.py").write_text(source.format(value))
        sys.modules.pop("own_metric", None)
        assert score(folders, "--metrics", "own_metric:M", "--no-report").exit_code == 0
        assert set(Run(folders / "run").scores()["value"]) == {float(value)}


def test_without_a_manifest_the_standard_metrics_have_a_report(folders):
    """Every speaker has one recording then, so no ceiling of speaker similarity exists."""
    done = score(folders, "--limit", 2)
    assert done.exit_code == 0, done.output
    assert "speaker_similarity_ceiling" in set(Run(folders / "run").scores()["metric"])
    assert (folders / "run" / "report" / "index.html").is_file()


def test_a_refused_command_leaves_nothing(folders):
    done = run("score", "--reference", folders / "recordings", "--system", "a=nowhere", "--out", folders / "run")
    assert done.exit_code == 2 and not (folders / "run").exists()


def test_what_lacks_a_model_is_said(folders):
    stem = sorted((folders / "recordings").iterdir())[0].stem
    (folders / "texts.csv").write_text(f"stem,text\n{stem},these are words\n")
    done = score(folders, "--metrics", "wer", "--manifest", folders / "texts.csv", "--no-report")
    assert "2 unscored: wer needs" in done.output


def test_a_report_goes_into_a_folder_and_a_mistyped_margin_is_refused(folders):
    assert score(folders, "--metrics", "stoi", "--no-report").exit_code == 0
    (folders / "pages").mkdir()
    assert run("report", folders / "run", "--out", folders / "pages").exit_code == 0
    assert (folders / "pages" / "index.html").is_file()
    done = run("report", folders / "run", "--margin", "stoy=1")
    assert done.exit_code == 2 and "did you mean 'stoi'?" in done.output
