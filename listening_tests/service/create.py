"""The service put together."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from fastapi import FastAPI
from starlette.responses import Response
from starlette.staticfiles import StaticFiles

from reports.visual import style

from ..opening import OpenStudy
from .api import Api
from .directory import Directory
from .errors import add_error_handlers
from .guards import LISTEN, BodyLimit, ListenerFence, SecurityHeaders
from .rates import Rates
from .settings import Settings

if TYPE_CHECKING:
    from ..workspace import Workspace

STATIC = Path(__file__).parent.parent / "page" / "static"


def create_service(
    studies: Sequence[OpenStudy] | Workspace | str | Path,
    *,
    clock: Callable[[], float] = time.time,
    settings: Settings | None = None,
    page: bool = True,
) -> FastAPI:
    """The application that listeners reach; an administration can be mounted on it.

    Args:
        studies: opened ones, or a workspace or its folder.
        clock: seconds since 1970.
        settings: limits.
        page: with the listener's page; without it (and without Gradio) the endpoints alone.
    """
    settings = settings or Settings()
    app = FastAPI(docs_url=None, redoc_url=None, openapi_url=None)
    app.state.rates = Rates(settings)
    app.state.directory = Directory(studies, settings.database)
    app.include_router(Api(app.state.directory, app.state.rates, clock).router())
    app.get("/assets/visual.css")(visual)
    app.mount("/assets", StaticFiles(directory=STATIC), name="assets")
    add_error_handlers(app)
    app.add_middleware(BodyLimit, settings=settings)
    app.add_middleware(ListenerFence)
    app.add_middleware(SecurityHeaders)
    if page:
        from ..page.shell import mount_listener

        app = mount_listener(app, LISTEN)
    return app


def visual() -> Response:
    """The colours and type of all pages."""
    return Response(style(), media_type="text/css")
