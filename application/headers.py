"""Headers of every answer, whichever part of the server gives it: also of refusals and of errors nobody foresaw."""

from __future__ import annotations

import inspect

from starlette.datastructures import MutableHeaders
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from listening_tests.service.guards import DATA_POLICY, HEADERS, PAGE_POLICY

from .routes.files import PREFIX as FILES

LISTENERS = ("/listen", "/api", "/a", "/s", "/assets")  # have their own: listening_tests.service.guards
PAGES = ("/app", "/preview")
RECORDS = "/app/compare"  # the only page that may ask for the microphone
FRAMED = ("/preview",)  # shown within pages of ours
KEPT = ("/app", "/app-static", FILES)  # say themselves how long they may be kept
YEAR_S = 365 * 24 * 3600


class ApplicationHeaders:
    """Adds the headers; put it around everything else. An error that nobody caught is answered here, for the server's own
    answer would have none.
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        begun = False

        async def send_with(message: Message) -> None:
            nonlocal begun
            if message["type"] == "http.response.start":
                begun = True
                _complete(MutableHeaders(scope=message), scope)
            await send(message)

        try:
            await self.app(scope, receive, send_with)
        except Exception as error:
            if not begun:
                response = await _answer(Request(scope), error)
                await response(scope, receive, send_with)
            raise  # for the server's log


def headers_of(path: str) -> dict[str, str]:
    """What an answer at a path of the application says.

    Returns:
        header -> value: the Content-Security-Policy is that of Gradio's pages below the mount, and one under which nothing
        runs or is fetched everywhere else.
    """
    headers = dict(HEADERS)
    headers["Content-Security-Policy"] = PAGE_POLICY if _below(path, PAGES) else DATA_POLICY
    if _below(path, (RECORDS,)):
        headers["Permissions-Policy"] = headers["Permissions-Policy"].replace("microphone=()", "microphone=(self)")
    if _below(path, FRAMED):
        headers["X-Frame-Options"] = "SAMEORIGIN"
        headers["Content-Security-Policy"] = PAGE_POLICY.replace("frame-ancestors 'none'", "frame-ancestors 'self'")
    if not _below(path, KEPT):
        headers["Cache-Control"] = "no-store"
    return headers


def _complete(headers: MutableHeaders, scope: Scope) -> None:
    path = scope["path"]
    known = _below(path, (*LISTENERS, FILES))
    for name, value in headers_of(path).items():
        if not (known and name in headers):
            headers[name] = value
    for name in (
        "Access-Control-Allow-Origin",
        "Access-Control-Allow-Credentials",
    ):  # Gradio answers some other origins
        if name in headers:
            del headers[name]
    if "Cache-Control" not in headers:
        headers["Cache-Control"] = "no-cache"
    if scope.get("scheme") == "https":
        headers["Strict-Transport-Security"] = f"max-age={YEAR_S}"


async def _answer(request: Request, error: Exception) -> Response:
    handlers = request.app.exception_handlers if "app" in request.scope else {}
    handler = handlers.get(500) or handlers.get(Exception)
    if handler is None:
        return PlainTextResponse("something went wrong on the server; its log says what", 500)
    response = handler(request, error)
    return await response if inspect.isawaitable(response) else response


def _below(path: str, prefixes: tuple[str, ...]) -> bool:
    return any(path == prefix or path.startswith(prefix + "/") for prefix in prefixes)
