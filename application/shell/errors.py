"""What a person sees who opens an address that cannot be shown: the same one line, in the look of the pages.

Scripts get JSON, as before; only somebody who opens an address gets a page. It runs nothing and fetches nothing.
"""

from __future__ import annotations

import json
from html import escape
from http import HTTPStatus

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from reports.visual import style

from ..blocks import MOUNT
from .markup import MARK, NAME

LISTENERS = ("/s/", "/listen", "/api/", "/a/", "/assets/")  # a listener is not sent to the administration
REMEDIES = {
    401: "Log in first.",
    403: "This request comes from another page; open the application by its own address.",
    404: "There is nothing at this address. A run or study may have another name now; look for it from the overview.",
    413: "What was sent is too large.",
    429: "Too many requests; wait a moment and try again.",
    500: "Something went wrong on the server. Its log says what; try again, or go back to the overview.",
    503: "The server is busy; wait a moment and try again.",
}
SAYS_NOTHING = ("not found", "this request is not understood")  # lines that the remedy above is better than
PAGE = """<!doctype html><html lang="en"><head><meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1"><meta name="color-scheme" content="light dark">
<title>{title} · {name}</title><style>{style}
body {{ font: var(--size-3)/1.5 var(--text); color: var(--ink); background: var(--ground); margin: 0; }}
main {{ max-width: 34rem; margin: 14vh auto 0; padding: var(--gap-5); box-sizing: border-box; }}
svg {{ width: 40px; fill: none; stroke: var(--accent); stroke-width: 2; stroke-linecap: round; }}
h1 {{ font-size: var(--size-5); line-height: 1.2; letter-spacing: -.018em; margin: var(--gap-3) 0; }}
p {{ margin: 0 0 var(--gap-5); overflow-wrap: anywhere; }}
a {{ display: inline-flex; align-items: center; min-height: var(--touch); padding: 0 var(--gap-4); color: var(--accent-ink);
  background: var(--accent); border-radius: var(--corner); text-decoration: none; font-weight: 550; }}
a:hover {{ background: var(--accent-strong); }}
:focus-visible {{ outline: 3px solid var(--focus); outline-offset: 2px; }}
</style></head><body><main>{mark}<h1>{title}</h1><p>{line}</p>{way}</main></body></html>"""


class ErrorPages:
    """Turns the JSON of an error into a page for whoever opened the address."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or not opens_a_page(scope):
            await self.app(scope, receive, send)
            return
        failed: Message | None = None
        chunks: list[bytes] = []

        async def explained(message: Message) -> None:
            nonlocal failed
            if message["type"] == "http.response.start" and message["status"] >= 400:
                kind = Headers(raw=message["headers"]).get("content-type", "")
                failed = None if kind.startswith("text/html") else message
            if failed is None:
                await send(message)
            elif message["type"] == "http.response.body":
                chunks.append(message.get("body", b""))
                if not message.get("more_body"):
                    body = error_page(failed["status"], line_of(b"".join(chunks)), scope["path"]).encode()
                    headers = MutableHeaders(raw=failed["headers"])
                    headers["content-type"], headers["content-length"] = "text/html; charset=utf-8", str(len(body))
                    await send(failed)
                    await send({"type": "http.response.body", "body": body})

        await self.app(scope, receive, explained)


def opens_a_page(scope: Scope) -> bool:
    """Whether a browser asks for something to show, not a script for something to use."""
    return scope["method"] == "GET" and "text/html" in Headers(scope=scope).get("accept", "")


def line_of(body: bytes) -> str:
    """The error's own line, where it has one."""
    try:
        said = json.loads(body)
    except ValueError:
        return ""
    line = said.get("error") if isinstance(said, dict) else None
    return line if isinstance(line, str) and line not in SAYS_NOTHING else ""


def error_page(status: int, line: str, path: str) -> str:
    """The page for an HTTP status, with the error's line or what helps in general."""
    known = status in {one.value for one in HTTPStatus}
    title = {404: "Not found", 500: "That went wrong"}.get(status, HTTPStatus(status).phrase if known else "Error")
    remedy = line or REMEDIES.get(status, "This address cannot be shown; go back to the overview.")
    listener = path.startswith(LISTENERS)
    if listener and not line:
        remedy = "This link leads nowhere. Ask whoever sent it for a new one."
    up = "../" * (path.count("/") - 1) or "./"
    way = "" if listener else f'<a href="{up}{MOUNT[1:]}/">To the overview</a>'
    return PAGE.format(style=style(), name=NAME, mark=MARK, title=escape(title), line=escape(sentence(remedy)), way=way)


def sentence(line: str) -> str:
    """With a capital and a full stop."""
    line = line.strip()
    return line[:1].upper() + line[1:] + ("" if line.endswith((".", "!", "?")) else ".")
