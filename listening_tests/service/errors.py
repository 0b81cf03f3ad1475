"""Errors as the listener's page sees them: a status it understands and one line that names nothing secret."""

from __future__ import annotations

import logging

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse, Response

from streamflow.errors import StreamflowError

from ..errors import AnswerError
from ..store import (
    AlreadyAnswered,
    InvitationError,
    NotThisStep,
    SessionOver,
    StoreUnavailable,
    StudyClosed,
    StudyFull,
)
from .rates import TooMany

log = logging.getLogger(__name__)

# The store's own messages name the study's folder, so only those of AnswerError are passed on.
SAID: list[tuple[type[Exception], int, str]] = [
    (InvitationError, 403, "this invitation is not valid or was used; ask whoever sent it for a new one"),
    (StudyFull, 409, "the study has all the listeners it needs; thank you"),
    (StudyClosed, 410, "the study is closed; thank you"),
    (SessionOver, 404, "this session has ended; start again from the link that you were sent"),
    (StoreUnavailable, 503, "the answer could not be saved just now; it will be sent again"),
]
# By these the page finds its own screen, in the listener's language.
REASONS = {InvitationError: "invitation", StudyFull: "full", StudyClosed: "closed"}
FAILED = "something went wrong on the server; whoever runs the study can see what in its log"


def add_error_handlers(app: FastAPI) -> None:
    """Make every error a JSON object with ``error``."""
    app.add_exception_handler(AnswerError, _answer_error)
    app.add_exception_handler(StreamflowError, _own_error)
    app.add_exception_handler(TooMany, _too_many)
    app.add_exception_handler(HTTPException, _http_error)
    app.add_exception_handler(RequestValidationError, _validation_error)
    app.add_exception_handler(Exception, _unforeseen)


def _answer_error(request: Request, error: Exception) -> Response:
    status = 409 if isinstance(error, AlreadyAnswered | NotThisStep) else 422
    return JSONResponse({"error": str(error)}, status)


def _own_error(request: Request, error: Exception) -> Response:
    for kind, status, text in SAID:
        if isinstance(error, kind):
            headers = {"Retry-After": "1"} if status == 503 else None
            said = {"error": text, "reason": REASONS[kind]} if kind in REASONS else {"error": text}
            return JSONResponse(said, status, headers)
    log.error("%s %s: %s", request.method, request.scope.get("route_path", ""), error)
    return JSONResponse({"error": FAILED}, 500)


def _too_many(request: Request, error: Exception) -> Response:
    return JSONResponse({"error": "too many requests; wait a moment"}, 429, {"Retry-After": "5"})


def _http_error(request: Request, error: Exception) -> Response:
    status = error.status_code if isinstance(error, HTTPException) else 500
    text = {401: "start the study again from its link", 404: "not found"}.get(status, "this request is not understood")
    headers = dict(getattr(error, "headers", None) or {})
    return JSONResponse({"error": text}, status, headers)


def _validation_error(request: Request, error: Exception) -> Response:
    return JSONResponse({"error": "this request is not understood"}, 400)


def _unforeseen(request: Request, error: Exception) -> Response:
    return JSONResponse({"error": FAILED}, 500)
