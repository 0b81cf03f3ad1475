"""``streamflow``: one verb for each thing a person does. Heavy imports wait until a verb needs them."""

from __future__ import annotations

import logging
import sys
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from typer.core import TyperGroup

from streamflow.errors import StreamflowError

console = Console(stderr=True, highlight=False)
FAILURES_SHOWN = 8


class OneLineErrors(TyperGroup):
    """Print an error that is meant for people as one line; tracebacks only with ``--debug``."""

    def invoke(self, ctx: Any) -> Any:
        try:
            return super().invoke(ctx)
        except StreamflowError as error:
            if ctx.params.get("debug"):
                raise
            typer.echo(f"error: {error}", err=True)
            raise typer.Exit(2) from None


app = typer.Typer(
    cls=OneLineErrors,
    help="Decode the same speech tokens with a StreamFlow decoder and its baselines, measure them, and listen.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    rich_markup_mode="markdown",
)


@app.callback()
def main(debug: Annotated[bool, typer.Option("--debug", help="Show tracebacks.")] = False) -> None:
    """Decode the same speech tokens with a StreamFlow decoder and its baselines, measure them, and listen."""
    if debug:
        logging.basicConfig(level=logging.INFO, stream=sys.stderr)
        for package in ("harness", "streamflow", "listening_tests", "reports"):
            logging.getLogger(package).setLevel(logging.DEBUG)


@app.command()
def compare(
    out: Annotated[
        Path, typer.Option("--out", "-o", help="The run's folder; given again, only what is missing is done.")
    ],
    corpus: Annotated[Path | None, typer.Option(help="Manifest: CSV with utterance_id, speaker_id, path.")] = None,
    systems: Annotated[
        str | None, typer.Option(help="Separated by commas: strategies, or NAME=package.module:attribute.")
    ] = None,
    experiment: Annotated[
        Path | None, typer.Option(help="TOML file with the same names; options go before it.")
    ] = None,
    split: Annotated[str | None, typer.Option(help="Only the utterances of this split.")] = None,
    checkpoint: Annotated[str | None, typer.Option(help="Shipped weights by name, or a folder. [small]")] = None,
    seed: Annotated[int | None, typer.Option(help="Of the decoders' noise. [0]")] = None,
    metrics: Annotated[str | None, typer.Option(help="Separated by commas; 'none' for none. [all]")] = None,
    limit: Annotated[int | None, typer.Option(min=1, help="Only the first so many utterances.")] = None,
    jobs: Annotated[int | None, typer.Option(min=1, help="Processes that score. [cores, at most 4]")] = None,
    report: Annotated[bool, typer.Option("--report/--no-report", help="Write the report at the end.")] = True,
) -> None:
    """Decode a corpus with several systems, score them, and write a report.

    Examples:

        streamflow compare --corpus corpora/shipped/manifest.csv --systems full,naive,streamflow-sr --out runs/first

        streamflow compare --corpus my/manifest.csv --systems full,mine=decoder:Decoder --out runs/mine

        streamflow compare --experiment experiment.toml --out runs/second
    """
    from .compare import compare as carry_out
    from .experiment import load_experiment
    from .run import RunFolder

    wanted = (
        None if metrics is None else [] if metrics == "none" else [m.strip() for m in metrics.split(",") if m.strip()]
    )
    resolved = load_experiment(
        experiment,
        corpus=corpus,
        systems=systems,
        split=split,
        checkpoint=checkpoint,
        seed=seed,
        metrics=wanted,
        limit=limit,
    )
    try:
        outcome = carry_out(resolved, out, jobs=jobs, console=console)
    except KeyboardInterrupt:
        kept = RunFolder(out).count_renderings()
        typer.echo(f"interrupted: {kept} renderings are kept in {out}; give the same command again to go on", err=True)
        raise typer.Exit(130) from None
    _tell(outcome)
    if outcome.decoded + outcome.kept == 0:
        raise StreamflowError(f"{out}: nothing could be decoded; the lines above and failures.parquet say why")
    if report:
        _write_report(out)


def _tell(outcome: Any) -> None:
    """What was done, and what was lost."""
    console.print(
        f"{outcome.decoded} decoded, {outcome.kept} kept, {outcome.scored} scored, {len(outcome.failures)} failed"
    )
    for failure in outcome.failures[:FAILURES_SHOWN]:
        typer.echo(f"  {failure.system}, {failure.utterance}, {failure.stage}: {failure.error}", err=True)
    if (more := len(outcome.failures) - FAILURES_SHOWN) > 0:
        typer.echo(f"  and {more} more in {outcome.path / 'failures.parquet'}", err=True)


def _write_report(run: Path, out: Path | None = None) -> None:
    from reports import write_report

    typer.echo(f"report: {write_report(run, out)}")


@app.command()
def report(
    run: Annotated[Path, typer.Argument(help="The run's folder.")],
    out: Annotated[Path | None, typer.Option("--out", "-o", help="Where to write it. [RUN/report]")] = None,
) -> None:
    """Write the report of a run again.

    Example:

        streamflow report runs/first
    """
    _write_report(run, out)


PASSED_ON = {"allow_extra_args": True, "ignore_unknown_options": True, "help_option_names": []}
"""For a verb whose own commands read the rest of the line: they are imported when it is used, not before."""


@app.command(context_settings=PASSED_ON, add_help_option=False)
def study(context: typer.Context) -> None:
    """Make a listening test, run it in the browser, analyse it.

    Example:

        streamflow study --help
    """
    from listening_tests.cli import app as studies

    _pass_on(studies, context)


@app.command(context_settings=PASSED_ON, add_help_option=False)
def train(context: typer.Context) -> None:
    """Train a tokenizer, speaker encoder, decoder or vocoder, on your own recordings.

    Example:

        streamflow train --help
    """
    from streamflow.training.cli import app as training

    _pass_on(training, context)


def _pass_on(commands: typer.Typer, context: typer.Context) -> None:
    """Let the verb's own commands read the rest, and end as they end."""
    code = commands(args=context.args, prog_name=context.command_path, standalone_mode=False)
    if isinstance(code, int) and code:
        raise typer.Exit(code)


if __name__ == "__main__":
    app()
