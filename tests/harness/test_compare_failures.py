"""A comparison loses only what fails, and says why."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile
from front_end import MelQuantiser

from harness.compare import compare
from harness.run import Run, RunError
from harness.storage import RunLockedError, locked
from streamflow.errors import StreamflowError

from .comparing import experiment, go


@pytest.mark.parametrize(
    ("decoder", "part"),
    [
        ("Raises", "IndexError: index 9 is out of bounds for axis 0"),
        ("NotANumber", "holds nan at sample"),
        ("Gap", "(gap)"),
    ],
)
def test_a_decoder_that_fails_is_rows_and_the_others_are_unharmed(make_corpus, tmp_path, decoder, part):
    corpus = make_corpus(2)
    go(experiment(corpus, f"mine=chunked:Resynthesis,bad=chunked:{decoder}"), tmp_path / "both")
    go(experiment(corpus, "mine=chunked:Resynthesis"), tmp_path / "alone")
    both, alone = Run(tmp_path / "both"), Run(tmp_path / "alone")
    failures = both.failures()
    assert failures["system"].tolist() == ["bad", "bad"]
    assert failures["stage"].tolist() == ["decode", "decode"]
    assert failures["error"].str.contains(part, regex=False).all()
    assert not failures["error"].str.contains("\n").any()
    for utterance in alone.utterances:
        name = utterance["utterance_id"]
        np.testing.assert_array_equal(both.audio("mine", name), alone.audio("mine", name))
    assert not (tmp_path / "both/audio/bad").exists()


def test_what_failed_is_tried_again(make_corpus, tmp_path, monkeypatch, log):
    import chunked

    corpus, out = make_corpus(2), tmp_path / "run"
    go(experiment(corpus, "bad=chunked:Raises"), out)
    assert len(Run(out).failures()) == 2
    monkeypatch.setattr(chunked.Raises, "chunk", chunked.Resynthesis.chunk)
    outcome = go(experiment(corpus, "bad=chunked:Raises"), out)
    assert outcome.decoded == 2
    assert Run(out).failures().empty


def test_an_edited_decoder_that_now_fails_leaves_no_old_audio(make_corpus, tmp_path, monkeypatch):
    corpus, out, folder = make_corpus(1), tmp_path / "run", tmp_path / "plug"
    folder.mkdir()
    monkeypatch.syspath_prepend(folder)
    for base in ("Resynthesis", "Raises"):
        (folder / "edited.py").write_text(f"from chunked import {base} as Decoder\n# {base}\n")
        sys.modules.pop("edited", None)
        go(experiment(corpus, "x=edited:Decoder"), out)
    sys.modules.pop("edited", None)
    assert Run(out).latency().empty
    assert list((out / "audio/x").iterdir()) == []


def bad_recordings(folder: Path, samples: np.ndarray) -> tuple[dict[str, str], ...]:
    """A recording for every way in which one can be unusable."""
    folder.mkdir(exist_ok=True)
    with_nan = samples.copy()
    with_nan[100] = np.nan
    soundfile.write(folder / "nan.wav", with_nan, 16_000, subtype="FLOAT")
    soundfile.write(folder / "silence.wav", np.zeros(16_000, np.float32), 16_000)
    soundfile.write(folder / "short.wav", samples[:320], 16_000)
    soundfile.write(folder / "long.wav", np.tile(samples, 600 * 16_000 // len(samples) + 1), 16_000)
    soundfile.write(folder / "cut.flac", samples, 16_000)
    flac = (folder / "cut.flac").read_bytes()
    (folder / "cut.flac").write_bytes(flac[: len(flac) // 2])
    (folder / "text.wav").write_text("this is no audio")
    (folder / "empty.flac").write_bytes(b"")
    names = ["nan.wav", "silence.wav", "short.wav", "long.wav", "cut.flac", "text.wav", "empty.flac", "missing.wav"]
    return tuple({"utterance_id": Path(name).stem, "path": name} for name in names)


def test_every_unusable_recording_is_a_row_a_system_and_the_others_are_decoded(make_corpus, tmp_path, shipped_rows):
    samples = soundfile.read(make_corpus(1).parent / f"{shipped_rows[0]['utterance_id']}.flac", dtype="float32")[0]
    bad = bad_recordings(tmp_path / "corpus", samples)
    outcome = go(experiment(make_corpus(2, bad)), tmp_path / "run")
    assert outcome.decoded == 4
    failures = Run(tmp_path / "run").failures()
    assert len(failures) == 2 * len(bad)
    assert set(failures["stage"]) == {"load"}
    expected = {
        "nan": "NaN",
        "silence": "silent",
        "short": "20 ms",
        "long": "longer than",
        "cut": "cut.flac",
        "text": "not readable",
        "empty": "empty.flac",
        "missing": "no such file",
    }
    for name, part in expected.items():
        errors = failures.loc[failures["utterance"] == name, "error"]
        assert len(errors) == 2, name
        assert errors.str.contains(part, regex=False).all(), errors.tolist()


def test_a_missing_prompt_concerns_its_utterance_only(make_corpus, tmp_path):
    corpus = make_corpus(2)
    lines = corpus.read_text().splitlines()
    rows = [f"{lines[0]},prompt_path", f"{lines[1]},nowhere.wav", f"{lines[2]},"]
    corpus.write_text("\n".join(rows) + "\n")
    outcome = go(experiment(corpus, "mine=chunked:Resynthesis"), tmp_path / "run")
    assert outcome.decoded == 1
    assert "nowhere.wav" in outcome.failures[0].error


def test_a_tokenizer_that_fails_is_a_row(make_corpus, tmp_path):
    class Broken(MelQuantiser):
        def tokenize(self, audio):
            return np.zeros((4, 2), np.float32)

    outcome = compare(experiment(make_corpus(1)), tmp_path / "run", front_end=Broken(), jobs=1)
    assert [failure.stage for failure in outcome.failures] == ["tokenize", "tokenize"]


def test_an_unknown_system_or_metric_stops_before_anything_is_made(make_corpus, tmp_path):
    for wanted in (
        experiment(make_corpus(1), "streamflow-st"),
        experiment(make_corpus(1), "x=nowhere:X"),
        experiment(make_corpus(1), metrics=("stoy",)),
    ):
        with pytest.raises(StreamflowError) as caught:
            go(wanted, tmp_path / "run")
        assert "\n" not in str(caught.value)
        assert not (tmp_path / "run/run.toml").exists()


def test_a_folder_that_holds_something_else_is_not_written_into(make_corpus, tmp_path):
    (tmp_path / "thesis").mkdir()
    (tmp_path / "thesis/chapter.tex").write_text("x")
    with pytest.raises(RunError, match="neither a run nor empty"):
        go(experiment(make_corpus(1)), tmp_path / "thesis")
    assert sorted(path.name for path in (tmp_path / "thesis").iterdir()) == ["chapter.tex"]


def test_a_run_is_written_by_one_process_at_a_time(make_corpus, tmp_path):
    with locked(tmp_path / "run"), pytest.raises(RunLockedError, match="another process"):
        go(experiment(make_corpus(1)), tmp_path / "run")


def test_reading_what_is_not_a_run_says_so(tmp_path):
    with pytest.raises(RunError, match="not a run"):
        Run(tmp_path)
