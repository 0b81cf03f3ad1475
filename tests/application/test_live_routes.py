"""Live decodes over HTTP: whose they are, what is refused, and that a follower holds nobody else up."""

from __future__ import annotations

import contextlib
import json
import threading
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import httpx
import pytest
import uvicorn
from fastapi import FastAPI
from starlette.testclient import TestClient

from application.routes.live import add_live_routes
from application.visitor import Visitors
from harness.corpus import SHIPPED, load_corpus
from harness.live.engine import LiveEngine
from harness.live.limits import Limits
from tests.ports import free_port

VIEW = {"query": "utterance=flite_awb_1&system=naive"}
SMALL = Limits(running=0, upload_bytes=300_000, queued_per_visitor=4)  # nothing runs: jobs wait


@pytest.fixture
def app() -> Iterator[FastAPI]:
    engine = LiveEngine(load_corpus(SHIPPED), limits=SMALL)
    app = FastAPI()
    add_live_routes(app, SimpleNamespace(live=engine))
    app.add_middleware(Visitors)
    yield app
    engine.close()


def one_line(reply: object, status: int) -> str:
    assert reply.status_code == status, reply.text
    error = reply.json()["error"]
    assert error and "\n" not in error
    return error


def test_a_job_is_told_from_any_event_on_until_its_end(app: FastAPI):
    client = TestClient(app)
    job = client.post("/live/jobs", json=VIEW).json()["id"]
    assert client.post(f"/live/jobs/{job}/cancel").status_code == 202
    reply = client.get(f"/live/jobs/{job}/events")
    assert reply.headers["content-type"] == "application/x-ndjson"
    told = [json.loads(line) for line in reply.text.splitlines()]
    assert [event["kind"] for event in told] == ["queued", "cancelled"]
    later = client.get(f"/live/jobs/{job}/events?from=1").text.splitlines()
    assert [json.loads(line) for line in later] == told[1:]


def test_somebody_elses_job_is_as_one_that_is_not_there(app: FastAPI):
    mine, other = TestClient(app), TestClient(app)
    job = mine.post("/live/jobs", json=VIEW).json()["id"]
    for path in ("events", "audio/naive.wav", "side-by-side"):
        said = one_line(other.get(f"/live/jobs/{job}/{path}"), 404)
        assert said.replace(job, "") == one_line(other.get(f"/live/jobs/none/{path}"), 404).replace("none", "")
    one_line(other.post(f"/live/jobs/{job}/cancel"), 404)
    kinds = [json.loads(line)["kind"] for line in _first_lines(mine, job)]
    assert "cancelled" not in kinds


def _first_lines(client: TestClient, job: str) -> list[str]:
    """What has been told so far; the job is ended so that the answer is."""
    client.post(f"/live/jobs/{job}/cancel")
    lines = client.get(f"/live/jobs/{job}/events").text.splitlines()
    return lines[:-1]


@pytest.mark.parametrize(
    ("body", "named"),
    [
        ({"query": "utterance=nobody&system=naive"}, "utterance"),
        ({"query": "utterance=flite_awb_1&system=nothing"}, "system"),
        ({"query": "utterance=flite_awb_1"}, "systems"),
        ({"query": "utterance=flite_awb_1&system=naive&checkpoint=../small"}, "checkpoint"),
        ({"query": "upload=none&system=naive"}, "upload"),
        ({"query": "utterance=" + "a" * 9000}, "query"),
        ({"query": 3}, "query"),
        ({}, "query"),
    ],
)
def test_a_view_that_cannot_be_decoded_is_refused_by_its_key(app: FastAPI, body: dict, named: str):
    reply = TestClient(app).post("/live/jobs", json=body)
    assert named in one_line(reply, 404 if named == "upload" else 422)


def test_who_has_enough_under_way_is_told_to_come_again(app: FastAPI):
    client = TestClient(app)
    jobs = [client.post("/live/jobs", json=VIEW).json()["id"] for _ in range(SMALL.queued_per_visitor)]
    busy = client.post("/live/jobs", json=VIEW)
    assert "cancel one or wait" in one_line(busy, 429)
    assert int(busy.headers["retry-after"]) > 0
    assert TestClient(app).post("/live/jobs", json=VIEW).status_code == 201  # others are not held up
    client.post(f"/live/jobs/{jobs[0]}/cancel")
    assert client.post("/live/jobs", json=VIEW).status_code == 201


def test_an_upload_is_ones_own_until_it_is_deleted(app: FastAPI):
    mine, other = TestClient(app), TestClient(app)
    content = (Path(SHIPPED).parent / "flite_awb_1.flac").read_bytes()
    made = mine.post("/live/uploads", content=content).json()
    assert made["seconds"] == pytest.approx(2.51, abs=0.01)
    path = f"/live/uploads/{made['id']}"
    assert mine.get(path).json() == {"seconds": made["seconds"]}
    one_line(other.get(path), 404)
    one_line(other.delete(path), 404)
    one_line(other.post("/live/jobs", json={"query": f"upload={made['id']}&system=naive"}), 404)
    assert mine.post("/live/jobs", json={"query": f"upload={made['id']}&system=naive"}).status_code == 201
    assert mine.delete(path).status_code == 200
    one_line(mine.get(path), 404)


def test_an_upload_that_is_too_large_or_no_sound_is_refused(app: FastAPI):
    client = TestClient(app)
    large = b"x" * (SMALL.upload_bytes + 1)
    assert "MB" in one_line(client.post("/live/uploads", content=large), 422)
    assert "MB" in one_line(
        client.post("/live/uploads", content=(large[i : i + 5000] for i in range(0, len(large), 5000))), 422
    )
    one_line(client.post("/live/uploads", content=b"#!/bin/sh"), 422)
    one_line(client.post("/live/uploads", content=b""), 422)


def test_many_who_follow_hold_nobody_else_up(app: FastAPI, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("application.routes.live.ALIVE_S", 600)  # nobody lets go of a thread in between
    port = free_port()
    server = uvicorn.Server(uvicorn.Config(app, port=port, log_level="error", timeout_graceful_shutdown=1))
    thread = threading.Thread(target=server.run)
    thread.start()
    while not server.started:
        thread.join(0.05)
    limits = httpx.Limits(max_connections=None)
    try:
        with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=120, limits=limits) as client:
            job, lines = client.post("/live/jobs", json=VIEW).json()["id"], []
            with contextlib.ExitStack() as followers:
                for _ in range(50):  # the server has 40 threads for all other requests
                    reply = followers.enter_context(client.stream("GET", f"/live/jobs/{job}/events"))
                    lines.append(reply.iter_lines())  # kept: an iterator that is dropped closes its connection
                    assert json.loads(next(lines[-1]))["kind"] == "queued"
                assert client.get("/live/uploads/none").status_code == 404
                assert client.post(f"/live/jobs/{job}/cancel").status_code == 202
    finally:
        server.should_exit = True
        thread.join()
