"""Live decodes over HTTP: begin, follow, cancel, hear; and uploads. All of it belongs to the browser that began it."""

from __future__ import annotations

import io
import json
import wave
from collections.abc import AsyncIterator, Callable, Iterator
from functools import cache
from typing import Annotated, Any
from urllib.parse import parse_qsl

import numpy as np
from anyio import CapacityLimiter, to_thread
from fastapi import Body, FastAPI, Query, Request
from fastapi.responses import JSONResponse, Response, StreamingResponse
from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect

from harness.live.errors import BusyError, LiveError, UnknownJobError, UploadError, ViewError
from harness.live.view import View
from streamflow.audio import SAMPLE_RATE
from streamflow.errors import StreamflowError

from ..site import Site
from ..visitor import visitor_of

Table = Annotated[dict[str, Any], Body()]
FROM = Annotated[int, Query(alias="from", ge=0)]
HEADERS = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}
STATUS: list[tuple[type[StreamflowError], int]] = [
    (UnknownJobError, 404), (BusyError, 429), (ViewError, 422), (UploadError, 422), (LiveError, 422), (StreamflowError, 422)
]  # fmt: skip
RETRY_S = 5  # a decode of a few seconds of speech ends about as soon
FOLLOWERS = 64  # tabs that follow a decode at once; the others wait, and nobody else does
ALIVE_S = 2.0  # after so long without an event a line says that the connection stands, or finds out that it does not
LONGEST_QUERY = 8000  # characters: eight systems with all their parameters take a quarter of it


def add_live_routes(app: FastAPI, site: Site) -> None:
    """Add the routes below ``/live``.

    Args:
        site: whose engine decodes.
    """
    _add_jobs(app, site)
    _add_results(app, site)
    _add_uploads(app, site)


def _add_jobs(app: FastAPI, site: Site) -> None:
    @app.post("/live/jobs")
    def begin(request: Request, table: Table) -> Response:
        def submit() -> Response:
            view = _view_of(table)
            return _answer({"id": site.live.submit(view, visitor_of(request))}, 201)

        return _told(submit)

    @app.get("/live/jobs/{name}/events")
    async def events(request: Request, name: str, start: FROM = 0) -> Response:
        try:
            following = site.live.events(name, visitor_of(request), start, ALIVE_S)
        except StreamflowError as error:
            return _refused(error)
        kind = "application/x-ndjson"
        return StreamingResponse(_lines(following), media_type=kind, headers={**HEADERS, "X-Accel-Buffering": "no"})

    @app.post("/live/jobs/{name}/cancel")
    def cancel(request: Request, name: str) -> Response:
        def stop() -> Response:
            site.live.cancel(name, visitor_of(request))
            return _answer({}, 202)

        return _told(stop)


def _add_results(app: FastAPI, site: Site) -> None:
    @app.get("/live/jobs/{name}/audio/{system}.wav")
    def audio(request: Request, name: str, system: str) -> Response:
        return _told(
            lambda: Response(_wav(site.live.audio(name, visitor_of(request), system)), 200, HEADERS, "audio/wav")
        )

    @app.get("/live/jobs/{name}/side-by-side")
    def side_by_side(request: Request, name: str) -> Response:
        from reports.side_by_side import side_by_side as drawn

        return _told(
            lambda: Response(
                drawn(site.live.result(name, visitor_of(request)), help_link="help"), 200, HEADERS, "text/html"
            )
        )


def _add_uploads(app: FastAPI, site: Site) -> None:
    @app.post("/live/uploads")
    async def upload(request: Request) -> Response:
        try:
            data = await _body(request, site.live.limits.upload_bytes)
            made = await run_in_threadpool(site.live.add_upload, visitor_of(request), data)
        except StreamflowError as error:
            return _refused(error)
        return _answer({"id": made.id, "seconds": made.seconds}, 201)

    @app.get("/live/uploads/{name}")
    def describe(request: Request, name: str) -> Response:
        return _told(lambda: _answer({"seconds": site.live.uploads.get(name, visitor_of(request)).seconds}))

    @app.delete("/live/uploads/{name}")
    def forget(request: Request, name: str) -> Response:
        def drop() -> Response:
            site.live.drop_upload(name, visitor_of(request))
            return _answer({})

        return _told(drop)


def _view_of(table: dict[str, Any]) -> View:
    query = table.get("query")
    if not isinstance(query, str) or len(query) > LONGEST_QUERY:
        raise ViewError("query: give what follows the '?' of a permanent link")
    return View.from_query(parse_qsl(query, keep_blank_values=True))


async def _lines(events: Iterator[dict[str, Any]]) -> AsyncIterator[bytes]:
    """Each event as a line. Waiting for the next takes a thread, of those that are there for followers alone."""
    while (
        event := await to_thread.run_sync(next, events, None, limiter=_followers(), abandon_on_cancel=True)
    ) is not None:
        yield json.dumps(event, separators=(",", ":"), allow_nan=False).encode() + b"\n"


@cache
def _followers() -> CapacityLimiter:
    return CapacityLimiter(FOLLOWERS)


async def _body(request: Request, most: int) -> bytes:
    """The body, refused as soon as it is too large, said or not."""
    error = UploadError(f"the file has more than {most / 1e6:g} MB; cut it or compress it (FLAC, Opus)")
    declared = request.headers.get("content-length", "0")
    if not declared.isdigit() or int(declared) > most:
        raise error
    data = bytearray()
    try:
        async for chunk in request.stream():
            data += chunk
            if len(data) > most:
                raise error
    except ClientDisconnect:
        raise UploadError("the file did not arrive whole; send it again") from None
    return bytes(data)


def _wav(samples: np.ndarray) -> bytes:
    """float32 ``[n]`` at 16 kHz as a file of 16-bit samples; what exceeds full scale is clipped, as on playing."""
    file = io.BytesIO()
    with wave.open(file, "wb") as out:
        out.setnchannels(1)
        out.setsampwidth(2)
        out.setframerate(SAMPLE_RATE)
        out.writeframes(np.round(np.clip(samples, -1, 1) * 32767).astype("<i2").tobytes())
    return file.getvalue()


def _told(make: Callable[[], Response]) -> Response:
    try:
        return make()
    except StreamflowError as error:
        return _refused(error)


def _answer(content: dict[str, Any], status: int = 200) -> Response:
    return JSONResponse(content, status, HEADERS)


def _refused(error: StreamflowError) -> Response:
    """One line; somebody else's job or upload is answered as one that is not there."""
    status = next(status for kind, status in STATUS if isinstance(error, kind))
    headers = {**HEADERS, "Retry-After": str(RETRY_S)} if isinstance(error, BusyError) else HEADERS
    return JSONResponse({"error": str(error)}, status, headers)
