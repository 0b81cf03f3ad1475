"""``streamflow checkpoint``: what a checkpoint is, and whether it is whole."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.console import Console
from rich.table import Column, Table

app = typer.Typer(
    help="Show what a checkpoint is, or verify that it is whole.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode="markdown",
    context_settings={"help_option_names": ["-h", "--help"]},
)
Checkpoint = Annotated[str, typer.Argument(help="Shipped weights by name, or a folder.")]


@app.command()
def show(checkpoint: Checkpoint = "small") -> None:
    """Print what it is, the parts with their sizes and hashes, the attention patterns, the licence and the card's place.

    Example:

        streamflow checkpoint show small
    """
    from .checkpoint_check import CARD, facts_of, licence_of, source_lines, summary_of
    from .checkpoints import load_bundle

    bundle, console = load_bundle(checkpoint), Console(highlight=False)
    console.print(f"{bundle.name}: {summary_of(bundle) or 'no model card says what it is'}\n", markup=False)
    number = {"justify": "right", "no_wrap": True}
    files = Table(Column("file", no_wrap=True), Column("values", **number), "stored as", Column("bytes", **number))
    facts = facts_of(bundle)
    for one in facts:
        files.add_row(one.name, f"{one.parameters:,}", ", ".join(one.dtypes), f"{one.size:,}")
    console.print(files)
    for one in facts:  # whole and outside of a table: a narrow terminal would cut them off
        typer.echo(f"SHA-256 {one.sha256}  {one.name}")
    patterns = Table("weights", "block, frames", "p, blocks back", "q, blocks ahead")
    for name in bundle.patterns:
        pattern = bundle.pattern(name)
        patterns.add_row(name, str(pattern.block), _blocks(pattern.back), _blocks(pattern.ahead))
    console.print(patterns)
    for line in source_lines(bundle):
        console.print(line, markup=False)
    card = bundle.directory / CARD
    console.print(
        f"card: {card if card.is_file() else 'none'}\n\n{licence_of(bundle) or 'licence: not stated'}", markup=False
    )


@app.command()
def verify(
    checkpoint: Checkpoint = "small",
    write: Annotated[bool, typer.Option("--write", help="Write SHA256SUMS, once everything else is sound.")] = False,
) -> None:
    """Load every part, compare hashes with SHA256SUMS where there is one; exit code 1 where something is wrong.

    Examples:

        streamflow checkpoint verify small

        streamflow checkpoint verify my/weights --write
    """
    from .checkpoint_check import SUMS, write_sums
    from .checkpoint_check import verify as problems_of
    from .checkpoints import load_bundle

    bundle = load_bundle(checkpoint)
    if write:
        (bundle.directory / SUMS).unlink(missing_ok=True)
    wrong = 0
    for what, problem in problems_of(bundle):
        typer.echo(f"{'WRONG' if problem else 'ok   '}  {what}{': ' if problem else ''}{problem}")
        wrong += bool(problem)
    if wrong:
        raise typer.Exit(1)
    if write:
        typer.echo(f"wrote {write_sums(bundle)}")


def _blocks(count: int | None) -> str:
    return "all" if count is None else str(count)
