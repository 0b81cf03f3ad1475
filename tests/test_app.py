"""``python app.py`` as a newcomer starts and stops it."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import httpx
import pytest

from listening_tests.simulation.server import free_port

ROOT = Path(__file__).resolve().parent.parent
ENVIRONMENT = {**{k: v for k, v in os.environ.items() if not k.startswith("STREAMFLOW_")}, "PYTHONUNBUFFERED": "1"}


def app(*given: object, **more: str) -> subprocess.Popen:
    command = [sys.executable, str(ROOT / "app.py"), *map(str, given)]
    environment = {**ENVIRONMENT, **more}
    return subprocess.Popen(
        command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )


@pytest.mark.parametrize(
    ("password", "says"), [("", "give a password"), ("short", "at least 12 characters")], ids=["none", "short"]
)
def test_others_are_not_let_near_it_without_a_password(tmp_path, password, says):
    more = {"STREAMFLOW_PASSWORD": password} if password else {}
    process = app("--host", "0.0.0.0", "--studies", tmp_path, "--port", free_port(), **more)
    _, said = process.communicate(timeout=60)
    assert process.returncode == 2
    assert said.startswith("error: ") and says in said and said.count("\n") == 1


def test_it_starts_without_a_study_and_ctrl_c_stops_it(tmp_path):
    port = free_port()
    process = app("--studies", tmp_path / "studies", "--runs", tmp_path / "runs", "--port", port)
    try:
        link = re.search(r"http://127\.0\.0\.1:\d+/login\?token=\S+", process.stdout.readline()).group()
        for _ in range(300):
            try:
                page = httpx.get(link, timeout=2)
                break
            except httpx.HTTPError:
                time.sleep(0.1)
        assert page.status_code == 200 and "token" in page.text
        assert httpx.get(f"http://127.0.0.1:{port}/").headers["location"] == "/administration/"
        assert httpx.get(f"http://127.0.0.1:{port}/s/none").status_code == 404
        process.send_signal(signal.SIGINT)
        _, said = process.communicate(timeout=30)
        assert process.returncode in (0, 130, -signal.SIGINT) and "Traceback" not in said
    finally:
        process.kill()
        process.wait()
