"""Background jobs: real verbs in real processes, which are told apart, stopped, killed, and found again."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from harness.jobs import Job, JobError, Jobs
from harness.jobs.job import JobFolder, last_line, tail
from harness.jobs.process import identity, lives, number
from harness.run import Run
from harness.storage import read_json

ROOT = Path(__file__).parents[3]
SHIPPED = ROOT / "corpora" / "shipped" / "manifest.csv"
PATIENCE_S = 900.0


def comparison(out: Path, systems: str = "copy-synthesis", limit: int = 1) -> list[str]:
    """What decodes a little with the shipped weights and scores nothing."""
    return ["compare", "--corpus", str(SHIPPED), "--systems", systems, "--limit", str(limit), "--metrics", "none",
            "--out", str(out), "--no-report"]  # fmt: skip


def long_comparison(out: Path) -> list[str]:
    """Work for minutes, so that something can happen to it on the way."""
    return comparison(out, "full,naive,causal,streamflow-sr,streamflow-lr", 24)


def until(jobs: Jobs, job: str, seen: Callable[[Job], bool]) -> Job:
    """Wait until something is so; a job that ends before makes it fail with what it said."""
    end = time.monotonic() + PATIENCE_S
    while not seen(found := jobs.get(job)):
        assert not found.is_over, f"{found.state}: {jobs.log(job)}"
        assert time.monotonic() < end, f"waited in vain: {found}"
        time.sleep(0.05)
    return found


def is_decoding(job: Job) -> bool:
    return job.state == "running" and job.stage == "decode" and job.done >= 1


def verb_of(jobs: Jobs, job: str) -> str:
    return read_json(JobFolder(jobs.folder / job).verb)["process"]


def supervisor_of(jobs: Jobs, job: str) -> str:
    return read_json(JobFolder(jobs.folder / job).begun)["process"]


def ended(process: str) -> bool:
    end = time.monotonic() + PATIENCE_S
    while lives(process):
        if time.monotonic() > end:
            return False
        time.sleep(0.05)
    return True


def test_a_comparison_runs_to_its_end_and_tells_how_far_it_is(jobs: Jobs, tmp_path: Path) -> None:
    name = jobs.start(comparison(tmp_path / "run", limit=2), "Compare", facts={"run": "run"})
    done = jobs.wait(name, PATIENCE_S)
    assert (done.state, done.exit_code) == ("done", 0), jobs.log(name)
    assert done.title == "Compare" and done.facts == {"run": "run"}
    assert done.line == "2 decoded, 0 kept, 0 scored, 0 failed"
    assert done.stages["decode"]["done"] == done.stages["decode"]["total"] == 2
    assert done.made <= done.started <= done.ended
    assert len(Run(tmp_path / "run").latency()) == 2


def test_what_cannot_be_done_ends_with_its_line(jobs: Jobs, tmp_path: Path) -> None:
    name = jobs.start(["report", str(tmp_path / "none")], "Report")
    done = jobs.wait(name, PATIENCE_S)
    assert (done.state, done.exit_code) == ("failed", 2)
    assert done.line.startswith("error: ") and "not a run" in done.line


def test_an_exit_code_may_be_an_answer(jobs: Jobs, tmp_path: Path) -> None:
    name = jobs.start(["report", str(tmp_path / "none")], "Report", good=(0, 2))
    assert jobs.wait(name, PATIENCE_S).state == "done"


def test_one_waits_for_the_other_and_starts_when_that_ends(jobs: Jobs, tmp_path: Path) -> None:
    first = jobs.start(comparison(tmp_path / "run"), "first")
    second = jobs.start(["report", str(tmp_path / "none")], "second")
    third = jobs.start(["report", str(tmp_path / "none")], "third")
    assert [job.title for job in jobs.active()] == ["first", "second", "third"]
    assert [job.state for job in jobs.active()] == ["running", "queued", "queued"]
    ends = [jobs.wait(name, PATIENCE_S) for name in (first, second, third)]
    assert ends[0].ended <= ends[1].started and ends[1].ended <= ends[2].started
    assert jobs.active() == []
    assert [job.title for job in jobs.list()] == ["third", "second", "first"]


def test_the_queue_goes_on_where_nobody_watches_it(tmp_path: Path) -> None:
    """The server that started two jobs is gone before the first ends."""
    folder = tmp_path / "jobs"
    code = (
        "import sys; from harness.jobs import Jobs; jobs = Jobs(sys.argv[1]);"
        "[jobs.start(['report', 'no-such-run'], title) for title in ('first', 'second')]"
    )
    subprocess.run([sys.executable, "-c", code, str(folder)], check=True, cwd=ROOT, timeout=PATIENCE_S)
    second = sorted(path for path in folder.iterdir() if path.is_dir())[1]
    end = time.monotonic() + PATIENCE_S
    while not (second / "end.json").exists():  # looked at without Jobs, which would help it on
        assert time.monotonic() < end
        time.sleep(0.05)
    assert {job.state for job in Jobs(folder).list()} == {"failed"}


def test_cancelling_stops_a_comparison_and_keeps_what_was_decoded(jobs: Jobs, tmp_path: Path) -> None:
    patient = Jobs(jobs.folder, grace_s=PATIENCE_S)  # a loaded machine needs long to end even at once
    name = patient.start(long_comparison(tmp_path / "run"), "long")
    until(jobs, name, is_decoding)
    verb = verb_of(jobs, name)
    jobs.cancel(name)
    done = jobs.wait(name, PATIENCE_S)
    assert done.state == "cancelled" and done.exit_code == 130
    assert "kept in" in jobs.log(name)
    assert not lives(verb)


def test_a_supervisor_that_was_started_again_is_the_one_that_cancels(jobs: Jobs, tmp_path: Path) -> None:
    """Whoever started the first one wrote that down; the second one is known by what it wrote itself."""
    patient = Jobs(jobs.folder, grace_s=PATIENCE_S)
    name = patient.start(long_comparison(tmp_path / "run"), "long")
    until(jobs, name, is_decoding)
    first, verb, folder = supervisor_of(jobs, name), verb_of(jobs, name), JobFolder(jobs.folder / name)
    os.kill(number(first), signal.SIGKILL)
    os.killpg(number(verb), signal.SIGKILL)
    assert ended(first) and ended(verb)
    folder.progress.unlink()
    again = subprocess.Popen([sys.executable, "-m", "harness.jobs.supervise", str(folder.path)], cwd=ROOT)
    while jobs.get(name).state == "lost":  # until it has said that it is there
        assert again.poll() is None
        time.sleep(0.05)
    until(jobs, name, is_decoding)
    jobs.cancel(name)
    done = jobs.wait(name, PATIENCE_S)
    assert (done.state, done.exit_code) == ("cancelled", 130)  # interrupted, not killed
    again.wait(PATIENCE_S)


def test_what_does_not_listen_is_killed(jobs: Jobs, tmp_path: Path) -> None:
    name = jobs.start(long_comparison(tmp_path / "run"), "long")
    until(jobs, name, is_decoding)
    verb = verb_of(jobs, name)
    os.kill(number(verb), signal.SIGSTOP)  # it cannot react to an interrupt
    jobs.cancel(name)
    done = jobs.wait(name, PATIENCE_S)
    assert (done.state, done.exit_code) == ("cancelled", -signal.SIGKILL)
    assert not lives(verb)


def test_a_job_in_line_is_cancelled_without_ever_starting(jobs: Jobs, tmp_path: Path) -> None:
    first = jobs.start(comparison(tmp_path / "run"), "first")
    second = jobs.start(["report", str(tmp_path / "none")], "second")
    jobs.cancel(second)
    assert jobs.get(second).state == "cancelled"
    assert jobs.wait(first, PATIENCE_S).state == "done"
    assert jobs.get(second).started is None and jobs.log(second) == ""


def test_a_job_outlives_the_kill_of_whoever_started_it(tmp_path: Path) -> None:
    folder = tmp_path / "jobs"
    code = (
        "import sys, time; from harness.jobs import Jobs; jobs = Jobs(sys.argv[1]);"
        "print(jobs.start(sys.argv[2:], 'survivor'), flush=True); time.sleep(600)"
    )
    command = [sys.executable, "-c", code, str(folder), *comparison(tmp_path / "run", limit=2)]
    server = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)
    name = server.stdout.readline().strip()
    server.kill()
    server.wait()
    server.stdout.close()
    again = Jobs(folder)
    assert again.get(name).state == "running"
    assert again.wait(name, PATIENCE_S).state == "done"
    assert len(Run(tmp_path / "run").latency()) == 2


def test_a_kill_of_the_one_that_looks_after_it_is_noticed(jobs: Jobs, tmp_path: Path) -> None:
    name = jobs.start(long_comparison(tmp_path / "run"), "long")
    after = jobs.start(["report", str(tmp_path / "none")], "after")
    until(jobs, name, is_decoding)
    verb, supervisor = verb_of(jobs, name), supervisor_of(jobs, name)
    os.kill(number(supervisor), signal.SIGKILL)
    assert ended(supervisor)
    assert jobs.get(name).state == "running"  # the verb itself goes on
    assert jobs.get(after).state == "queued"
    jobs.cancel(name)
    assert ended(verb)
    assert jobs.get(name).state == "cancelled"
    assert jobs.wait(after, PATIENCE_S).state == "failed"


def test_a_job_whose_processes_all_died_is_lost_and_blocks_nobody(jobs: Jobs, tmp_path: Path) -> None:
    name = jobs.start(long_comparison(tmp_path / "run"), "long")
    until(jobs, name, is_decoding)
    verb, supervisor = verb_of(jobs, name), supervisor_of(jobs, name)
    os.kill(number(supervisor), signal.SIGKILL)
    os.killpg(number(verb), signal.SIGKILL)
    assert ended(supervisor) and ended(verb)
    assert jobs.get(name).state == "lost"
    assert jobs.wait(jobs.start(["report", str(tmp_path / "none")], "next"), PATIENCE_S).state == "failed"


def test_a_process_is_told_from_one_that_got_its_number_later() -> None:
    mine = identity(os.getpid())
    boot, pid, started = mine.rsplit("/", 2)
    assert lives(mine)
    assert not lives(f"{boot}/{pid}/{int(started) + 1}") and not lives(f"another-boot/{pid}/{started}")
    child = subprocess.Popen([sys.executable, "-c", "pass"])
    its = identity(child.pid)
    end = time.monotonic() + PATIENCE_S
    while lives(its):  # ended but not waited for: only its exit code is left
        assert time.monotonic() < end
        time.sleep(0.02)
    child.wait()


def test_jobs_step_back_behind_the_server(jobs: Jobs, tmp_path: Path) -> None:
    name = jobs.start(long_comparison(tmp_path / "run"), "long")
    until(jobs, name, is_decoding)
    pid = number(verb_of(jobs, name))
    assert os.getpriority(os.PRIO_PROCESS, pid) >= 10
    assert os.getsid(pid) not in (os.getsid(0), 0)


def test_the_password_is_not_handed_on(jobs: Jobs, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STREAMFLOW_PASSWORD", "open sesame")
    name = jobs.start(long_comparison(tmp_path / "run"), "long")
    until(jobs, name, is_decoding)
    assert b"open sesame" not in Path(f"/proc/{number(verb_of(jobs, name))}/environ").read_bytes()


@pytest.mark.parametrize("argv", [[], ["rm", "-rf"], ["--debug", "compare"]])
def test_only_verbs_are_started(jobs: Jobs, argv: list[str]) -> None:
    with pytest.raises(JobError, match="not a verb"):
        jobs.start(argv, "no")


@pytest.mark.parametrize("name", ["", "..", "../jobs", "20260101T000000000000-00000000", "x/y"])
def test_an_unknown_id_is_refused_in_a_line(jobs: Jobs, name: str) -> None:
    for ask in (jobs.get, jobs.log, jobs.cancel):
        with pytest.raises(JobError, match="no such job"):
            ask(name)


def test_of_jobs_that_are_over_the_oldest_are_forgotten(tmp_path: Path) -> None:
    jobs = Jobs(tmp_path / "jobs", kept=1)
    for title in ("first", "second", "third"):
        jobs.wait(jobs.start(["report", "no-such-run"], title), PATIENCE_S)
    assert [job.title for job in jobs.list()] == ["third", "second"]


def test_a_log_is_read_without_colours_and_lines_drawn_over(tmp_path: Path) -> None:
    log = tmp_path / "log.txt"
    log.write_bytes(b"one\n\x1b[31mtwo\x1b[0m\nbar 1\rbar 2\r\nerror: no\nbye\n\n")
    assert tail(log) == "one\ntwo\nbar 2\nerror: no\nbye"
    assert (last_line(log), last_line(log, error=True)) == ("bye", "error: no")
    log.write_bytes("╭─ Error ─╮\n│ Invalid value: no │\n╰─────────╯\n".encode())
    assert last_line(log, error=True) == "Invalid value: no"
    log.write_bytes(b"error: no\nbye\n\n")
    assert tail(log, 12) == "bye" and tail(tmp_path / "none") == ""
