"""The web application: listening tests for listeners, and their administration on a mount of its own.

python app.py                                   # http://127.0.0.1:7860, studies/ and runs/ of this folder
python app.py --studies lab/studies --port 8000
STREAMFLOW_PASSWORD=... python app.py --host 0.0.0.0      # reachable from elsewhere: only with a password
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
import uvicorn

from streamflow.errors import StreamflowError


def main(
    studies: Annotated[Path, typer.Option(help="The folder that studies are kept in.")] = Path("studies"),
    runs: Annotated[Path, typer.Option(help="The folder of runs that studies are made from.")] = Path("runs"),
    host: Annotated[
        str, typer.Option(help="Address to listen on; one that others reach needs a password.")
    ] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=1, max=65535)] = 7860,
    address: Annotated[
        str | None, typer.Option(help="Where listeners reach the pages, for the links. [http://HOST:PORT]")
    ] = None,
    password: Annotated[
        str | None,
        typer.Option(
            envvar="STREAMFLOW_PASSWORD", show_envvar=True, help="Of the administration. [a one-time link, printed]"
        ),
    ] = None,
    database: Annotated[
        str | None,
        typer.Option(envvar="STREAMFLOW_DATABASE", show_envvar=True, help="SQLAlchemy URL. [a file beside each study]"),
    ] = None,
) -> None:
    """Serve listening tests and their administration.

    Examples:

        python app.py

        STREAMFLOW_PASSWORD=... python app.py --host 0.0.0.0 --port 8000
    """
    from application.compose import make_app
    from application.site import Site
    from listening_tests.service.auth import Administration, check_bind
    from listening_tests.workspace import Workspace

    own = f"http://{host}:{port}"
    try:
        check_bind(host, password)
        door = Administration(password)
        workspace = Workspace(studies, runs=runs, database=database)
        app = make_app(Site(workspace=workspace, address=address or own), door)
    except StreamflowError as error:
        typer.echo(f"error: {error}", err=True)
        raise SystemExit(2) from None
    way_in = f"/login?token={door.token}" if door.token else "/login"
    typer.echo(f"administration: {own}{way_in}")
    typer.echo("Ctrl-C stops; answers that were saved stay saved")
    uvicorn.run(app, host=host, port=port, log_level="warning", server_header=False, timeout_graceful_shutdown=5)


if __name__ == "__main__":
    typer.run(main)
