"""How much a request may bring, and how often anybody may ask for what costs something."""

from __future__ import annotations

from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from listening_tests.service.rates import Rates, TooMany
from listening_tests.service.settings import Settings

UPLOADS = "/live/uploads"
UPLOAD_BYTES = 20 * 2**20
FORM_BYTES = 64 * 1024  # what a form adds to the file in it
EVENT_BYTES = 2**20  # of a page's event: a policy, the values of a table

SETTINGS = Settings(
    larger_bodies=((UPLOADS, UPLOAD_BYTES + FORM_BYTES), ("/app/gradio_api/queue/join", EVENT_BYTES)),
    more_per_minute=(("upload", 12), ("live", 30), ("post", 600)),
)


class Paces:
    """Limits what an address may start in a minute: uploads, live decodes, and anything that is posted at all."""

    def __init__(self, app: ASGIApp, rates: Rates) -> None:
        self.app, self.rates = app, rates

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        what = kind_of(scope["method"], scope["path"]) if scope["type"] == "http" else None
        try:
            if what is not None:
                self.rates.count(what, (scope.get("client") or ("unknown",))[0])
        except TooMany:
            said = {"error": "too many requests; wait a minute and try again"}
            await JSONResponse(said, 429, {"Retry-After": "60"})(scope, receive, send)
        else:
            await self.app(scope, receive, send)


def kind_of(method: str, path: str) -> str | None:
    """What a request counts as; None for reading, and for listeners, who have limits of their own."""
    if method in ("GET", "HEAD", "OPTIONS") or path.startswith(("/api/", "/a/", "/s/", "/login")):
        return None
    if method == "POST" and path in (UPLOADS, "/live/jobs"):
        return "upload" if path == UPLOADS else "live"
    return "post"
