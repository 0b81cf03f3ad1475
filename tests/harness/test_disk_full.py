"""A disk that fills up ends a run with one line, and what was finished stays good."""

from __future__ import annotations

import errno
import os
import resource
import subprocess
import sys
from pathlib import Path

import pytest
from front_end import MelQuantiser

from harness.compare import compare
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


FILL_THEN_GROW = """
import subprocess, sys
from go import go
experiment, disk = sys.argv[1:]
subprocess.run(["mount", "-t", "tmpfs", "-o", "size=256k", "tmpfs", disk], check=True)
print("first", go(experiment, disk + "/run"), flush=True)
subprocess.run(["mount", "-o", "remount,size=64m", disk], check=True)
print("second", go(experiment, disk + "/run"), flush=True)
"""


@pytest.mark.skipif(not can_mount(), reason="needs unprivileged user name spaces to mount a small disk")
def test_a_full_disk_ends_with_one_line_and_more_space_finishes_the_run(make_corpus, tmp_path):
    toml, disk = tmp_path / "x.toml", tmp_path / "disk"
    disk.mkdir()
    toml.write_text(load_experiment(corpus=make_corpus(4), systems="mine=chunked:Resynthesis", metrics=[]).to_toml())
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
    process = subprocess.run(
        [*MOUNT, sys.executable, "-c", FILL_THEN_GROW, str(toml), str(disk)],
        cwd=PLUGINS,
        env=environment,
        capture_output=True,
        text=True,
    )
    assert process.stderr == ""
    error, first, outcome, second = process.stdout.splitlines()
    assert error.startswith("error: no space left while writing ")
    assert "the same command again" in error
    assert (first, second) == ("first 2", "second 0")
    kept = int(outcome.split()[3])
    assert 1 <= kept < 4


def test_a_file_size_limit_ends_with_one_line_and_lifting_it_finishes_the_run(make_corpus, tmp_path):
    wanted = load_experiment(corpus=make_corpus(2), systems="mine=chunked:Resynthesis", metrics=[])
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (10_000, hard))  # bytes: less than any FLAC here
    try:
        with pytest.raises(DiskFullError, match=r"no space left while writing .*flac .*same command"):
            compare(wanted, tmp_path / "run", front_end=MelQuantiser(), jobs=1)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert compare(wanted, tmp_path / "run", front_end=MelQuantiser(), jobs=1).decoded == 2
    assert len(Run(tmp_path / "run").latency()) == 2


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
