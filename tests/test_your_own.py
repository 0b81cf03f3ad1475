"""What docs/your-own.md shows runs as it stands there: a decoder behind a real server is compared."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import numpy as np
import pytest

from harness.corpus import SHIPPED, load_corpus
from harness.run import Run
from tests.ports import free_port

ROOT = Path(__file__).resolve().parent.parent
TEXT = (ROOT / "docs" / "your-own.md").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The files of the document."""
    path = tmp_path_factory.mktemp("own")
    for name, code in re.findall(r"```python\n# (\w+\.py)\n(.*?)```", TEXT, re.S):
        (path / name).write_text(code, encoding="utf-8")
    assert sorted(file.name for file in path.iterdir()) == ["mine.py", "remote.py", "serve.py"]
    return path


@pytest.fixture(scope="module")
def server(folder: Path) -> Iterator[str]:
    port = free_port()
    command = [sys.executable, "-m", "uvicorn", "serve:app", "--port", str(port), "--log-level", "warning"]
    process = subprocess.Popen(command, cwd=folder, env={**os.environ, "PYTHONPATH": f"{ROOT}{os.pathsep}{folder}"})
    url, deadline = f"http://127.0.0.1:{port}", time.monotonic() + 900
    while True:
        try:
            httpx.get(f"{url}/version", timeout=10)
            break
        except httpx.HTTPError:
            assert process.poll() is None and time.monotonic() < deadline, "the server of the document does not start"
            time.sleep(0.1)
    yield url
    process.terminate()
    process.wait(300)


def streamflow(folder: Path, *arguments: str, url: str) -> subprocess.CompletedProcess:
    command = [sys.executable, "-c", "from harness.cli import app; app()", *arguments]
    environment = {**os.environ, "DECODER_URL": url, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True)


@pytest.mark.slow
def test_a_decoder_behind_a_server_gives_what_it_gives_here(folder: Path, server: str):
    done = streamflow(
        folder, "compare", "--corpus", str(SHIPPED), "--systems", "here=mine:Decoder,there=remote:Remote", "--limit", "1",
        "--metrics", "stoi", "--out", "run", url=server,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    run = Run(folder / "run")
    assert len(run.failures()) == 0
    name = run.utterances[0]["utterance_id"]
    np.testing.assert_array_equal(run.audio("here", name), run.audio("there", name))
    traces = run.traces()
    assert (traces["system"] == "there").sum() > 10  # it streams


def test_a_cancelled_session_is_forgotten_and_an_unknown_one_refused(server: str):
    session = httpx.post(f"{server}/sessions", json={"seed": 0, "speaker": [0.0]}).json()["session"]
    assert len(httpx.post(f"{server}/sessions/{session}/tokens", json=[[1], [2]]).content) == 2 * 640 * 4
    httpx.delete(f"{server}/sessions/{session}")
    assert httpx.post(f"{server}/sessions/{session}/tokens", json=[[1]]).status_code == 404


def test_the_manifest_is_one(tmp_path: Path):
    (tmp_path / "manifest.csv").write_text(re.search(r"```csv\n(.*?)```", TEXT, re.S)[1], encoding="utf-8")
    utterances = load_corpus(tmp_path / "manifest.csv").utterances
    assert [u.speaker_id for u in utterances] == ["anna", "anna"] and utterances[1].text == ""
