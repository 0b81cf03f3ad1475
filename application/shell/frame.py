"""Puts the header and a skeleton into Gradio's page before it is sent, so that both are there before a script has run.

Gradio draws a page in the browser, which takes it about a second; what is in its first answer is seen at once.
"""

from __future__ import annotations

import json
import re

from fastapi import FastAPI
from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from ..blocks import MOUNT
from ..pages import PAGES
from .markup import body_of, head_of, title_of

_PREVIEWS = re.compile(r'<meta (?:property="og:|name="twitter:)[^>]*>\s*', re.DOTALL)  # name addresses of others
_BODY = re.compile(r"<body\b[^>]*>", re.DOTALL)
_TITLE = re.compile(r'(window\.gradio_config = \{.*?"title":)"(?:[^"\\]|\\.)*"', re.DOTALL)  # one for all pages


def add_shell(app: FastAPI) -> None:
    """Frame every page of the application."""
    app.add_middleware(Frame)


class Frame:
    """Rewrites the pages of the application, and no other answer."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        page = page_of(scope["path"]) if scope["type"] == "http" and scope["method"] == "GET" else None
        if page is None:
            await self.app(scope, receive, send)
            return
        start: Message | None = None
        chunks: list[bytes] = []

        async def framed(message: Message) -> None:
            nonlocal start
            if message["type"] == "http.response.start":
                if message["status"] == 200 and Headers(raw=message["headers"]).get("content-type", "").startswith(
                    "text/html"
                ):
                    start = message
                else:
                    await send(message)
            elif start is None:
                await send(message)
            else:
                chunks.append(message.get("body", b""))
                if not message.get("more_body"):
                    body = frame(b"".join(chunks).decode(), page, scope["path"]).encode()
                    MutableHeaders(raw=start["headers"])["content-length"] = str(len(body))
                    await send(start)
                    await send({"type": "http.response.body", "body": body})

        await self.app(scope, receive, framed)


def page_of(path: str) -> str | None:
    """The page's path below the mount (``""`` for the first) that a request's path is for; None for none of them."""
    if path != MOUNT and not path.startswith(MOUNT + "/"):
        return None
    name = path[len(MOUNT) :].strip("/")
    return name if any(page.path == name for page in PAGES) else None


def frame(html: str, name: str, path: str) -> str:
    """Gradio's page with ours around it.

    Args:
        html: as Gradio sends it.
        name: of the page, as in ``PAGES``.
        path: of the request; what is linked is relative to it, for proxies that add a prefix.
    """
    up = "../" * (path.count("/") - 1)
    html = _PREVIEWS.sub("", html)
    # Gradio's script sets the document's title from its configuration, where every page has the first one's (WCAG 2.4.2).
    html = _TITLE.sub(lambda found: found[1] + json.dumps(title_of(name)), html, count=1)
    html = html.replace("</head>", head_of(name, up) + "</head>", 1)
    before, after = body_of(name, up)
    html = _BODY.sub(lambda _: "<body>" + before, html, count=1)
    return html.replace("</body>", after + "</body>", 1)
