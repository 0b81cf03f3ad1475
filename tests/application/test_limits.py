"""Bodies that are too large or too slow, and requests that are too many."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Any

import pytest
from fastapi import FastAPI, Request
from starlette.testclient import TestClient

from application.limits import SETTINGS, UPLOAD_BYTES, Paces
from listening_tests.service.guards import BodyLimit
from listening_tests.service.rates import Rates
from listening_tests.service.settings import Settings

KB = 1024


@pytest.fixture
def echo() -> TestClient:
    """Says how many bytes it was given, on any path."""
    app = FastAPI()

    @app.api_route("/{path:path}", methods=["GET", "POST", "PUT", "DELETE"])
    async def size(request: Request, path: str) -> int:
        return len(await request.body())

    app.add_middleware(BodyLimit, settings=SETTINGS)
    return TestClient(app)


def drip(total: int) -> Iterator[bytes]:
    """A body that does not say its size."""
    for _ in range(0, total, 64 * KB):
        yield b"x" * 64 * KB


@pytest.mark.parametrize(
    "path", ["/api/answers", "/login", "/live/jobs", "/blind/x", "/app/", "/none", "/live/uploadsx"]
)
@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "GET"])
def test_a_body_has_a_limit_on_every_route(echo: TestClient, method: str, path: str) -> None:
    assert echo.request(method, path, content=b"x" * 256 * KB).json() == 256 * KB
    for content in (b"x" * (256 * KB + 1), drip(320 * KB)):
        answer = echo.request(method, path, content=content)
        assert answer.status_code == 413
        assert answer.json() == {"error": "a request may have 256 kB here; this one is larger"}


def test_uploads_may_be_larger_and_have_a_limit_too(echo: TestClient) -> None:
    assert echo.post("/live/uploads", content=b"x" * UPLOAD_BYTES).json() == UPLOAD_BYTES
    assert echo.post("/live/uploads", content=drip(UPLOAD_BYTES + 128 * KB)).status_code == 413
    assert echo.post("/app/gradio_api/queue/join", content=b"x" * 1000 * KB).status_code == 200
    assert echo.post("/app/gradio_api/queue/join", content=b"x" * 1025 * KB).status_code == 413


@pytest.mark.parametrize("length", ["-1", "1e9", "abc", "9" * 400, "٣", "0x10", "+5", ""])
def test_a_length_that_is_none_is_refused(length: str) -> None:
    assert run(BodyLimit(never_reached, SETTINGS), [], length=length)[0]["status"] == 413


def test_a_body_that_does_not_come_is_not_waited_for() -> None:
    pieces = [{"type": "http.request", "body": b"{", "more_body": True}]  # and then nothing
    sent = run(BodyLimit(never_reached, Settings(body_s=0.05)), pieces, length="10")
    assert sent[0]["status"] == 408 and (b"connection", b"close") in sent[0]["headers"]


def test_somebody_who_left_is_not_answered() -> None:
    assert run(BodyLimit(never_reached, SETTINGS), [{"type": "http.disconnect"}], length="10") == []


async def never_reached(scope: Any, receive: Any, send: Any) -> None:
    raise AssertionError("a request that is not whole was passed on")


def run(app: Any, pieces: list[dict[str, Any]], *, length: str) -> list[dict[str, Any]]:
    """Send a request piece by piece, and say what was answered."""
    sent: list[dict[str, Any]] = []

    async def receive() -> dict[str, Any]:
        if not pieces:
            await asyncio.Event().wait()
        return pieces.pop(0)

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)

    scope = {
        "type": "http",
        "method": "POST",
        "path": "/api/answers",
        "headers": [(b"content-length", length.encode())],
    }
    asyncio.run(app(scope, receive, send))
    return sent


@pytest.mark.parametrize(("path", "most"), [("/live/uploads", 3), ("/live/jobs", 5), ("/jobs/x/cancel", 7)])
def test_what_costs_something_can_be_asked_for_only_so_often(path: str, most: int) -> None:
    app = FastAPI()
    app.api_route("/{path:path}", methods=["GET", "POST", "DELETE"])(lambda path: "done")
    assert [what for what, _ in SETTINGS.more_per_minute] == ["upload", "live", "post"]
    few = Settings(more_per_minute=(("upload", 3), ("live", 5), ("post", 7)))  # so that a minute is long enough
    app.add_middleware(Paces, rates=Rates(few))
    client = TestClient(app)
    answers = [client.post(path) for _ in range(most + 1)]
    assert [answer.status_code for answer in answers] == [200] * most + [429]
    assert answers[-1].json() == {"error": "too many requests; wait a minute and try again"}
    assert answers[-1].headers["retry-after"] == "60"
    assert (
        client.get(path).status_code == 200 and client.post("/api/answers").status_code == 200
    )  # others have their own
