"""Files of a job that were written half, by hand, or by something else: one such job hides no other."""

from __future__ import annotations

import json
import os
from dataclasses import asdict
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from harness.jobs import Job, Jobs
from harness.jobs.job import JobFolder
from harness.jobs.process import identity, lives
from harness.storage import write_json

NAMES = ("20260101T000000000000-00000001", "20260101T000000000000-00000002", "20260101T000000000000-00000003")
FILES = ("begun.json", "running.json", "verb.json", "end.json", "progress.json", "job.json")
GONE = "0-0/1/1"
GARBLED = (b"", b'{"process": "0', b"[]", b"3", b'"end"', b"{}", b'{"at": "noon", "process": 7}', b"\xff\xfe",
           b'{"at": NaN, "exit_code": [0], "process": "x", "stage": 1}')  # fmt: skip
anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)


def ended_job(folder: Path, name: str) -> JobFolder:
    """A report that was made."""
    job = JobFolder(folder / name)
    order = {"title": f"Report {name[-1]}", "argv": ["report", "runs/first"], "facts": {"href": "runs"}, "good": [0],
             "made": 1.0, "cwd": "/", "running": 1, "grace_s": 10.0}  # fmt: skip
    place = {"since": 2.0, "first": 0.0, "at": 3.0, "done": 4.0, "total": 4.0}
    write_json(job.order, order)
    write_json(job.begun, {"process": GONE, "at": 2.0})
    write_json(job.running, {"process": GONE, "at": 2.0})
    write_json(job.verb, {"process": GONE})
    write_json(job.progress, {"stage": "report", "detail": "", **place, "stages": {"report": place}})
    write_json(job.end, {"exit_code": 0, "at": 3.0})
    return job


@pytest.fixture
def three(tmp_path: Path) -> Jobs:
    for name in NAMES:
        ended_job(tmp_path / "jobs", name)
    return Jobs(tmp_path / "jobs")


def as_sent(jobs: list[Job]) -> dict[str, dict]:
    """What pages are sent, which must be JSON, with how long each took."""
    return {
        job.id: json.loads(json.dumps(asdict(job), allow_nan=False))
        | {"took": None if job.started is None else (job.ended or 9.0) - job.started}
        for job in jobs
    }


@pytest.mark.parametrize("content", GARBLED)
@pytest.mark.parametrize("file", FILES)
def test_a_garbled_file_leaves_the_other_jobs_as_they_are(three: Jobs, file: str, content: bytes) -> None:
    before = as_sent(three.list())
    (three.folder / NAMES[1] / file).write_bytes(content)
    after = as_sent(three.list())
    assert [after[name] for name in (NAMES[0], NAMES[2])] == [before[name] for name in (NAMES[0], NAMES[2])]
    assert list(after) == list(before)
    assert three.active() == []


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.sampled_from(FILES), anything)
def test_no_json_in_a_file_of_a_job_kills_the_list(three: Jobs, file: str, content: object) -> None:
    path = three.folder / NAMES[1] / file
    kept = path.read_bytes()
    try:
        path.write_text(json.dumps(content))
        assert list(as_sent(three.list())) == list(NAMES[::-1])
    finally:
        path.write_bytes(kept)


def test_a_job_whose_end_cannot_be_read_failed_with_a_line(three: Jobs) -> None:
    (three.folder / NAMES[1] / "end.json").write_bytes(b'{"exit_')
    job = three.get(NAMES[1])
    assert (job.state, job.title) == ("failed", "Report 2")
    assert "end.json of this job cannot be read" in job.line and "start it again" in job.line


def test_a_job_whose_order_cannot_be_read_is_listed_and_never_started(three: Jobs) -> None:
    folder = JobFolder(three.folder / NAMES[1])
    for path in folder.path.iterdir():
        path.unlink()
    folder.order.write_bytes(b'{"title"')
    job = three.get(NAMES[1])
    assert job.state == "failed" and "job.json of this job cannot be read" in job.line and NAMES[1] in job.title
    three.advance()
    assert not folder.begun.exists()


def test_a_job_with_a_garbled_begun_is_still_known_to_run_by_its_supervisor(three: Jobs) -> None:
    folder = JobFolder(three.folder / NAMES[1])
    folder.end.unlink()
    folder.begun.write_bytes(b"{")
    write_json(folder.running, {"process": identity(os.getpid()), "at": 5.0})
    folder.progress.write_bytes(b'{"stage": "deco')
    job = three.get(NAMES[1])
    assert (job.state, job.started, job.stage) == ("running", 5.0, "progress.json cannot be read")


@pytest.mark.parametrize("process", ["", "x", "/", "a/b/c", "boot/1", "0-0/99999999999999999999/1", "1" * 5000])
def test_what_is_no_identity_is_of_no_process(process: str) -> None:
    assert not lives(process)
