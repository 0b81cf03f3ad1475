"""What stands in front of every request: size limits, security headers, and a fence around Gradio's own routes."""

from __future__ import annotations

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
                headers.update(HEADERS)
                headers["Content-Security-Policy"] = DATA_POLICY if data else PAGE_POLICY
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
    """Refuses requests to ``/api`` and ``/login`` with a body that is too large, also one that does not say its size."""

    def __init__(self, app: ASGIApp, settings: Settings) -> None:
        self.app, self.limit = app, settings.body_limit

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or not scope["path"].startswith(("/api/", "/login")):
            await self.app(scope, receive, send)
            return
        declared = Headers(scope=scope).get("content-length", "0")
        if not declared.isdigit() or int(declared) > self.limit:
            await self._refuse(scope, receive, send)
            return
        chunks, size, more = [], 0, True
        while more:
            message = await receive()
            if message["type"] != "http.request":
                return  # the listener is gone
            chunks.append(message.get("body", b""))
            size += len(chunks[-1])
            more = message.get("more_body", False)
            if size > self.limit:
                await self._refuse(scope, receive, send)
                return
        whole = {"type": "http.request", "body": b"".join(chunks), "more_body": False}
        given = False

        async def replay() -> Message:
            nonlocal given
            if given:
                return await receive()
            given = True
            return whole

        await self.app(scope, replay, send)

    async def _refuse(self, scope: Scope, receive: Receive, send: Send) -> None:
        text = f"a request may have {self.limit // 1024} kB; this one is larger"
        await JSONResponse({"error": text}, 413)(scope, receive, send)
