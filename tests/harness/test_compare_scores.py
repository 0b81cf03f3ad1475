"""What a comparison scores, seed by seed, and what it does not score twice."""

from __future__ import annotations

import numpy as np
import pandas
import pytest
import soundfile
from front_end import MelQuantiser

from harness.compare import compare
from harness.run import Run
from streamflow.session import AudioChunk

from .comparing import assert_same, experiment, go


def test_scores_are_of_every_rendering_and_metric_and_seams_of_every_chunked_one(make_corpus, tmp_path):
    wanted = experiment(make_corpus(2), "mine=chunked:Resynthesis", ("stoi", "mel_distance"))
    go(wanted, tmp_path / "run")
    run = Run(tmp_path / "run")
    scores = run.scores()
    assert scores["metric"].tolist() == ["stoi", "mel_distance"] * 2
    assert (scores.loc[scores["metric"] == "stoi", "value"] > 0.9).all()
    speakers = {utterance["utterance_id"]: utterance["speaker_id"] for utterance in run.utterances}
    assert (scores["speaker"] == scores["utterance"].map(speakers)).all()
    assert set(run.seams()["role"]) >= {"seam", "interior", "reference"}


def test_a_new_metric_is_scored_without_decoding_or_scoring_the_old_ones_again(make_corpus, tmp_path, log):
    corpus, out = make_corpus(2), tmp_path / "run"
    go(experiment(corpus, metrics=("stoi",)), out)
    before = Run(out).scores()
    log()
    outcome = go(experiment(corpus, metrics=("stoi", "mel_distance")), out)
    assert log() == []
    assert outcome.scored == 4
    after = Run(out).scores()
    old = after[after["metric"] == "stoi"].reset_index(drop=True)
    pandas.testing.assert_frame_equal(old, before)
    assert (after["metric"] == "mel_distance").sum() == 4
    assert go(experiment(corpus, metrics=("stoi", "mel_distance")), out).scored == 0


def test_scores_in_processes_are_those_of_one_process(make_corpus, tmp_path):
    corpus = make_corpus(4)
    wanted = experiment(corpus, metrics=("stoi", "mel_distance"))
    compare(wanted, tmp_path / "many", front_end=MelQuantiser(), jobs=2)
    go(wanted, tmp_path / "one")
    assert_same(Run(tmp_path / "many"), Run(tmp_path / "one"))


def test_a_metric_that_cannot_be_had_is_a_row_with_a_reason(make_corpus, tmp_path):
    corpus = make_corpus(1)
    row = corpus.read_text().splitlines()
    name = row[1].split(",")[0]
    samples, rate = soundfile.read(corpus.parent / f"{name}.flac")
    loudest = int(np.abs(samples).argmax())
    start = max(0, loudest - rate // 8)
    soundfile.write(corpus.parent / f"{name}.flac", samples[start : start + rate // 4], rate)  # 0.25 s: STOI needs more
    go(experiment(corpus, "mine=chunked:Resynthesis", ("stoi",)), tmp_path / "run")
    scores = Run(tmp_path / "run").scores()
    assert scores["value"].isna().all()
    assert (scores["unscored_because"] != "").all()


def test_longer_and_shorter_renderings_are_scored_over_the_common_length(make_corpus, tmp_path, monkeypatch):
    import chunked

    def longer(self):
        yield from chunked.Resynthesis.finish(self)
        yield AudioChunk(self.emitted * 640, np.full(900, 0.01, np.float32))

    monkeypatch.setattr(chunked.Slow, "finish", longer)
    go(experiment(make_corpus(1), metrics=("stoi",)), tmp_path / "run")
    scores = Run(tmp_path / "run").scores().set_index("system")["value"]
    assert scores["slow"] == pytest.approx(scores["mine"], abs=0.01)


def test_every_seed_is_decoded_kept_apart_and_scored(make_corpus, tmp_path, log):
    corpus, out = make_corpus(2), tmp_path / "run"
    outcome = go(experiment(corpus, "mine=chunked:Noisy", ("stoi",), seeds=[3, 5]), out)
    assert (outcome.decoded, outcome.scored) == (4, 4)
    run = Run(out)
    name = run.utterances[0]["utterance_id"]
    assert run.seeds == (3, 5)
    first, other = run.audio("mine", name), run.audio("mine", name, 5)
    np.testing.assert_array_equal(first, run.audio("mine", name, 3))
    assert not np.array_equal(first, other)
    for table in (run.scores(), run.latency(), run.traces(), run.seams()):
        assert sorted(set(table["seed"])) == [3, 5]
    assert run.scores().groupby("utterance")["value"].nunique().tolist() == [2, 2]
    log()
    more = go(experiment(corpus, "mine=chunked:Noisy", ("stoi",), seeds=[3, 5, 8]), out)
    assert (more.decoded, more.kept) == (2, 4)


def test_equal_audio_is_scored_once_whoever_made_it(make_corpus, tmp_path):
    corpus, out = make_corpus(1), tmp_path / "run"
    go(experiment(corpus, "mine=chunked:Resynthesis", ("stoi",)), out)
    outcome = go(experiment(corpus, "mine=chunked:Resynthesis,twin=chunked:Resynthesis", ("stoi",)), out)
    assert (outcome.decoded, outcome.scored) == (1, 0)
    assert len(set(Run(out).scores()["value"])) == 1


def test_a_score_that_is_lost_is_a_row_with_the_reason_and_tried_again(make_corpus, tmp_path):
    wanted, out = experiment(make_corpus(1), "mine=chunked:Resynthesis", ("stoi", "crashing:FAIL")), tmp_path / "run"
    for _ in range(2):
        assert [failure.error for failure in go(wanted, out).failures] == ["crashing:FAIL: RuntimeError: no such luck"]
        scores = Run(out).scores().set_index("metric")
        assert scores.loc["crashing:FAIL", "unscored_because"] == "crashing:FAIL: RuntimeError: no such luck"
        assert scores.loc["stoi", "value"] > 0.9
