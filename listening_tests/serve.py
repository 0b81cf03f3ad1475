"""Serve one study to listeners, without administration: ``python -m listening_tests.serve --study FOLDER --port 8000``.

For tests and simulations. ``python app.py`` is the application.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import typer
import uvicorn

from streamflow.errors import StreamflowError

from .errors import StudyError
from .opening import load_open_study
from .service.application import create_service


def main(
    study: Annotated[list[Path], typer.Option(help="Folder of a study that was opened; may be given several times.")],
    port: Annotated[int, typer.Option(min=1, max=65535)] = 8000,
    database: Annotated[str | None, typer.Option(envvar="STREAMFLOW_DATABASE")] = None,
    speed: Annotated[float, typer.Option(min=1, help="Of the clock; simulated studies only.")] = 1.0,
    page: Annotated[bool, typer.Option("--page/--no-page", help="Mount the listener's page.")] = True,
) -> None:
    """Serve studies on the loopback interface."""
    try:
        opened = [load_open_study(folder, database) for folder in study]
        if speed != 1.0 and not all(one.study.simulated for one in opened):
            raise StudyError("--speed is for simulated studies; make one with `streamflow study simulate`")
    except StreamflowError as error:
        typer.echo(f"error: {error}", err=True)
        raise SystemExit(2) from None
    by_token = {one.token: one for one in opened}
    simulated = all(one.study.simulated for one in opened)
    app = create_service(by_token.get, clock=fast_clock(speed), limited=not simulated)
    if page:
        from .page.shell import mount_listener

        app = mount_listener(app)
    uvicorn.run(app, host="127.0.0.1", port=port, log_level="warning", timeout_graceful_shutdown=3)


def fast_clock(speed: float) -> Callable[[], float]:
    """Seconds since 1970, ``speed`` times as fast from now on."""
    start = time.time()
    return lambda: start + speed * (time.time() - start)


if __name__ == "__main__":
    typer.run(main)
