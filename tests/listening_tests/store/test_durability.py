"""kill -9 at random moments, of writers and of the database itself: nothing acknowledged is lost, nothing is doubled."""

from __future__ import annotations

import os
import random
import shutil
import sqlite3
import subprocess
import sys
import threading
import time
from collections import Counter
from pathlib import Path

import pytest

from listening_tests.store import Store

WRITER = Path(__file__).with_name("writer.py")
ROOT = Path(__file__).parents[3]


def start_writer(url: str, name: str, out: Path, listeners: int = 4) -> subprocess.Popen:
    command = [sys.executable, str(WRITER), url, name, str(listeners)]
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
    with out.open("ab") as stream:
        return subprocess.Popen(command, stdout=stream, cwd=ROOT, env=environment)


def acknowledged(out: Path) -> tuple[dict[str, tuple[str, int]], set[tuple[str, int, str]]]:
    """(resume key -> session and slot, {(session, position, client id)}) that a writer was told are kept."""
    sessions, answers = {}, set()
    for line in out.read_text().splitlines():
        kind, first, second, third = line.split()
        if kind == "session":
            assert sessions.setdefault(first, (second, int(third))) == (second, int(third))
        else:
            answers.add((first, int(second), third))
    return sessions, answers


def check(url: str, outs: list[Path]) -> int:
    """How many answers were acknowledged, all of them found once, no answer twice, no slot with two holders."""
    with Store.open(url) as store:
        rows = store.answers("voices")
        holding = [row.slot for row in store.sessions("voices") if row.state in ("planning", "active", "complete")]
        held = list(store.counts("voices").slots)
        kept = Counter((row.session_id, row.position) for row in rows)
        found = {row.session_id for row in rows}
        told = 0
        for out in outs:
            sessions, answers = acknowledged(out)
            told += len(answers)
            for session_id, position, _ in answers:
                assert kept[session_id, position] == 1
            assert {session_id for session_id, _, _ in answers} <= found
            for session_id, slot in sessions.values():
                assert store.steps(session_id)[0].step.public == {"slot": slot}
    assert set(kept.values()) <= {1}
    assert sorted(holding) == held  # every holder has a slot of its own
    positions: dict[str, list[int]] = {}
    for session_id, position in sorted(kept):
        positions.setdefault(session_id, []).append(position)
    assert all(found == list(range(len(found))) for found in positions.values())  # no gap
    return told


def wait_for_answers(writer: subprocess.Popen, out: Path, more: int) -> None:
    """Until a writer was told of that many more answers: rounds are as long as answers take, on any machine."""
    before = out.read_bytes().count(b"answer ") if out.exists() else 0
    while not out.exists() or out.read_bytes().count(b"answer ") < before + more:
        assert writer.poll() is None, "a writer ended by itself"
        time.sleep(0.01)


def kill_writers_again_and_again(url: str, folder: Path, rounds: int, processes: int, seed: int) -> None:
    """Each round every writer has a number of answers acknowledged, drawn anew, and is killed at some moment after."""
    chance, outs = random.Random(seed), [folder / f"writer-{index}" for index in range(processes)]
    Store.open(url).close()
    wanted = 0
    for _ in range(rounds):
        # the same names every round: listeners whose process was killed come back and resume
        writers = [start_writer(url, out.name, out) for out in outs]
        for writer, out in zip(writers, outs, strict=True):
            more = chance.randint(1, 30)
            wait_for_answers(writer, out, more)
            wanted += more
        time.sleep(chance.uniform(0.0, 0.1))
        for writer in writers:
            writer.kill()
            writer.wait()
    assert check(url, outs) >= wanted


def test_killed_writers_lose_and_double_nothing(database_url, tmp_path) -> None:
    kill_writers_again_and_again(database_url, tmp_path, rounds=2, processes=2, seed=1)


@pytest.mark.slow
def test_killed_writers_lose_and_double_nothing_in_many_rounds(database_url, tmp_path) -> None:
    kill_writers_again_and_again(database_url, tmp_path, rounds=12, processes=2, seed=2)


@pytest.mark.slow
def test_a_killed_postgresql_loses_nothing_and_writers_go_on(own_postgres, tmp_path) -> None:
    url, out, chance = own_postgres.new_database(), tmp_path / "writer", random.Random(3)
    Store.open(url).close()
    writer = start_writer(url, "writer", out)
    try:
        for _ in range(3):
            wait_for_answers(writer, out, more=30)
            time.sleep(chance.uniform(0, 0.2))
            own_postgres.kill()
            own_postgres.start()
    finally:
        writer.kill()
        writer.wait()
    assert check(url, [out]) >= 90


def test_a_power_failure_that_tears_the_log_keeps_all_that_was_acknowledged(tmp_path) -> None:
    """The WAL cut anywhere after the last acknowledged commit: what follows is lost, what was acknowledged is not."""
    path, out = tmp_path / "ratings.sqlite", tmp_path / "writer"
    Store.open(path).close()
    writer = start_writer(f"sqlite:///{path}", "writer", out, listeners=1)
    wal = tmp_path / "ratings.sqlite-wal"
    copies = []
    try:
        while len(copies) < 12:
            told = out.read_bytes() if out.exists() else b""
            if not told or (copies and copies[-1][1] == told):
                time.sleep(0.002)
                continue
            size = wal.stat().st_size  # at least what the acknowledged answers need
            copy = tmp_path / f"copy-{len(copies)}"
            copy.mkdir()
            try:
                shutil.copy(path, copy / path.name)
                (copy / wal.name).write_bytes(wal.read_bytes()[: size + random.Random(len(copies)).randrange(4000)])
            except FileNotFoundError:
                continue
            copies.append((copy / path.name, told))
    finally:
        writer.kill()
        writer.wait()
    for copy, told in copies:
        note = copy.parent / "told"
        note.write_bytes(told[: told.rfind(b"\n") + 1])
        check(str(copy), [note])


def test_every_connection_syncs_each_commit(database_url) -> None:
    """What a kill cannot show: that a commit waits for the disk, also where the server was told not to."""
    from sqlalchemy import text

    with Store.open(database_url) as store:
        ask = "PRAGMA synchronous" if "sqlite" in database_url else "SHOW synchronous_commit"
        wanted = 2 if "sqlite" in database_url else "on"
        assert store._database.write(lambda connection: connection.scalar(text(ask))) == wanted
        if "sqlite" in database_url:
            mode = store._database.read(lambda connection: connection.scalar(text("PRAGMA journal_mode")))
            assert mode == "wal"


def test_a_file_locked_by_another_program_is_waited_for(tmp_path) -> None:
    path = tmp_path / "ratings.sqlite"
    with Store.open(path) as store:
        store.add_study("voices", "hash", {})
        other = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
        other.execute("BEGIN IMMEDIATE")
        freed = threading.Event()

        def free() -> None:
            freed.set()
            other.execute("COMMIT")

        threading.Timer(0.5, free).start()
        store.set_state("voices", "closed")
        assert freed.is_set(), "it did not wait"
        assert store.study("voices").state == "closed"
