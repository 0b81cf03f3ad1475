"""Weights without a tokenizer: tokens and voices come with the manifest, at the weights' own rates."""

from __future__ import annotations

import csv
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import soundfile
from typer.testing import CliRunner

from harness.compare import compare
from harness.corpus import CorpusError
from harness.experiment import Experiment
from harness.latency import read_bench
from harness.latency.bench import bench
from harness.latency.plan import Settings
from harness.manifest_tokens import TokensError, check_length, load_tokens
from harness.run import Run
from harness.systems import SystemSpec
from streamflow.checkpoints import Bundle
from streamflow.convert.cli import app as convert
from streamflow.session import StreamRequest
from streamflow.strategies import make_system

from ..streamflow.published_files import write_qwen

SYSTEM = SystemSpec("sr", "streamflow-sr", parameters={"nfe": 4, "solver": "rk4", "guidance": 0.5})


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory) -> Path:
    """A Qwen2.5-Omni bundle of random weights: 24 kHz, 50 tokens a second, no tokenizer, two voices."""
    folder = tmp_path_factory.mktemp("qwen")
    write_qwen(folder / "published")
    done = CliRunner().invoke(convert, ["qwen2.5-omni", str(folder / "published"), "--out", str(folder / "qwen")])
    assert done.exit_code == 0, done.exception
    return folder / "qwen"


@pytest.fixture
def corpus(make_corpus) -> Path:
    """Two recordings with random tokens of their lengths: one as .npy, the other as text."""
    manifest = make_corpus(2)
    rows = list(csv.DictReader(manifest.open(newline="")))
    for i, row in enumerate(rows):
        count = round(50 * soundfile.info(manifest.parent / row["path"]).duration)
        tokens = np.random.default_rng(i).integers(0, 50, count)
        row |= {"tokens": f"{row['utterance_id']}.{('npy', 'txt')[i]}", "voice": ("Chelsie", "Ethan")[i]}
        if i:
            (manifest.parent / row["tokens"]).write_text("\n".join(map(str, tokens)))
        else:
            np.save(manifest.parent / row["tokens"], tokens)
    write_rows(manifest, rows)
    return manifest


def write_rows(manifest: Path, rows: list[dict]) -> None:
    with manifest.open("w", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)


def change(manifest: Path, **changes) -> None:
    """Change the first row."""
    rows = list(csv.DictReader(manifest.open(newline="")))
    rows[0] |= changes
    write_rows(manifest, rows)


def experiment(corpus: Path, checkpoint: Path) -> Experiment:
    return Experiment(corpus=corpus, systems=(SYSTEM,), checkpoint=str(checkpoint), metrics=("stoi", "duration_ratio"))


def test_it_is_decoded_timed_written_and_scored_at_its_own_rates(corpus, checkpoint, tmp_path):
    outcome = compare(experiment(corpus, checkpoint), tmp_path / "run", jobs=1)
    assert outcome.failures == [] and outcome.decoded == 2
    run, bundle = Run(tmp_path / "run"), Bundle(checkpoint)
    rows = list(csv.DictReader(corpus.open(newline="")))
    name = rows[0]["utterance_id"]
    tokens = np.load(corpus.parent / rows[0]["tokens"])
    session = make_system("streamflow-sr", bundle, **SYSTEM.parameters)(
        StreamRequest(name, bundle.voice("Chelsie"), seed=run.seeds[0])
    )
    chunks = [chunk for token in tokens for chunk in session.push(token.reshape(1, 1))] + list(session.finish())
    expected = np.concatenate([chunk.samples for chunk in chunks])
    assert {chunk.sample_rate for chunk in chunks} == {24_000}

    written, rate = soundfile.read(run.audio_path("sr", name), dtype="float32")
    assert rate == 24_000 and written.shape == (len(tokens) * 480,)
    np.testing.assert_allclose(written, np.clip(expected, -1, 1), atol=1e-4)
    # whoever reads a run gets 16 kHz, and positions at 16 kHz
    assert len(run.audio("sr", name)) == len(tokens) * 320
    trace = run.traces().query("utterance == @name").sort_values("index")
    assert trace["samples"].sum() == len(tokens) * 320
    assert trace["start_sample"].tolist() == [chunk.start_sample * 2 // 3 for chunk in chunks]
    assert trace["seam_sample"].tolist() == [chunk.seam_sample * 2 // 3 for chunk in chunks]
    # token k comes at (k + 1) / 50 s: own block of 4 tokens, one ahead, and what the vocoder holds back
    latency = run.latency().set_index("utterance").loc[name]
    assert latency["duration_s"] == pytest.approx(len(tokens) / 50)
    assert latency["algorithmic_latency_s"] == pytest.approx(0.4) == pytest.approx(trace["tokens_in"].iloc[0] / 50)
    assert latency["first_packet_s"] == pytest.approx(trace["arrived_s"].iloc[0] - 0.4)
    assert latency["rtf"] == pytest.approx(trace["compute_s"].sum() / (len(tokens) / 50), rel=0.2)
    assert set(trace["tokens_per_second"]) == {50.0}
    scores = run.scores().query("utterance == @name").set_index("metric")
    assert scores["value"].notna().all() and scores.loc["duration_ratio", "value"] == pytest.approx(1.0, abs=0.02)
    assert set(run.provenance["tokens_sha256"]) == {row["utterance_id"] for row in rows}
    assert run.provenance["systems"]["sr"]["sample_rate"] == 24_000


def test_its_latency_is_measured_at_its_own_rate(corpus, checkpoint, tmp_path):
    wanted = replace(experiment(corpus, checkpoint), metrics=())
    compare(wanted, tmp_path / "run", jobs=1)
    few = {"lengths_s": (1.0,), "repeats": 1, "streams": (1, 2), "stream_length_s": 1.0, "stream_repeats": 1}
    done = bench(tmp_path / "run", Settings(**few, interrupts=0, buffers_ms=(0.0,), jitters_ms=(0.0,)))
    assert done.failures == []
    result = read_bench(tmp_path / "run")
    assert result.settings["settings"]["tokens_per_second"] == 50
    assert set(result.chunks["tokens_per_second"]) == {50.0}
    played = result.playout.groupby("streams")["tokens_per_second"].agg(set)
    assert played.to_dict() == {1: {50.0, 100.0, 200.0, 400.0}, 2: {50.0}}


def test_tokens_and_voices_belong_to_a_renderings_key(corpus, checkpoint, tmp_path):
    wanted = experiment(corpus, checkpoint)
    assert compare(wanted, tmp_path / "run", jobs=1).decoded == 2
    again = compare(wanted, tmp_path / "run", jobs=1)
    assert (again.decoded, again.kept) == (0, 2)
    rows = list(csv.DictReader(corpus.open(newline="")))
    path = corpus.parent / rows[0]["tokens"]
    before = Run(tmp_path / "run").provenance["tokens_sha256"]
    np.save(path, (np.load(path) + 1) % 50)
    outcome = compare(wanted, tmp_path / "run", jobs=1)
    assert (outcome.decoded, outcome.kept) == (1, 1)
    after = Run(tmp_path / "run").provenance["tokens_sha256"]
    assert [before[r["utterance_id"]] == after[r["utterance_id"]] for r in rows] == [False, True]
    change(corpus, voice="Ethan")
    outcome = compare(wanted, tmp_path / "run", jobs=1)
    assert (outcome.decoded, outcome.kept) == (1, 1)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"tokens": ""}, "has no tokens, and qwen has no tokenizer; add a column 'tokens'.*50 a second"),
        ({"voice": ""}, r"has the voice \(none\), and qwen has no speaker encoder; .*one of Chelsie, Ethan"),
        ({"voice": "Nobody"}, "has the voice Nobody"),
    ],
)
def test_a_manifest_without_them_is_refused_before_anything_is_made(corpus, checkpoint, tmp_path, changes, message):
    change(corpus, **changes)
    with pytest.raises(CorpusError, match=message) as caught:
        compare(experiment(corpus, checkpoint), tmp_path / "run", jobs=1)
    assert "\n" not in str(caught.value) and not (tmp_path / "run").exists()


def test_tokens_of_another_recording_cost_their_own_utterance_only(corpus, checkpoint, tmp_path):
    rows = list(csv.DictReader(corpus.open(newline="")))
    path = corpus.parent / rows[0]["tokens"]
    np.save(path, np.load(path)[:-30])
    outcome = compare(experiment(corpus, checkpoint), tmp_path / "run", jobs=1)
    assert outcome.decoded == 1 and len(outcome.failures) == 1
    failure = outcome.failures[0]
    assert failure.utterance == rows[0]["utterance_id"] and failure.stage == "tokenize"
    assert "give the tokens of this recording" in failure.error and path.name in failure.error


def test_weights_with_a_tokenizer_do_not_read_the_column(corpus, tmp_path):
    """The shipped ones: the column may hold tokens of another model."""
    wanted = Experiment(corpus=corpus, systems=(SystemSpec("tokenizer", "tokenizer"),), metrics=("duration_ratio",))
    assert compare(wanted, tmp_path / "run", jobs=1).failures == []
    assert "tokens_sha256" not in Run(tmp_path / "run").provenance


def write(path: Path, content) -> Path:
    if isinstance(content, np.ndarray):
        np.save(path, content, allow_pickle=True)
    else:
        path.write_bytes(content)
    return path


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.npy", np.arange(6)),
        ("a.npy", np.arange(6, dtype=np.uint8).reshape(-1, 1)),
        ("a.txt", b"0 1 2 3 4 5\n"),
        ("a.txt", b"0\r\n1\r\n2\r\n3\r\n4\r\n5"),
        ("a.txt", b"0,1,2, 3,4,5"),
    ],
)
def test_tokens_are_read_from_arrays_and_text(tmp_path, name, content):
    tokens = load_tokens(write(tmp_path / name, content), 1, 50)
    assert tokens.dtype == np.int64 and tokens.tolist() == [[0], [1], [2], [3], [4], [5]]


def test_two_codes_a_token_are_two_numbers_a_line(tmp_path):
    assert load_tokens(write(tmp_path / "a.txt", b"0 1\n2 3\n"), 2, 50).tolist() == [[0, 1], [2, 3]]


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.npy", np.array([1, 2, 50, 3]), "token 50 at place 2 is outside the codebook of 50"),
        ("a.npy", np.array([1, -1]), "token -1 at place 1"),
        ("a.npy", np.array([1.5, 2.0]), "holds float64; save an array of integers"),
        ("a.npy", np.array([{}, 1], dtype=object), "not readable as .npy"),
        ("a.npy", b"not an array", "not readable as .npy"),
        ("a.npy", np.zeros((2, 3), np.int64), r"holds \[2, 3\] integers; the checkpoint takes \[T, 1\]"),
        ("a.npy", np.zeros(0, np.int64), r"holds \[0, 1\] integers"),
        ("a.txt", b"", r"holds \[0, 1\] integers"),
        ("a.txt", b"1 2 three", "holds 'three'; write integers"),
        ("a.txt", b"1 2.5", "holds '2.5'; write integers"),
        ("a.txt", b"\xff\xfe\x00", "write integers"),
        ("a.txt", b"9" * 40, "write integers"),
    ],
)
def test_what_is_wrong_with_a_file_of_tokens_is_one_line(tmp_path, name, content, message):
    path = write(tmp_path / name, content)
    with pytest.raises(TokensError, match=message) as caught:
        load_tokens(path, 1, 50)
    assert str(caught.value).startswith(str(path)) and "\n" not in str(caught.value)


def test_a_length_may_differ_by_what_a_talker_leaves_out(tmp_path):
    path = tmp_path / "a.txt"
    with pytest.raises(TokensError, match="no such file; check the manifest's tokens column"):
        load_tokens(path, 1, 50)
    check_length(path, 100, 50.0, 2.19)
    check_length(path, 100, 50.0, 1.81)
    with pytest.raises(TokensError, match=r"100 tokens are 2\.00 s at 50 a second, and the recording lasts 4\.00 s"):
        check_length(path, 100, 50.0, 4.0)  # as tokens of 25 a second would be
