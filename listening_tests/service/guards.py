"""What stands in front of every request: size limits, security headers, and a fence around Gradio's own routes."""

from __future__ import annotations

import asyncio

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from .settings import Settings

# Gradio starts with an inline script and compiles templates; everything comes from here.
PAGE_POLICY = (
    "default-src 'self'; script-src 'self' 'unsafe-inline' 'unsafe-eval'; style-src 'self' 'unsafe-inline'; "
    "img-src 'self' data: blob:; media-src 'self' blob:; font-src 'self' data:; connect-src 'self'; "
    "worker-src 'self' blob:; object-src 'none'; base-uri 'self'; form-action 'self'; frame-ancestors 'none'"
)
# For everything that is not a page of Gradio's: nothing of it may run if it is ever taken for a page.
DATA_POLICY = (
    "default-src 'none'; style-src 'self' 'unsafe-inline'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=()",
    "X-Frame-Options": "DENY",
}
LISTEN = "/listen"
# What the listener's page needs of Gradio; its upload, file, proxy, queue and call routes are not among it.
OPEN_OF_GRADIO = ("config", "static", "assets", "svelte", "theme.css", "favicon.ico", "robots.txt", "manifest.json")
OPEN_OF_GRADIO_API = ("startup-events", "heartbeat", "info", "app_id")
DATA_PATHS = ("/api/", "/a/", "/s/", "/assets/")


class SecurityHeaders:
    """Adds the headers to every response and hides what made it."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        data = scope["path"].startswith(DATA_PATHS) or scope["path"].startswith("/login")

        async def send_with(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in HEADERS.items():
                    headers.setdefault(name, value)  # a route may know better
                headers.setdefault("Content-Security-Policy", DATA_POLICY if data else PAGE_POLICY)
                if data and "Cache-Control" not in headers:
                    headers["Cache-Control"] = "no-cache" if scope["path"].startswith("/assets/") else "no-store"
            await send(message)

        await self.app(scope, receive, send_with)


class ListenerFence:
    """Answers 404 for all of Gradio's routes on the listener's mount but those that draw the page, and no method but
    GET and HEAD: an event handler that nobody can call needs no authorisation.
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        path = scope.get("path", "")
        if scope["type"] in ("http", "websocket") and (path == LISTEN or path.startswith(LISTEN + "/")):
            allowed = scope["type"] == "http" and scope["method"] in ("GET", "HEAD") and is_open(path[len(LISTEN) :])
            if not allowed:
                if scope["type"] == "http":
                    await JSONResponse({"error": "not found"}, 404)(scope, receive, send)
                else:
                    await send({"type": "websocket.close", "code": 1008})
                return
        await self.app(scope, receive, send)


def is_open(path: str) -> bool:
    """Whether a path below the listener's mount is one that its page needs."""
    parts = [part for part in path.split("/") if part]
    if ".." in parts or "\\" in path:
        return False
    if not parts or parts[0] in OPEN_OF_GRADIO:
        return True
    return parts[0] == "gradio_api" and len(parts) > 1 and parts[1] in OPEN_OF_GRADIO_API


class BodyLimit:
    """Refuses requests with a body that is too large, also one that does not say its size, and drops those that take too
    long to arrive; a body is whole before anybody looks at it.
    """

    def __init__(self, app: ASGIApp, settings: Settings) -> None:
        self.app, self.settings = app, settings

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers = Headers(scope=scope) if scope["type"] == "http" else {}
        if "content-length" not in headers and "transfer-encoding" not in headers:
            await self.app(scope, receive, send)
            return
        limit = self.limit_of(scope["path"])
        declared = headers.get("content-length", "0")
        try:
            if not (declared.isascii() and declared.isdigit()) or len(declared) > 15 or int(declared) > limit:
                raise _TooLarge
            async with asyncio.timeout(self.settings.body_s + (limit - self.settings.body_limit) / (128 * 1024)):
                body = await _read(receive, limit)
        except _TooLarge:
            size = f"{limit // 2**20} MB" if limit >= 2**20 else f"{limit // 1024} kB"
            await _refuse(f"a request may have {size} here; this one is larger", 413)(scope, receive, send)
        except TimeoutError:
            await _refuse("the request took too long to arrive; try again", 408)(scope, receive, send)
        else:
            if body is not None:
                await self.app(scope, _replay(body, receive), send)

    def limit_of(self, path: str) -> int:
        """Bytes that a request to a path may bring."""
        for prefix, limit in self.settings.larger_bodies:
            if path == prefix or path.startswith(prefix + "/"):
                return limit
        return self.settings.body_limit


class _TooLarge(Exception):
    pass


async def _read(receive: Receive, limit: int) -> bytes | None:
    """The body; None if whoever sent it is gone."""
    body, more = bytearray(), True
    while more:
        message = await receive()
        if message["type"] != "http.request":
            return None
        body += message.get("body", b"")
        more = message.get("more_body", False)
        if len(body) > limit:
            raise _TooLarge
    return bytes(body)


def _replay(body: bytes, receive: Receive) -> Receive:
    whole: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

    async def replay() -> Message:
        return whole.pop() if whole else await receive()

    return replay


def _refuse(text: str, status: int) -> JSONResponse:
    return JSONResponse({"error": text}, status, {"Connection": "close"})  # what is still on its way is not read
