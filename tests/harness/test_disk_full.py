"""A disk that fills up ends a run with one line, and what was finished stays good."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
from pathlib import Path

import pytest

from harness.experiment import load_experiment
from harness.failures import DiskFullError, FailureLog, raise_if_disk_full
from harness.run import Run
from harness.storage import write_bytes

from .conftest import PLUGINS

ROOT = Path(__file__).parents[2]
MOUNT = ["unshare", "--user", "--map-root-user", "--mount"]


def can_mount() -> bool:
    """Whether a small file system can be mounted in a name space of one's own, as root in it."""
    try:
        return subprocess.run([*MOUNT, "mount", "-t", "tmpfs", "tmpfs", "/mnt"], capture_output=True).returncode == 0
    except FileNotFoundError:
        return False


def go(prefix: str, toml: Path, out: Path) -> subprocess.CompletedProcess:
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
    command = f"{prefix} {sys.executable} go.py {toml} {out}"
    return subprocess.run(
        ["sh", "-c", command], cwd=PLUGINS, env=environment, capture_output=True, text=True, timeout=300
    )


def is_one_clear_line(process: subprocess.CompletedProcess) -> bool:
    lines = process.stderr.splitlines()
    return process.returncode == 2 and len(lines) == 1 and "no space left" in lines[0] and "same command" in lines[0]


@pytest.mark.skipif(not can_mount(), reason="needs unprivileged user name spaces to mount a small disk")
def test_a_full_disk_ends_with_one_line_and_more_space_finishes_the_run(make_corpus, tmp_path):
    toml, disk, script = tmp_path / "x.toml", tmp_path / "disk", tmp_path / "script.sh"
    disk.mkdir()
    toml.write_text(load_experiment(corpus=make_corpus(4), systems="mine=chunked:Resynthesis", metrics=[]).to_toml())
    script.write_text(
        f"mount -t tmpfs -o size=256k tmpfs {disk}\n"
        f"{sys.executable} go.py {toml} {disk}/run; echo first $? >&2\n"
        f"mount -o remount,size=64m {disk}\n"
        f"{sys.executable} go.py {toml} {disk}/run; echo second $? >&2\n"
    )
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
    process = subprocess.run(
        [*MOUNT, "sh", str(script)], cwd=PLUGINS, env=environment, capture_output=True, text=True, timeout=300
    )
    error, first, second = process.stderr.splitlines()
    assert error.startswith("error: no space left while writing ")
    assert first == "first 2"
    assert second == "second 0"
    kept = int(process.stdout.split()[3])
    assert 1 <= kept < 4


def test_a_file_size_limit_ends_with_one_line_and_lifting_it_finishes_the_run(make_corpus, tmp_path):
    toml, out = tmp_path / "x.toml", tmp_path / "run"
    toml.write_text(load_experiment(corpus=make_corpus(2), systems="mine=chunked:Resynthesis", metrics=[]).to_toml())
    process = go("ulimit -f 20;", toml, out)  # blocks of 512 bytes: less than any FLAC here
    assert is_one_clear_line(process), process.stderr
    process = go("", toml, out)
    assert process.returncode == 0, process.stderr
    assert len(Run(out).latency()) == 2


def test_a_lack_of_space_is_seen_through_the_errors_that_came_of_it():
    try:
        try:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), "/x/y.flac")
        except OSError as error:
            raise RuntimeError("could not save") from error
    except RuntimeError as error:
        with pytest.raises(DiskFullError, match=r"while writing /x/y\.flac"):
            raise_if_disk_full(error)


def test_other_errors_are_rows_and_a_full_disk_is_not():
    failures = FailureLog()
    with failures.catch(["a", "b"], "u", "load") as attempt:
        raise PermissionError(errno.EACCES, "Permission denied", "/x")
    assert attempt.failed
    assert [(row.system, row.utterance, row.stage) for row in failures.rows] == [("a", "u", "load"), ("b", "u", "load")]
    with pytest.raises(DiskFullError), failures.catch("a", "u", "write"):
        raise OSError(errno.EDQUOT, "Disk quota exceeded")
    assert len(failures.rows) == 2


def test_a_write_that_fails_leaves_the_old_file_and_no_part(tmp_path):
    path = tmp_path / "table"
    write_bytes(path, b"old")
    path_of_device = tmp_path / ".table.partial"
    path_of_device.symlink_to("/dev/full")
    with pytest.raises(OSError, match=str(path)) as caught:
        write_bytes(path, b"new")
    assert caught.value.errno == errno.ENOSPC
    assert path.read_bytes() == b"old"
    assert not path_of_device.is_symlink()
