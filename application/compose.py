"""The server put together: the listeners' service, the door, the pages."""

from __future__ import annotations

from fastapi import FastAPI
from fastapi.responses import RedirectResponse

from listening_tests.on_the_spot import Desk
from listening_tests.page.shell import mount_plain
from listening_tests.service import create_service
from listening_tests.service.auth import Administration, add_login

from .assets import add_assets
from .blocks import MOUNT, make_blocks
from .fence import Fence
from .headers import ApplicationHeaders
from .limits import SETTINGS, Paces
from .login import login_page
from .pages import PAGES
from .routes.blind import add_blind_routes
from .routes.figures import add_figure_routes
from .routes.files import add_files_routes
from .routes.jobs import add_jobs_routes
from .routes.live import add_live_routes
from .routes.preview import add_preview_routes
from .shell import ErrorPages, add_shell
from .site import Site
from .theme import make_theme
from .visitor import Visitors


def make_app(site: Site, door: Administration) -> FastAPI:
    """Compose the service, the listener's page and the application.

    Args:
        site: folders and services.
        door: who may administer.
    """
    app = create_service(site.workspace, settings=SETTINGS)
    add_login(app, door, target=f"{MOUNT}/", page=login_page)

    @app.get("/")
    def front() -> RedirectResponse:
        return RedirectResponse(f"{MOUNT}/", status_code=303)

    add_files_routes(app, site)
    add_jobs_routes(app, site)
    add_live_routes(app, site)
    add_preview_routes(app, site)
    add_blind_routes(app, Desk(), lambda job, visitor, system: site.live.audio(job, visitor, system))
    add_assets(app)
    add_figure_routes(app, site)
    add_shell(app)
    app.add_middleware(Visitors)
    app.add_middleware(Paces, rates=app.state.rates)
    app.add_middleware(Fence, door=door, mount=MOUNT, pages=tuple(page.path for page in PAGES if page.path))
    app.add_middleware(ApplicationHeaders)
    app.add_middleware(ErrorPages)  # the last added is the first that a request meets
    return mount_plain(
        app,
        make_blocks(site),
        MOUNT,
        auth_dependency=door.require_administrator,
        theme=make_theme(),
        show_error=True,
        allowed_paths=[],  # files are shown by routes/files.py
    )
