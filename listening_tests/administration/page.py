"""The administration as Gradio Blocks. It composes; what it shows comes from the workspace and the analyses.

Nothing here reaches a listener: the page is a mount of its own, and its mount asks for an administrator.
"""

from __future__ import annotations

from urllib.parse import urlsplit

import gradio
import pandas
from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse, RedirectResponse
from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from ..page.shell import mount_plain
from ..protocols import REGISTRY
from ..service.auth import Administration
from ..study import HEADPHONE_CHECKS, LANGUAGES
from ..workspace import Workspace
from .create import create_tab
from .study import study_tab

ADMINISTRATION = "/administration"
REFRESH_S = 5.0
STYLE = """
.gradio-container { max-width: none !important; }
.gradio-container > main { width: min(1200px, 100%) !important; max-width: none !important; margin: 0 auto; }
.prose table { display: block; overflow-x: auto; white-space: nowrap; border: 0 !important; padding: 0 !important; }
.notice { min-height: 1.5em; }
footer { display: none !important; }
"""


def make_administration(workspace: Workspace, address: str) -> gradio.Blocks:
    """The administrator's pages.

    Args:
        workspace: the studies.
        address: where listeners reach the pages, for the links.
    """
    with gradio.Blocks(title="Listening tests: administration", analytics_enabled=False) as page:
        gradio.Markdown("# Listening tests")
        overview = gradio.Dataframe(label="Studies", interactive=False, wrap=True)
        with gradio.Tabs():
            with gradio.Tab("Study"):
                choice = study_tab(workspace, address)
            with gradio.Tab("New study"):
                run = create_tab(workspace, REGISTRY, HEADPHONE_CHECKS, LANGUAGES, choice)

        def refresh() -> pandas.DataFrame:
            return overview_table(workspace)

        def lists() -> tuple[gradio.Dropdown, gradio.Dropdown]:  # what was made since the server started
            return gradio.Dropdown(workspace.names()), gradio.Dropdown(workspace.run_names())

        quiet = {"show_progress": "hidden", "api_visibility": "private", "concurrency_limit": None}
        gradio.on([page.load, gradio.Timer(REFRESH_S).tick, choice.change], refresh, None, overview, **quiet)
        page.load(lists, None, [choice, run], **quiet)
    return page


def overview_table(workspace: Workspace) -> pandas.DataFrame:
    """One row a study."""
    columns = ["study", "protocol", "state", "started", "completed", "wanted"]
    return pandas.DataFrame(workspace.overview(), columns=columns)


class Fence:
    """Lets nothing through to the mount but an administrator's own requests.

    Gradio asks its ``auth_dependency`` on most of its routes, not on all; and it answers pages of other ports of this
    machine, to which browsers send the cookie too, as ``SameSite`` does not look at ports.
    """

    def __init__(self, app: ASGIApp, door: Administration) -> None:
        self.app, self.door = app, door

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        path = scope.get("path", "")
        if scope["type"] not in ("http", "websocket") or not (path + "/").startswith(ADMINISTRATION + "/"):
            await self.app(scope, receive, send)
        elif scope["type"] == "websocket":  # the pages use none
            await send({"type": "websocket.close", "code": 1008})
        elif self.door.require_administrator(Request(scope)) is None:
            front = path.rstrip("/") == ADMINISTRATION
            refused = RedirectResponse("/login", 303) if front else JSONResponse({"error": "log in first"}, 401)
            await refused(scope, receive, send)
        elif is_foreign(scope["method"], Headers(scope=scope)):
            await JSONResponse({"error": "this request comes from another page"}, 403)(scope, receive, send)
        else:
            await self.app(scope, receive, send)


def is_foreign(method: str, headers: Headers) -> bool:
    """Whether a page of another origin, be it another port, makes the request; following a link is not that."""
    site = headers.get("sec-fetch-site")
    if site is not None:
        followed = method == "GET" and headers.get("sec-fetch-mode") == "navigate"
        return site not in ("same-origin", "none") and not followed
    origin = headers.get("origin")  # where the connection is not private browsers say no more than this
    return origin is not None and urlsplit(origin).netloc not in (headers.get("host"), headers.get("x-forwarded-host"))


def mount_administration(app: FastAPI, workspace: Workspace, door: Administration, address: str) -> FastAPI:
    """Mount the pages; every request to the mount asks the door, and a browser without a cookie is sent there."""
    app.add_middleware(Fence, door=door)
    return mount_plain(
        app,
        make_administration(workspace, address),
        ADMINISTRATION,
        auth_dependency=door.require_administrator,
        css=STYLE,
        show_error=True,
        allowed_paths=[str(workspace.folder.resolve())],
    )
