"""``python app.py`` as a newcomer starts and stops it."""

from __future__ import annotations

import contextlib
import os
import re
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import httpx
import pytest

from tests.ports import free_port

ROOT = Path(__file__).resolve().parent.parent
PATIENCE_S = 300  # a start imports torch and Gradio, on a machine with other work to do
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
    _, said = process.communicate(timeout=PATIENCE_S)
    assert process.returncode == 2
    assert said.startswith("error: ") and says in said and said.count("\n") == 1


def started(process: subprocess.Popen) -> tuple[str, httpx.Response]:
    """The printed link, and what it leads to as soon as there is anything."""
    link = re.search(r"http://127\.0\.0\.1:\d+/login\?token=\S+", process.stdout.readline()).group()
    deadline = time.monotonic() + PATIENCE_S
    while time.monotonic() < deadline:
        try:
            return link, httpx.get(link, timeout=30)
        except httpx.HTTPError:
            assert process.poll() is None, process.stderr.read()
            time.sleep(0.1)
    raise AssertionError("it does not answer")


def test_it_starts_without_a_study_and_ctrl_c_stops_it(tmp_path):
    port, scratch = free_port(), tmp_path / "tmp"
    scratch.mkdir()
    (scratch / "streamflow-app-999999999-left").mkdir()  # by a server that was killed
    process = app("--studies", tmp_path / "studies", "--runs", tmp_path / "runs", "--port", port, TMPDIR=str(scratch))
    try:
        _, page = started(process)
        (kept,) = scratch.glob("streamflow-app-*")
        assert kept.name.startswith(f"streamflow-app-{process.pid}-") and kept.stat().st_mode & 0o777 == 0o700
        assert page.status_code == 200 and "token" in page.text
        front = httpx.get(f"http://127.0.0.1:{port}/", headers={"Accept": "text/html"}, timeout=PATIENCE_S)
        assert front.headers["location"] == "/login"
        assert httpx.get(f"http://127.0.0.1:{port}/s/none", timeout=PATIENCE_S).status_code == 404
        process.send_signal(signal.SIGINT)
        _, said = process.communicate(timeout=PATIENCE_S)
        assert process.returncode in (0, 130, -signal.SIGINT) and "Traceback" not in said
        assert not list(scratch.iterdir())  # nothing that passed through it stays
    finally:
        process.kill()
        process.wait()


def test_a_port_that_is_taken_is_one_line(tmp_path):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        process = app("--studies", tmp_path / "studies", "--runs", tmp_path / "runs", "--port", port)
        _, said = process.communicate(timeout=PATIENCE_S)
    assert process.returncode == 2
    said = [line for line in said.splitlines() if "Warning" not in line and not line.startswith(" ")]
    assert said == [f"error: 127.0.0.1 port {port}: Address already in use; stop what listens there, or give --port"]


def test_requests_that_no_browser_sends_do_it_no_harm(tmp_path):
    port = free_port()
    process = app("--studies", tmp_path / "studies", "--runs", tmp_path / "runs", "--port", port)
    try:
        started(process)
        many = b"".join(b"X-%d: %s\r\n" % (index, b"x" * 1000) for index in range(200))
        strange = {
            b"GET /login HTTP/1.1\r\nHost: x\r\n" + many + b"\r\n": 400,  # 200 kB of headers
            b"GET /" + b"x" * 200_000 + b" HTTP/1.1\r\nHost: x\r\n\r\n": 400,
            b"POST /login HTTP/1.1\r\nHost: x\r\nContent-Length: 999999999999\r\n\r\n": 413,
            b"POST /login HTTP/1.1\r\nHost: x\r\nContent-Length: -5\r\n\r\n": 400,
            b"POST /login HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n": 400,
            b"GET /app/config HTTP/1.1\r\nHost: x\r\nCookie: " + b"administrator=a; " * 500 + b"\r\n\r\n": 401,
            b"GET /files/%00/%2e%2e/x HTTP/1.1\r\nHost: x\r\n\r\n": 404,
            b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"\r\n\r\n": 400,
        }
        for sent, status in strange.items():
            assert status_of(port, sent) == status, sent[:60]
        assert httpx.get(f"http://127.0.0.1:{port}/login", timeout=PATIENCE_S).status_code == 200
    finally:
        process.kill()
        process.communicate()


def status_of(port: int, sent: bytes) -> int:
    """Of the answer to bytes as they are."""
    with socket.create_connection(("127.0.0.1", port), timeout=PATIENCE_S) as connection:
        with contextlib.suppress(OSError):  # it may have hung up before the end
            connection.sendall(sent)
        received = b""
        with contextlib.suppress(ConnectionResetError):
            while b"\r\n" not in received and (more := connection.recv(4096)):
                received += more
    return int(received.split()[1]) if received else 400
