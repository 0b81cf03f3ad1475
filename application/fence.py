"""Lets nothing through to what is the administrator's but an administrator's own requests."""

from __future__ import annotations

from urllib.parse import urlsplit

from fastapi import Request
from fastapi.responses import JSONResponse, RedirectResponse
from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from listening_tests.service.auth import Administration

PUBLIC = ("/listen", "/api", "/a", "/s", "/assets", "/login", "/logout", "/favicon.ico", "/robots.txt")


class Fence:
    """Everything is the administrator's but what listeners and the door need: a route that is added is closed until
    somebody opens it here.

    Gradio asks its ``auth_dependency`` on most of its routes, not on all; and it answers pages of other ports of this
    machine, to which browsers send the cookie too, as ``SameSite`` does not look at ports.
    """

    def __init__(self, app: ASGIApp, door: Administration) -> None:
        self.app, self.door = app, door

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        path = scope.get("path", "")
        if scope["type"] not in ("http", "websocket") or is_public(path):
            await self.app(scope, receive, send)
        elif scope["type"] == "websocket":  # the pages use none
            await send({"type": "websocket.close", "code": 1008})
        elif self.door.require_administrator(Request(scope)) is None:
            page = scope["method"] == "GET" and "text/html" in Headers(scope=scope).get("accept", "")
            refused = RedirectResponse("/login", 303) if page else JSONResponse({"error": "log in first"}, 401)
            await refused(scope, receive, send)
        elif is_foreign(scope["method"], Headers(scope=scope)):
            await JSONResponse({"error": "this request comes from another page"}, 403)(scope, receive, send)
        else:
            await self.app(scope, receive, send)


def is_public(path: str) -> bool:
    """Whether a path is a listener's or the door's."""
    return any(path == one or path.startswith(one + "/") for one in PUBLIC)


def is_foreign(method: str, headers: Headers) -> bool:
    """Whether a page of another origin, be it another port, makes the request; following a link is not that."""
    site = headers.get("sec-fetch-site")
    if site is not None:
        followed = method == "GET" and headers.get("sec-fetch-mode") == "navigate"
        return site not in ("same-origin", "none") and not followed
    origin = headers.get("origin")  # where the connection is not private browsers say no more than this
    return origin is not None and urlsplit(origin).netloc not in (headers.get("host"), headers.get("x-forwarded-host"))
