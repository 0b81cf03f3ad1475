"""``streamflow``: one verb for each thing a person does. Heavy imports wait until a verb needs them."""

from __future__ import annotations

import logging
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from typer.core import TyperGroup

from streamflow.errors import StreamflowError

console = Console(stderr=True, highlight=False)
FAILURES_SHOWN = 8


# what verbs have in common
Manifest = Annotated[Path | None, typer.Option(help="Manifest: CSV with utterance_id, speaker_id, path.")]
Split = Annotated[str | None, typer.Option(help="Only the utterances of this split.")]
Checkpoint = Annotated[str | None, typer.Option(help="Shipped weights by name, or a folder. [small]")]
Limit = Annotated[int | None, typer.Option(min=1, help="Only the first so many utterances.")]
Seeds = Annotated[
    str | None, typer.Option("--seeds", "--seed", help="Of the decoders' noise, separated by commas. [0]")
]
Metrics = Annotated[str | None, typer.Option(help="Separated by commas; 'all', or 'none'. [the standard ones]")]
MetricOption = Annotated[
    list[str] | None, typer.Option(help="METRIC.PARAMETER=VALUE, such as wer.model=pocketsphinx; repeatable.")
]
Jobs = Annotated[int | None, typer.Option(min=1, help="Processes that score. [cores, at most 4]")]
TimeLimit = Annotated[float, typer.Option(min=1.0, help="Seconds for one metric of one rendering.")]
Report = Annotated[bool, typer.Option("--report/--no-report", help="Write the report at the end.")]


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
    corpus: Manifest = None,
    systems: Annotated[
        str | None, typer.Option(help="Separated by commas: strategies, or NAME=package.module:attribute.")
    ] = None,
    experiment: Annotated[
        Path | None, typer.Option(help="TOML file with the same names; options go before it.")
    ] = None,
    split: Split = None,
    checkpoint: Checkpoint = None,
    device: Annotated[str | None, typer.Option(help="That decodes: cpu, cuda or auto. [cpu]")] = None,
    seeds: Seeds = None,
    metrics: Metrics = None,
    metric_option: MetricOption = None,
    limit: Limit = None,
    jobs: Jobs = None,
    time_limit: TimeLimit = 120.0,
    report: Report = True,
) -> None:
    """Decode a corpus with several systems, score them, and write a report.

    Examples:

        streamflow compare --corpus corpora/shipped/manifest.csv --systems full,naive,streamflow-sr --out runs/first

        streamflow compare --corpus my/manifest.csv --systems full,mine=decoder:Decoder --out runs/mine

        streamflow compare --experiment experiment.toml --out runs/second
    """
    from .compare import compare as carry_out
    from .experiment import load_experiment, parse_metric_options
    from .run import RunFolder

    resolved = load_experiment(
        experiment,
        corpus=corpus,
        systems=systems,
        split=split,
        checkpoint=checkpoint,
        device=device,
        seeds=whole_numbers(seeds, "--seeds"),
        metrics=names_of(metrics),
        metric=parse_metric_options(metric_option or []) or None,
        limit=limit,
    )
    try:
        outcome = carry_out(resolved, out, jobs=jobs, limit_s=time_limit, console=console)
    except KeyboardInterrupt:
        kept = RunFolder(out).count_renderings()
        typer.echo(f"interrupted: {kept} renderings are kept in {out}; give the same command again to go on", err=True)
        raise typer.Exit(130) from None
    tell(outcome)
    if outcome.decoded + outcome.kept == 0:
        raise StreamflowError(f"{out}: nothing could be decoded; the lines above and failures.parquet say why")
    if report:
        write_report_if_stale(out)


def names_of(text: str | None) -> list[str] | None:
    """What an option separated by commas holds."""
    return None if text is None else [name.strip() for name in text.split(",") if name.strip()]


def whole_numbers(text: str | None, option: str) -> list[int] | None:
    """What an option of whole numbers separated by commas holds.

    Raises:
        StreamflowError: something else is in it.
    """
    try:
        return None if text is None else [int(number) for number in names_of(text)]
    except ValueError:
        raise StreamflowError(f"{option} {text!r}: give whole numbers separated by commas, such as 0,1,2") from None


def tell(outcome: Any, made: str = "decoded") -> None:
    """What was done, and what was lost."""
    done = f"{outcome.decoded} decoded, " if made == "decoded" else ""
    console.print(
        f"{done}{outcome.kept} {'kept' if done else 'read'}, {outcome.scored} scored, {len(outcome.failures)} failed"
    )
    if outcome.unscored:
        for why, number in outcome.unscored.items():
            typer.echo(f"  {number} unscored: {why}", err=True)
    for failure in outcome.failures[:FAILURES_SHOWN]:
        typer.echo(f"  {failure.system}, {failure.utterance}, {failure.stage}: {failure.error}", err=True)
    if (more := len(outcome.failures) - FAILURES_SHOWN) > 0:
        typer.echo(f"  and {more} more in {outcome.path / 'failures.parquet'}", err=True)


def _write_report(runs: Sequence[Path], out: Path | None = None, **options: Any) -> None:
    from reports import write_report

    with console.status("writing the report"):
        page = write_report(list(runs), out, **options)
    typer.echo(f"report: {page}")


def write_report_if_stale(run: Path) -> None:
    """Write the report unless it is of the run as it is, by the code as it is."""
    from .finished import report_key
    from .run import RunFolder
    from .storage import read_json, write_json

    page, note = run / "report" / "index.html", RunFolder(run).report_note
    if page.is_file() and read_json(note) == report_key(run):
        typer.echo(f"report: {page} (nothing has changed)")
        return
    _write_report([run])
    write_json(note, report_key(run))


@app.command()
def score(
    reference: Annotated[Path, typer.Option("--reference", help="Folder of the recordings.")],
    system: Annotated[list[str], typer.Option("--system", help="NAME=FOLDER of renderings; repeatable.")],
    out: Annotated[
        Path, typer.Option("--out", "-o", help="The run's folder; given again, only what is missing is done.")
    ],
    manifest: Annotated[
        Path | None, typer.Option(help="CSV with utterance_id, and speaker_id, text, split where known.")
    ] = None,
    split: Annotated[str | None, typer.Option(help="Only the manifest's utterances of this split.")] = None,
    limit: Limit = None,
    loudness: Annotated[
        float | None, typer.Option(max=0.0, help="Bring everything to so many LUFS, references too. [levels are kept]")
    ] = None,
    seam_period: Annotated[
        list[str] | None,
        typer.Option(help="NAME=SECONDS between seams; sidecars FILE.seams.json go first; repeatable."),
    ] = None,
    metrics: Metrics = None,
    metric_option: MetricOption = None,
    jobs: Jobs = None,
    time_limit: TimeLimit = 120.0,
    report: Report = True,
) -> None:
    """Score audio that was made anywhere: a folder of recordings, and a folder of renderings for each system.

    Files belong together by their names without suffix, in sub-folders too; wav, flac, ogg, opus and mp3, of any rate.

    Examples:

        streamflow score --reference recordings --system mine=out/mine --system theirs=out/theirs --out runs/ours

        streamflow score --reference recordings --system "v2=out/model v2" --seam-period v2=0.96 --out runs/v2
    """
    from .experiment import chosen_metrics, parse_metric_options
    from .score import RenderedFiles
    from .score import score as carry_out

    options = parse_metric_options(metric_option or [])
    names = names_of(metrics)
    files = RenderedFiles(
        reference=reference,
        systems={name: Path(folder) for name, folder in _pairs(system, "--system", "mine=out/mine").items()},
        manifest=manifest,
        split=split,
        limit=limit,
        loudness=loudness,
        seam_periods=_numbers(_pairs(seam_period or [], "--seam-period", "mine=0.96"), "--seam-period", "mine=0.96"),
        metrics=chosen_metrics(None if names is None else tuple(names), options),
        metric_options=options,
    )
    try:
        outcome, notes = carry_out(files, out, jobs=jobs, limit_s=time_limit, console=console)
    except KeyboardInterrupt:
        typer.echo(f"interrupted: what was scored is kept in {out}; give the same command again to go on", err=True)
        raise typer.Exit(130) from None
    for note in notes:
        typer.echo(f"  {note}", err=True)
    tell(outcome, "read")
    if report:
        write_report_if_stale(out)


def _pairs(entries: list[str], option: str, example: str) -> dict[str, str]:
    """Entries NAME=VALUE, each name once."""
    pairs: dict[str, str] = {}
    for entry in entries:
        name, equals, value = entry.partition("=")
        if not equals or not name.strip() or not value.strip():
            raise StreamflowError(f"{option} {entry!r}: give NAME=VALUE, such as {option} {example}")
        if name.strip() in pairs:
            raise StreamflowError(f"{option} {name.strip()} is given twice; give each name once")
        pairs[name.strip()] = value
    return pairs


def _numbers(pairs: dict[str, str], option: str, example: str) -> dict[str, float]:
    numbers = {}
    for name, value in pairs.items():
        try:
            numbers[name] = float(value)
        except ValueError:
            raise StreamflowError(f"{option} {name}={value}: give a number, such as {option} {example}") from None
    return numbers


@app.command()
def report(
    runs: Annotated[list[Path], typer.Argument(help="A run's folder, or several of one corpus.")],
    out: Annotated[
        Path | None,
        typer.Option("--out", "-o", help="File to write, or a folder. [report/index.html in the first run]"),
    ] = None,
    baseline: Annotated[str | None, typer.Option(help="The system that others are compared with. [full]")] = None,
    margin: Annotated[
        list[str] | None,
        typer.Option(help="METRIC=VALUE, a difference that does not matter; repeatable. [of the gate's ready policy]"),
    ] = None,
    embed: Annotated[
        bool, typer.Option("--embed/--link", help="Put audio and pictures into the file, or beside it.")
    ] = False,
) -> None:
    """Write the report of a run again, or of several side by side.

    Examples:

        streamflow report runs/first

        streamflow report runs/first runs/second --baseline full --margin pesq_wb=0.1 --out comparison.html --embed
    """
    margins = _numbers(_pairs(margin or [], "--margin", "pesq_wb=0.1"), "--margin", "pesq_wb=0.1")
    _write_report(runs, out, baseline=baseline, margins=margins or None, embed=embed)


PASSED_ON = {"allow_extra_args": True, "ignore_unknown_options": True, "help_option_names": []}
"""For a verb whose own commands read the rest of the line: they are imported when it is used, not before."""


@app.command(context_settings=PASSED_ON, add_help_option=False)
def sweep(context: typer.Context) -> None:
    """Vary parameters of strategies over a corpus, and plot quality, seams and latency against them.

    Example:

        streamflow sweep --strategy naive --vary block=10:60:10 --corpus my/manifest.csv --out runs/sweep
    """
    from .sweep.cli import sweep as verb

    _pass_on(_alone(verb), context)


@app.command(context_settings=PASSED_ON, add_help_option=False)
def latency(context: typer.Context) -> None:
    """Measure how long a run's systems make a listener wait, on this machine.

    Example:

        streamflow latency --help
    """
    from .latency.cli import latency as verb

    _pass_on(_alone(verb), context)


@app.command(context_settings=PASSED_ON, add_help_option=False)
def bench(context: typer.Context) -> None:
    """Measure what decoding costs on this machine, as ratios: strategies, caching, growth, memory, batching.

    Example:

        streamflow bench --quick
    """
    from .bench.cli import bench as verb

    _pass_on(_alone(verb), context)


@app.command(context_settings=PASSED_ON, add_help_option=False)
def gate(context: typer.Context) -> None:
    """Compare a run or new weights with the baseline, and hold them back if they are worse.

    Example:

        streamflow gate --help
    """
    from .gate.cli import gate as verb

    _pass_on(_alone(verb), context)


@app.command(context_settings=PASSED_ON, add_help_option=False)
def baseline(context: typer.Context) -> None:
    """Promote a run to what gates compare with, list those that were, verify them.

    Example:

        streamflow baseline --help
    """
    from .gate.cli import baseline as verbs

    _pass_on(verbs, context)


@app.command(context_settings=PASSED_ON, add_help_option=False)
def conformance(context: typer.Context) -> None:
    """Check that a streaming decoder keeps the session protocol.

    Example:

        streamflow conformance streamflow-sr
    """
    from .conformance.cli import conformance as verb

    _pass_on(_alone(verb), context)


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


@app.command(context_settings=PASSED_ON, add_help_option=False)
def corpus(context: typer.Context) -> None:
    """Turn a published corpus into a manifest.

    Example:

        streamflow corpus import --help
    """
    from .readers.cli import app as readers

    _pass_on(readers, context)


@app.command(context_settings=PASSED_ON, add_help_option=False)
def checkpoint(context: typer.Context) -> None:
    """Show what a checkpoint is, or verify that it is whole.

    Example:

        streamflow checkpoint show small
    """
    from streamflow.checkpoint_cli import app as verbs

    _pass_on(verbs, context)


@app.command(context_settings=PASSED_ON, add_help_option=False)
def convert(context: typer.Context) -> None:
    """Convert published weights: Qwen2.5-Omni's Token2Wav, NVIDIA's BigVGAN, SpeechBrain's ECAPA-TDNN.

    Example:

        streamflow convert qwen2.5-omni --help
    """
    from streamflow.convert.cli import app as verbs

    _pass_on(verbs, context)


def _alone(verb: Callable[..., None]) -> typer.Typer:
    """A verb that has no commands of its own."""
    commands = typer.Typer(
        add_completion=False, rich_markup_mode="markdown", context_settings={"help_option_names": ["-h", "--help"]}
    )
    commands.command()(verb)
    return commands


def _pass_on(commands: typer.Typer, context: typer.Context) -> None:
    """Let the verb's own commands read the rest, and end as they end."""
    code = commands(args=context.args, prog_name=context.command_path, standalone_mode=False)
    if isinstance(code, int) and code:
        raise typer.Exit(code)


if __name__ == "__main__":
    app()
