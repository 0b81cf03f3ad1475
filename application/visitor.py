"""Which browser asks: whatever is decoded live, uploaded or answered on the spot belongs to one of them."""

from __future__ import annotations

import re
import secrets
from http.cookies import SimpleCookie

from fastapi import Request
from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

COOKIE = "visitor"
BYTES = 24
WELL_FORMED = re.compile(r"[A-Za-z0-9_-]{32}")  # what token_urlsafe makes of so many bytes


class Visitors:
    """Gives every browser that comes without one a random cookie, which no script can read and no other site sends."""

    def __init__(self, app: ASGIApp, prefixes: tuple[str, ...] = ("/app", "/live", "/blind")) -> None:
        self.app, self.prefixes = app, prefixes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or not self._concerns(scope["path"]):
            await self.app(scope, receive, send)
            return
        known = _known(Request(scope))
        visitor = known or secrets.token_urlsafe(BYTES)
        scope.setdefault("state", {})["visitor"] = visitor

        async def send_with(message: Message) -> None:
            if known is None and message["type"] == "http.response.start" and message["status"] < 400:
                MutableHeaders(scope=message).append("Set-Cookie", _cookie(visitor, scope["scheme"] == "https"))
            await send(message)

        await self.app(scope, receive, send_with)

    def _concerns(self, path: str) -> bool:
        return any(path == prefix or path.startswith(prefix + "/") for prefix in self.prefixes)


def visitor_of(request: Request) -> str:
    """The browser that asks: 32 characters that nobody else knows.

    Args:
        request: FastAPI's or Gradio's, on a path that :class:`Visitors` concerns itself with.

    Raises:
        RuntimeError: the middleware is not installed for this path.
    """
    state = getattr(request, "state", None) or getattr(getattr(request, "request", None), "state", None)
    visitor = getattr(state, "visitor", None)
    if visitor is None:
        raise RuntimeError("no visitor: add application.visitor.Visitors for this path")
    return str(visitor)


def _known(request: Request) -> str | None:
    value = request.cookies.get(COOKIE, "")
    return value if WELL_FORMED.fullmatch(value) else None


def _cookie(visitor: str, secure: bool) -> str:
    jar: SimpleCookie = SimpleCookie({COOKIE: visitor})
    jar[COOKIE].update({"path": "/", "httponly": True, "samesite": "Strict", "secure": secure})
    return jar[COOKIE].OutputString()
