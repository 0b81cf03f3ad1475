"""Blind tests on the spot over live decodes: begin one, fetch its sounds, answer, end it. All of it one visitor's own."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any

import numpy as np
from fastapi import Body, FastAPI, Request
from fastapi.responses import JSONResponse, Response

from listening_tests.on_the_spot import BlindTest, BlindTestError, Desk, NoSuchTestError
from streamflow.audio import SAMPLE_RATE
from streamflow.errors import StreamflowError

from ..visitor import visitor_of

Sounds = Callable[[str, str, str], np.ndarray]
"""(job, visitor, system or ``reference``) -> float32 ``[n]`` at 16 kHz; a StreamflowError where there is none."""

Table = Annotated[dict[str, Any], Body()]
HEADERS = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}


def add_blind_routes(app: FastAPI, desk: Desk, sounds: Sounds) -> None:
    """Add the routes below ``/blind``.

    Args:
        desk: where tests are kept.
        sounds: of a live decode.
    """

    @app.post("/blind/tests")
    def begin(request: Request, table: Table) -> Response:
        return _told(lambda: desk.put(visitor_of(request), _made(table, visitor_of(request), sounds)))

    @app.get("/blind/tests/{name}")
    def state(request: Request, name: str) -> Response:
        return _told(lambda: desk.state(visitor_of(request), name))

    @app.post("/blind/tests/{name}/answers")
    def answer(request: Request, name: str, table: Table) -> Response:
        number, choice = table.get("number"), table.get("choice")
        if not isinstance(number, int) or not isinstance(choice, str):
            return _refused("an answer needs a number and a choice; reload the page", 422)
        return _told(lambda: desk.answer(visitor_of(request), name, number, choice))

    @app.post("/blind/tests/{name}/end")
    def end(request: Request, name: str) -> Response:
        return _told(lambda: desk.end(visitor_of(request), name))

    @app.get("/blind/sounds/{token}")
    def sound(request: Request, token: str) -> Response:
        try:
            return Response(desk.sound(visitor_of(request), token), media_type="audio/wav", headers=HEADERS)
        except StreamflowError as error:
            return _refused(str(error), 404)


def _made(table: dict[str, Any], visitor: str, sounds: Sounds) -> BlindTest:
    """A test as the page asks for it."""
    job, first, second, kind = (table.get(key) for key in ("job", "first", "second", "kind"))
    if not all(isinstance(value, str) for value in (job, first, second, kind)):
        raise BlindTestError("a blind test needs job, first, second and kind; reload the page")
    a, b, reference = (sounds(job, visitor, system) for system in (first, second, "reference"))
    return BlindTest.of(
        kind,
        (first, second),
        a,
        b,
        rate=SAMPLE_RATE,
        trials=table.get("trials", 0),
        reference=reference,
        show_running=table.get("show_running") is not False,
    )


def _told(make: Callable[[], dict[str, Any]]) -> Response:
    """The answer, or one line: 404 for what is not this visitor's, 422 for what cannot be."""
    try:
        return JSONResponse(make(), headers=HEADERS)
    except NoSuchTestError as error:
        return _refused(str(error), 404)
    except BlindTestError as error:
        return _refused(str(error), 422)
    except StreamflowError as error:  # the engine's: no such job of this visitor, or it has no such system
        return _refused(str(error), 404)


def _refused(error: str, status: int) -> Response:
    return JSONResponse({"error": error}, status, HEADERS)
