"""``streamflow corpus``: manifests of published corpora."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from . import READERS
from .imports import Imported, import_corpus

app = typer.Typer(no_args_is_help=True, help=__doc__, rich_markup_mode=None)


@app.callback()
def corpus() -> None:
    """Make manifests of published corpora."""


@app.command("import")
def import_(
    layout: Annotated[str, typer.Argument(help=f"One of {', '.join(READERS)}.")],
    folder: Annotated[Path, typer.Argument(help="The unpacked corpus; of emilia, its shards.")],
    out: Annotated[Path, typer.Option("--out", "-o", help="The manifest to write.")],
    split: Annotated[list[str] | None, typer.Option(help="Only this split; may be given more than once.")] = None,
    headers_only: Annotated[
        bool, typer.Option("--headers-only", help="Trust the headers: faster, and damage shows up later.")
    ] = False,
    jobs: Annotated[int, typer.Option(min=1, help="Recordings read at a time.")] = 4,
) -> None:
    """Turn a published corpus into a manifest.

    Examples:

    streamflow corpus import librispeech LibriSpeech --out librispeech.csv --split train

    streamflow corpus import emilia Emilia/EN --out emilia.csv
    """
    columns = SpinnerColumn(), TextColumn("{task.completed} recordings checked"), TimeElapsedColumn()
    from rich.console import Console

    with Progress(*columns, console=Console(stderr=True), disable=not sys.stderr.isatty(), transient=True) as progress:
        task = progress.add_task("", total=None)
        done = import_corpus(
            layout,
            folder,
            out,
            splits=split or (),
            headers_only=headers_only,
            threads=jobs,
            tell=lambda number: progress.update(task, completed=number),
        )
    _tell(done)


def _tell(done: Imported) -> None:
    splits = ", ".join(f"{name} {count}" for name, count in sorted(done.splits.items()))
    typer.echo(f"{done.manifest}: {done.recordings} recordings, {done.seconds / 3600:.2f} h ({splits})")
    for one in done.left:
        typer.echo(f"  left out: {one.path}: {one.why}", err=True)
