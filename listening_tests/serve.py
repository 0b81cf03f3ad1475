"""Serve studies to listeners, without an administration: for tests, simulations and measurements.

python -m listening_tests.serve --studies FOLDER --port N [--database URL] [--speed X]
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable
from pathlib import Path

import uvicorn

from streamflow.errors import StreamflowError

from .errors import StudyError
from .opening import OpenStudy, load_open_study
from .service import Settings, create_service
from .service.auth import check_bind
from .workspace import Workspace

EPOCH = 1_767_225_600.0  # 2026-01-01: fixed, so that a fast clock does not go back when the server starts again


def clock_at(speed: float) -> Callable[[], float]:
    """Seconds since 1970; ``speed`` times faster than real time, counted from a fixed day."""
    if speed == 1.0:
        return time.time
    return lambda: EPOCH + speed * (time.time() - EPOCH)


def studies_of(arguments: argparse.Namespace) -> list[OpenStudy]:
    """The opened studies that were asked for.

    Raises:
        StudyError: there is none, one that was not opened, or a fast clock for a study of real listeners.
    """
    if arguments.study:
        found = [load_open_study(folder, arguments.database) for folder in arguments.study]
    else:
        workspace = Workspace(arguments.studies, database=arguments.database)
        found = [workspace.opened(name) for name in workspace.names() if workspace.is_frozen(name)]
    if not found:
        raise StudyError(f"{arguments.studies}: no study is open; open one with `streamflow study open`")
    for opened in found:
        if arguments.speed != 1.0 and not opened.study.simulated:
            raise StudyError(f"{opened.folder}: --speed is for simulated studies; leave it out for real listeners")
    return found


def main(given: list[str] | None = None) -> None:
    """The command."""
    parser = argparse.ArgumentParser(prog="python -m listening_tests.serve", description=__doc__.splitlines()[0])
    parser.add_argument("--studies", type=Path, default=Path("studies"), help="folder with a folder a study")
    parser.add_argument("--study", type=Path, action="append", help="one study's folder, instead; may be repeated")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=7860)
    parser.add_argument("--database", help="SQLAlchemy URL; default: a file beside each study")
    parser.add_argument("--speed", type=float, default=1.0, help="of the clock, for simulated studies")
    parser.add_argument("--no-page", action="store_true", help="the endpoints alone, which start faster")
    arguments = parser.parse_args(given)
    try:
        check_bind(arguments.host, None)
        studies = studies_of(arguments)
    except StreamflowError as error:
        sys.exit(str(error))
    settings = Settings(speed=arguments.speed)
    app = create_service(studies, clock=clock_at(arguments.speed), settings=settings, page=not arguments.no_page)
    uvicorn.run(
        app, host=arguments.host, port=arguments.port, log_level="warning", access_log=False, server_header=False
    )


if __name__ == "__main__":
    main()
