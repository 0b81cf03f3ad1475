"""The administration as Gradio Blocks. It composes; what it shows comes from the workspace and the analyses.

Nothing here reaches a listener: the page is a mount of its own, and its mount asks for an administrator.
"""

from __future__ import annotations

import gradio
import pandas
from fastapi import FastAPI, Request
from fastapi.responses import RedirectResponse
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
.prose table { display: block; overflow-x: auto; white-space: nowrap; }
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
                create_tab(workspace, REGISTRY, HEADPHONE_CHECKS, LANGUAGES, choice)

        def refresh() -> pandas.DataFrame:
            return overview_table(workspace)

        quiet = {"show_progress": "hidden", "api_visibility": "private", "concurrency_limit": None}
        gradio.on([page.load, gradio.Timer(REFRESH_S).tick, choice.change], refresh, None, overview, **quiet)
    return page


def overview_table(workspace: Workspace) -> pandas.DataFrame:
    """One row a study."""
    columns = ["study", "protocol", "state", "started", "completed", "wanted"]
    return pandas.DataFrame(workspace.overview(), columns=columns)


def mount_administration(app: FastAPI, workspace: Workspace, door: Administration, address: str) -> FastAPI:
    """Mount the pages; every request to the mount asks the door, and a browser without a cookie is sent there."""

    class ToLogin:
        def __init__(self, inner: ASGIApp) -> None:
            self.inner = inner

        async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
            front = scope["type"] == "http" and scope["path"].rstrip("/") == ADMINISTRATION
            if front and door.require_administrator(Request(scope)) is None:
                await RedirectResponse("/login", 303)(scope, receive, send)
            else:
                await self.inner(scope, receive, send)

    app.add_middleware(ToLogin)
    return mount_plain(
        app,
        make_administration(workspace, address),
        ADMINISTRATION,
        auth_dependency=door.require_administrator,
        css=STYLE,
        show_error=True,
        allowed_paths=[str(workspace.folder.resolve())],
    )
