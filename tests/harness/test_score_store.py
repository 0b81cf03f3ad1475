"""What is kept by content: whole or absent, also when its writer is killed or the disk is full."""

from __future__ import annotations

import errno
import os
import resource
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.score_store import ScoreStore, ScoreStoreError

ROOT = Path(__file__).parents[2]
json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=6,
)


@given(st.dictionaries(st.text("0123456789abcdef", min_size=1, max_size=64), json_values, max_size=8))
@settings(max_examples=30, deadline=None)
def test_what_is_put_is_what_is_got(tmp_path_factory, content):
    path = tmp_path_factory.mktemp("store") / "scores.sqlite"
    store = ScoreStore(path)
    store.put(content)
    store.close()
    again = ScoreStore(path)
    assert again.get([*content, "absent"]) == content
    assert again.has([*content, "absent"]) == set(content)
    again.close()


def test_more_keys_than_one_question_takes(tmp_path):
    store = ScoreStore(tmp_path / "scores.sqlite")
    content = {f"key-{number}": number for number in range(1_700)}
    store.put(content)
    assert store.get(content) == content


def test_a_killed_writer_leaves_whole_transactions(tmp_path):
    path = tmp_path / "scores.sqlite"
    code = (
        "import sys\nfrom pathlib import Path\nfrom harness.score_store import ScoreStore\n"
        "store = ScoreStore(Path(sys.argv[1]))\n"
        "for i in range(10**6):\n    store.put({f'{i}-{j}': [i] * 200 for j in range(5)}); print(i, flush=True)\n"
    )
    writer = subprocess.Popen([sys.executable, "-c", code, str(path)], cwd=ROOT, stdout=subprocess.PIPE, text=True)
    told = [int(writer.stdout.readline()) for _ in range(40)][-1]
    writer.send_signal(signal.SIGKILL)
    writer.wait()
    store = ScoreStore(path)
    for i in range(told + 1):
        assert len(store.get(f"{i}-{j}" for j in range(5))) == 5
    for i in range(told + 1, told + 50):  # what was under way is there whole or not at all
        assert len(store.has(f"{i}-{j}" for j in range(5))) in (0, 5)


def test_a_full_disk_is_an_error_that_names_the_file(tmp_path):
    path = tmp_path / "scores.sqlite"
    store = ScoreStore(path)
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    before = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, hard))
    try:
        with pytest.raises(OSError) as caught:
            store.put({"key": os.urandom(200_000).hex()})
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        signal.signal(signal.SIGXFSZ, before)
    assert caught.value.filename == str(path)
    assert caught.value.errno in (errno.ENOSPC, errno.EIO)
    store.put({"key": 1})
    assert store.get(["key"]) == {"key": 1}


def test_a_file_of_something_else_is_refused_in_one_line(tmp_path):
    path = tmp_path / "scores.sqlite"
    path.write_bytes(b"not a database, " * 100)
    with pytest.raises(ScoreStoreError, match=r"scores.sqlite: not usable .* remove it"):
        ScoreStore(path)
