"""The web application: compare, listen, read and decide; and the pages that listeners see.

python app.py                                   # http://127.0.0.1:7860, studies/ and runs/ of this folder
python app.py --demo                            # and makes a small run and a study to look at, in the background
python app.py --studies lab/studies --port 8000
STREAMFLOW_PASSWORD=... python app.py --host 0.0.0.0      # reachable from elsewhere: only with a password
"""

from __future__ import annotations

import socket
from pathlib import Path
from typing import Annotated

import typer
import uvicorn

from streamflow.errors import StreamflowError

HEADER_BYTES = 32 * 1024  # of a request; more is answered with 400


def main(
    studies: Annotated[Path, typer.Option(help="The folder that studies are kept in.")] = Path("studies"),
    runs: Annotated[Path, typer.Option(help="The folder of runs that studies are made from.")] = Path("runs"),
    checkpoints: Annotated[
        Path, typer.Option(help="Folder with a folder a checkpoint of your own, beside the shipped ones.")
    ] = Path("checkpoints"),
    baselines: Annotated[Path, typer.Option(help="The folder of baselines that gates compare with.")] = Path(
        "baselines"
    ),
    corpus: Annotated[
        Path | None, typer.Option(help="Manifest whose utterances are decoded live. [the shipped corpus]")
    ] = None,
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
    demo: Annotated[
        bool, typer.Option("--demo", help="Make a small run and an open study to look at, in the background.")
    ] = False,
) -> None:
    """Serve the application, and listening tests to listeners.

    Examples:

        python app.py --demo

        STREAMFLOW_PASSWORD=... python app.py --host 0.0.0.0 --port 8000
    """
    from application.scratch import private_scratch
    from harness.priority import take_short_turns
    from listening_tests.service.auth import Administration, check_bind
    from listening_tests.workspace import Workspace

    take_short_turns()  # before any thread begins, which then has them too
    own = f"http://{f'[{host}]' if ':' in host else host}:{port}"
    with private_scratch():  # before Gradio is imported
        from application.compose import make_app
        from application.demo import start_demo
        from application.site import Site
        from harness.corpus import SHIPPED

        try:
            check_bind(host, password)
            _check_port(host, port)
            door = Administration(password)
            workspace = Workspace(studies, runs=runs, database=database)
            site = Site(
                workspace=workspace,
                address=address or own,
                corpus=corpus or SHIPPED,
                checkpoints=checkpoints,
                baselines=baselines,
            )
            app = make_app(site, door)
            if demo:
                start_demo(site)
        except StreamflowError as error:
            typer.echo(f"error: {error}", err=True)
            raise SystemExit(2) from None
        way_in = f"/login?token={door.token}" if door.token else "/login"
        typer.echo(f"open {own}{way_in}")
        typer.echo("Ctrl-C stops; answers that were saved stay saved, and jobs in the background go on")
        try:
            uvicorn.run(
                app,
                host=host,
                port=port,
                log_level="warning",
                server_header=False,
                timeout_graceful_shutdown=5,
                h11_max_incomplete_event_size=HEADER_BYTES,
            )
        finally:
            site.close()


def _check_port(host: str, port: int) -> None:
    """Say that a port is taken before anything is started, and in one line."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        with socket.socket(family, socket.SOCK_STREAM) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind((host, port))
    except OSError as error:
        raise StreamflowError(
            f"{host} port {port}: {error.strerror}; stop what listens there, or give --port"
        ) from None


if __name__ == "__main__":
    typer.run(main)
