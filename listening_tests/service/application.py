"""The service as a FastAPI application: routes, headers, limits. What they do is in the files beside it."""

from __future__ import annotations

import mimetypes
import re
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from fastapi import FastAPI, Request, Response
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import JSONResponse, RedirectResponse
from limits import RateLimitItemPerMinute, storage, strategies

from ..errors import AnswerError, StudyError
from ..opening import OpenStudy
from ..page.texts import texts
from ..store import StoreUnavailable
from .headers import SecurityHeaders
from .listeners import Listeners
from .wire import Problem, bearer, json_body

STATIC = Path(__file__).parents[1] / "page" / "static"
PUBLIC = {".js", ".css", ".svg"}  # of the page's own files
RANGE = re.compile(r"bytes=(\d*)-(\d*)")
SESSIONS_A_MINUTE, ANSWERS_A_MINUTE, SOUNDS_A_MINUTE = 600, 120, 600
"""Sessions begun from one address; answers and sounds of one session. Simulations run faster than people and are exempt."""


def create_service(
    find: Callable[[str], OpenStudy | None], *, clock: Callable[[], float] = time.time, limited: bool = True
) -> FastAPI:
    """The listeners' interface, to which the pages are mounted.

    Args:
        find: a study by its public token.
        clock: seconds since 1970.
        limited: whether requests are counted; off for simulated listeners alone.
    """
    app = FastAPI(title="listening tests", docs_url=None, redoc_url=None, openapi_url=None)
    app.add_middleware(SecurityHeaders)
    listeners, allow = Listeners(find, clock), _limiter(limited)
    _add_errors(app)

    @app.get("/api/studies/{token}")
    def study(token: str) -> dict[str, Any]:
        return listeners.describe(token)

    @app.post("/api/sessions")
    async def begin(request: Request) -> dict[str, Any]:
        allow("sessions", request.client.host if request.client else "", SESSIONS_A_MINUTE)
        return await run_in_threadpool(listeners.begin, await json_body(request))

    @app.get("/api/step")
    def step(request: Request) -> dict[str, Any]:
        return listeners.current(listeners.visitor(bearer(request)))

    @app.post("/api/answers")
    async def answer(request: Request) -> dict[str, Any]:
        token = bearer(request)
        allow("answers", token, ANSWERS_A_MINUTE)
        body = await json_body(request)
        return await run_in_threadpool(lambda: listeners.answer(listeners.visitor(token), body))

    @app.post("/api/withdraw")
    async def withdraw(request: Request) -> dict[str, Any]:
        token, body = bearer(request), await json_body(request)
        return await run_in_threadpool(lambda: listeners.withdraw(listeners.visitor(token), body))

    @app.get("/a/{address}")
    def sound(address: str, request: Request) -> Response:
        token = bearer(request)
        allow("sounds", token, SOUNDS_A_MINUTE)
        return _ranged(listeners.sound(listeners.visitor(token), address), address, request.headers.get("range"))

    @app.get("/s/{token}")
    def link(token: str, request: Request) -> Response:
        listeners.study(token)
        query = "&".join(part for part in (f"study={token}", request.url.query) if part)
        return RedirectResponse(f"/listen/?{query}", status_code=303)

    @app.get("/assets/texts.json")
    def interface_texts(lang: str = "en") -> Response:
        try:
            return JSONResponse(texts(lang), headers={"Cache-Control": "public, max-age=300"})
        except StudyError:
            raise Problem(404, "the page does not speak that language") from None

    @app.get("/assets/{name:path}")
    def asset(name: str) -> Response:
        path = (STATIC / name).resolve()
        if not path.is_relative_to(STATIC.resolve()) or path.suffix not in PUBLIC or not path.is_file():
            raise Problem(404, "there is no such file")
        kind = mimetypes.guess_type(path.name)[0] or "application/octet-stream"
        return Response(path.read_bytes(), media_type=kind, headers={"Cache-Control": "public, max-age=60"})

    return app


def _add_errors(app: FastAPI) -> None:
    """Errors as one JSON line that names no file and no system."""

    @app.exception_handler(Problem)
    async def problem(request: Request, error: Problem) -> Response:
        return JSONResponse({"error": error.error, **error.facts}, status_code=error.status)

    @app.exception_handler(AnswerError)
    async def refused(request: Request, error: AnswerError) -> Response:
        return JSONResponse({"error": str(error)}, status_code=422)

    @app.exception_handler(StoreUnavailable)
    async def unavailable(request: Request, error: StoreUnavailable) -> Response:
        return JSONResponse({"error": "the study cannot be reached just now"}, status_code=503, headers={"Retry-After": "2"})

    @app.exception_handler(StudyError)
    async def study_error(request: Request, error: StudyError) -> Response:
        return JSONResponse({"error": "the study cannot go on; tell who sent you the link"}, status_code=500)


def _limiter(limited: bool) -> Callable[[str, str, int], None]:
    counter = strategies.MovingWindowRateLimiter(storage.MemoryStorage())

    def allow(what: str, who: str, a_minute: int) -> None:
        if limited and not counter.hit(RateLimitItemPerMinute(a_minute), what, who):
            raise Problem(429, "too many requests; wait a minute")

    return allow


def _ranged(content: bytes, address: str, wanted: str | None) -> Response:
    """The file or the part asked for (RFC 9110, section 14); one range at most."""
    headers = {"Cache-Control": "no-store", "Accept-Ranges": "bytes", "ETag": f'"{address[::-1]}"'}
    match = RANGE.fullmatch(wanted.strip()) if wanted else None
    if match is None or match.groups() == ("", ""):
        return Response(content, media_type="audio/wav", headers=headers)
    first, last = match.groups()
    start = int(first) if first else max(0, len(content) - int(last))
    stop = min(int(last), len(content) - 1) if first and last else len(content) - 1
    if start > stop:
        return Response(status_code=416, headers={**headers, "Content-Range": f"bytes */{len(content)}"})
    headers["Content-Range"] = f"bytes {start}-{stop}/{len(content)}"
    return Response(content[start : stop + 1], status_code=206, media_type="audio/wav", headers=headers)
