"""Lets nothing through to what is the administrator's but an administrator's own requests."""

from __future__ import annotations

from urllib.parse import quote, urlsplit

from fastapi import Request
from fastapi.responses import HTMLResponse, JSONResponse, RedirectResponse
from starlette.datastructures import Headers
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from listening_tests.service.auth import Administration

# What listeners need, the door, and files, whose addresses are secrets themselves (routes/files.py).
PUBLIC = (
    "/listen", "/api", "/a", "/s", "/assets", "/login", "/logout", "/favicon.ico", "/robots.txt", "/files",
)  # fmt: skip
# What Gradio's pages need of Gradio. Its upload, file, proxy, stream, call and history routes are not among it.
GRADIO_READS = ("config", "static", "assets", "svelte", "theme.css", "favicon.ico", "robots.txt", "manifest.json")
GRADIO_API_READS = ("startup-events", "heartbeat", "app_id", "info", "queue/data")
GRADIO_API_POSTS = ("queue/join", "cancel", "reset")
# A browser keeps the cookie back when a link of another site was followed; asked again by a page of ours, it sends it.
AGAIN = (
    '<!doctype html><html lang="en"><meta charset="utf-8"><meta name="color-scheme" content="light dark">'
    '<meta http-equiv="refresh" content="0"><title>Opening</title><p>Opening ...</p></html>'
)


class Fence:
    """Everything is the administrator's but what listeners and the door need: a route that is added is closed until
    somebody opens it here. Of Gradio's own routes an administrator, too, gets those alone that the pages need.

    Gradio asks its ``auth_dependency`` on most of its routes, not on all; and it answers pages of other ports of this
    machine, to which browsers send the cookie too, as ``SameSite`` does not look at ports.

    Args:
        door: knows administrators.
        mount: where the Gradio application is.
        pages: the first parts of its pages' paths.
    """

    def __init__(self, app: ASGIApp, door: Administration, mount: str = "/app", pages: tuple[str, ...] = ()) -> None:
        self.app, self.door, self.mount, self.pages = app, door, mount, pages

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in ("http", "websocket"):
            await self.app(scope, receive, send)
        elif scope["type"] == "websocket":  # nothing here uses one
            await send({"type": "websocket.close", "code": 1008})
        else:
            refused = self._refusal(scope)
            await (self.app if refused is None else refused)(scope, receive, send)

    def _refusal(self, scope: Scope) -> Response | None:
        path, headers = scope.get("path", ""), Headers(scope=scope)
        if is_crooked(path):
            return JSONResponse({"error": "not found"}, 404)
        if is_public(path):
            return None
        if self.door.require_administrator(Request(scope)) is None:
            return _to_the_door(scope, headers)
        if is_foreign(scope["method"], headers):
            return JSONResponse({"error": "this request comes from another page"}, 403)
        if self._is_closed(scope["method"], path):
            return JSONResponse({"error": "not found"}, 404)
        return None

    def _is_closed(self, method: str, path: str) -> bool:
        if path != self.mount and not path.startswith(self.mount + "/"):
            return False
        return not is_open(method, path[len(self.mount) :].strip("/"), self.pages)


def is_crooked(path: str) -> bool:
    """Whether a path has steps upwards or characters that another program might read as such; no address here has."""
    return "\\" in path or any(ord(character) < 32 for character in path) or ".." in path.split("/")


def is_public(path: str) -> bool:
    """Whether a path is a listener's or the door's."""
    return any(path == one or path.startswith(one + "/") for one in PUBLIC)


def is_open(method: str, path: str, pages: tuple[str, ...]) -> bool:
    """Whether a request below the mount, without its slash, is one that the pages make."""
    first, _, rest = path.partition("/")
    if first == "gradio_api":
        allowed = {"GET": GRADIO_API_READS, "HEAD": GRADIO_API_READS, "POST": GRADIO_API_POSTS}.get(method, ())
        return any(rest == one or rest.startswith(one + "/") for one in allowed)
    return method in ("GET", "HEAD") and (not path or first in GRADIO_READS or path in pages)


def is_foreign(method: str, headers: Headers) -> bool:
    """Whether a page of another origin, be it another port, makes the request; following a link is not that."""
    site = headers.get("sec-fetch-site")
    if site is not None:
        followed = method == "GET" and headers.get("sec-fetch-mode") == "navigate"
        return site not in ("same-origin", "none") and not followed
    origin = headers.get("origin")  # where the connection is not private browsers say no more than this
    return origin is not None and urlsplit(origin).netloc not in (headers.get("host"), headers.get("x-forwarded-host"))


def _to_the_door(scope: Scope, headers: Headers) -> Response:
    if scope["method"] != "GET" or "text/html" not in headers.get("accept", ""):
        return JSONResponse({"error": "log in first"}, 401)
    if headers.get("sec-fetch-site") == "cross-site" and headers.get("sec-fetch-dest", "document") == "document":
        return HTMLResponse(AGAIN, headers={"Cache-Control": "no-store"})
    query = scope.get("query_string", b"").decode("latin-1")
    wanted = scope["path"] + (f"?{query}" if query else "")
    return RedirectResponse("/login" if wanted == "/" else f"/login?next={quote(wanted, safe='/')}", 303)
