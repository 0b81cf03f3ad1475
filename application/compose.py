"""The server put together: the listeners' service, the door, the pages."""

from __future__ import annotations

from fastapi import FastAPI
from fastapi.responses import RedirectResponse

from listening_tests.page.shell import mount_plain
from listening_tests.service import create_service
from listening_tests.service.auth import Administration, add_login

from .blocks import MOUNT, make_blocks
from .fence import Fence
from .site import Site
from .theme import STYLE


def make_app(site: Site, door: Administration) -> FastAPI:
    """Compose the service, the listener's page and the application.

    Args:
        site: folders and services.
        door: who may administer.
    """
    app = create_service(site.workspace)
    add_login(app, door, target=f"{MOUNT}/")

    @app.get("/")
    def front() -> RedirectResponse:
        return RedirectResponse(f"{MOUNT}/", status_code=303)

    app.add_middleware(Fence, door=door)
    return mount_plain(
        app,
        make_blocks(site),
        MOUNT,
        auth_dependency=door.require_administrator,
        css=STYLE,
        show_error=True,
        allowed_paths=[str(site.workspace.folder.resolve())],
    )
