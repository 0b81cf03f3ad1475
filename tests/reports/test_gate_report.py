"""The gate's page: the verdict, and what fell to be heard beside what it fell from; nothing is loaded from anywhere."""

from __future__ import annotations

import base64
import html
import io
import re
import shutil
from pathlib import Path
from urllib.parse import unquote

import numpy as np
import pandas
import pytest
import soundfile
from make_run import HOSTILE
from page_document import Document

from harness.gate.evaluate import evaluate
from harness.gate.outcome import GateResult
from harness.gate.policy import MetricRule, Policy, TailRule
from harness.run import Run
from harness.storage import read_flac
from reports.gate_report import render_gate, write_gate_report

SYSTEM = "streamflow-sr"
METRICS = {"stoi": 0.02, "mel_distance": 0.2, "f0_median_cents": 5.0}


def policy(**changes) -> Policy:
    rules = {name: MetricRule(margin=margin) for name, margin in METRICS.items()}
    return Policy(**{"metrics": rules, "tail": TailRule(margins=3), "calibration": "off", "missing": 0.5, **changes})


@pytest.fixture(scope="module")
def worse(run_path: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same run, of which two utterances fell."""
    new = tmp_path_factory.mktemp("gate") / "worse & <b>"
    shutil.copytree(run_path, new)
    scores = pandas.read_parquet(new / "scores.parquet")
    fell = scores["utterance"].isin(["flite_slt_1", "flite_slt_2"]) & (scores["system"] == SYSTEM)
    scores.loc[fell & (scores["metric"] == "stoi"), "value"] -= [0.3, 0.2]
    scores.to_parquet(new / "scores.parquet", index=False)
    return new


@pytest.fixture(scope="module")
def result(run_path: Path, worse: Path) -> GateResult:
    return evaluate(run_path, worse, policy(), systems=[SYSTEM])


@pytest.fixture(scope="module")
def page(run_path: Path, worse: Path, result: GateResult, tmp_path_factory: pytest.TempPathFactory) -> str:
    out = tmp_path_factory.mktemp("out") / "gate" / "index.html"
    return write_gate_report(result, run_path, worse, out).read_text(encoding="utf-8")


def tracks(page: str, kind: str) -> list[bytes]:
    return [base64.b64decode(found) for found in re.findall(rf'src="data:{kind};base64,([^"]+)"', page)]


def test_the_verdict_is_the_heading_and_each_reason_is_listed(page: str, result: GateResult) -> None:
    document = Document(page)
    assert result.verdict == "FAIL"
    assert "FAIL : worse than the baseline" in document.text
    assert "stoi tail: 2 of 6" in document.text


def test_each_utterance_that_fell_has_the_recording_the_baseline_and_the_candidate_with_spectrograms(
    page: str, run_path: Path, worse: Path
) -> None:
    audio, pictures = tracks(page, "audio/flac"), tracks(page, "image/png")
    assert (len(audio), len(pictures)) == (6, 6)
    run = Run(run_path)
    heard = [soundfile.read(io.BytesIO(content), dtype="float32")[0] for content in audio[:3]]
    np.testing.assert_array_equal(heard[0], read_flac(run.reference_path("flite_slt_1")))
    np.testing.assert_array_equal(heard[1], run.audio(SYSTEM, "flite_slt_1"))
    np.testing.assert_array_equal(heard[2], Run(worse).audio(SYSTEM, "flite_slt_1"))
    assert all(picture.startswith(b"\x89PNG") for picture in pictures)


def test_seams_are_marked_in_waveform_and_spectrogram_of_the_renderings_only(page: str, run_path: Path) -> None:
    traces = Run(run_path).traces()
    rows = traces[(traces["system"] == SYSTEM) & (traces["utterance"] == "flite_slt_1")]
    seams = int((rows["seam_sample"] > 0).sum())
    assert seams > 0
    section = page.split('aria-labelledby="u1"')[1].split("</section>")[0]
    rows_of = re.findall(r'<tr class="player".*?</tr>', section, re.DOTALL)
    marks = [row.count('class="seams"') for row in rows_of]
    drawn = [row.count("<path d=") for row in rows_of]
    assert (marks, drawn) == ([0, 1, 1], [0, 1, 1])
    assert f", {seams} seams" in rows_of[1]


def test_the_page_loads_nothing_and_runs_only_its_own_script(page: str) -> None:
    policy_text = re.search(r'Content-Security-Policy" content="([^"]+)"', page)[1]
    assert "default-src 'none'" in html.unescape(policy_text)
    assert page.count("<script") == 1
    assert not re.search(r'(?:src|href)="(?!data:|#)', page)


def test_text_from_a_run_stays_text(page: str) -> None:
    assert HOSTILE not in page
    assert "worse &amp; &lt;b&gt;" in page


def test_what_has_no_room_is_linked_to_its_audio(
    run_path: Path, worse: Path, result: GateResult, tmp_path: Path
) -> None:
    out = tmp_path / "gate" / "index.html"
    text = render_gate(result, run_path, worse, out, most_utterances=1)
    assert len(tracks(text, "audio/flac")) == 3
    links = re.findall(r'href="([^"#][^"]*\.flac)"', text)
    assert len(links) == 3
    assert all((out.parent / unquote(link.replace("&amp;", "&"))).resolve().is_file() for link in links)


def test_bytes_are_capped_but_the_first_is_always_heard(
    run_path: Path, worse: Path, result: GateResult, tmp_path: Path
) -> None:
    text = render_gate(result, run_path, worse, tmp_path / "index.html", most_audio_bytes=1)
    assert len(tracks(text, "audio/flac")) == 3


def test_a_pass_shows_the_largest_falls_and_a_run_against_itself_none(run_path: Path, tmp_path: Path) -> None:
    same = evaluate(run_path, run_path, policy(tail=TailRule()), systems=[SYSTEM])
    text = render_gate(same, run_path, run_path, tmp_path / "index.html")
    assert same.verdict == "PASS"
    assert not tracks(text, "audio/flac")
    assert "Every check that decides has passed." in text


def test_a_lost_utterance_has_the_other_two_and_the_reason(run_path: Path, tmp_path: Path) -> None:
    lost = tmp_path / "lost"
    shutil.copytree(run_path, lost)
    (lost / "audio" / SYSTEM / "flite_rms_1.flac").unlink()
    for name in ("scores", "traces", "latency"):
        table = pandas.read_parquet(lost / f"{name}.parquet")
        gone = (table["system"] == SYSTEM) & (table["utterance"] == "flite_rms_1")
        table[~gone].to_parquet(lost / f"{name}.parquet", index=False)
    failures = pandas.read_parquet(lost / "failures.parquet")
    row = {"system": SYSTEM, "utterance": "flite_rms_1", "stage": "decode", "error": f"ValueError: {HOSTILE}"}
    pandas.concat([failures, pandas.DataFrame([row])]).to_parquet(lost / "failures.parquet", index=False)
    result = evaluate(run_path, lost, policy(), systems=[SYSTEM])
    text = render_gate(result, run_path, lost, tmp_path / "index.html")
    assert result.verdict == "FAIL"
    assert "utterances lost: 1 of 6, 0 allowed" in Document(text).text
    first = text.split('aria-labelledby="u1"')[1].split("</section>")[0]
    assert first.count("<audio") == 2 and 'class="problem"' in first
    assert HOSTILE not in text


def test_a_broken_evaluation_has_a_page_that_says_why(run_path: Path, tmp_path: Path) -> None:
    result = evaluate(run_path, tmp_path / "nowhere", policy())
    text = render_gate(result, run_path, tmp_path / "nowhere", tmp_path / "index.html")
    assert "BROKEN" in text and "not a run" in text
