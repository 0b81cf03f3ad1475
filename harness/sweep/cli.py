"""``streamflow sweep``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console

from streamflow.errors import StreamflowError

from ..cli import (
    Checkpoint,
    Jobs,
    Limit,
    Manifest,
    MetricOption,
    Metrics,
    Report,
    Seeds,
    Split,
    TimeLimit,
    names_of,
    tell,
    whole_numbers,
    write_report_if_stale,
)
from .limits import DEFAULT_NAME, MOST_SYSTEMS

SHOWN = 12  # lines of what was left out


def sweep(
    out: Annotated[
        Path, typer.Option("--out", "-o", help="The run's folder; given again, only what is missing is done.")
    ],
    strategy: Annotated[str | None, typer.Option(help="Separated by commas.")] = None,
    vary: Annotated[
        list[str] | None,
        typer.Option(help="PARAMETER=VALUES: ranges start:stop:step (both ends included), lists; repeatable."),
    ] = None,
    fixed: Annotated[
        list[str] | None, typer.Option("--set", help="PARAMETER=VALUE that all points have; repeatable.")
    ] = None,
    one_at_a_time: Annotated[
        bool, typer.Option("--one-at-a-time/--grid", help="From the defaults, instead of every combination.")
    ] = False,
    baseline: Annotated[
        str | None, typer.Option(help="System to compare with, such as full. [each strategy's default]")
    ] = None,
    experiment: Annotated[
        Path | None, typer.Option(help="TOML file with tables [sweep.NAME]; options go before it.")
    ] = None,
    corpus: Manifest = None,
    split: Split = None,
    checkpoint: Checkpoint = None,
    seeds: Seeds = None,
    metrics: Metrics = None,
    metric_option: MetricOption = None,
    limit: Limit = None,
    most: Annotated[int, typer.Option(min=2, help="Refuse to start with more systems than this.")] = MOST_SYSTEMS,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would be done and how long, and stop.")] = False,
    jobs: Jobs = None,
    time_limit: TimeLimit = 120.0,
    report: Report = True,
) -> None:
    """Vary parameters of strategies over a corpus, and plot quality, seams and latency against them.

    The result is a run: report, gate, latency and the pages take it. Points that are there already are kept, and a wider
    sweep with the same --out adds to them.

    Examples:

        streamflow sweep --strategy naive --vary block=10:60:10 --vary crossfade=0,0.1,0.2
        --corpus corpora/shipped/manifest.csv --out runs/sweep

        streamflow sweep --strategy window,streamflow-sr --vary back=0:8:2 --vary ahead=0:2 --one-at-a-time
        --baseline full --corpus my/manifest.csv --out runs/context

        streamflow sweep --experiment sweeps.toml --out runs/sweeps
    """
    from streamflow.checkpoints import load_bundle

    from ..compare import compare as carry_out
    from ..experiment import load_experiment, parse_metric_options
    from ..run import RunFolder
    from ..run_index import RunIndex
    from .expected import expected
    from .planned import plan_sweeps, refuse_too_many

    console = Console(stderr=True, highlight=False)
    options: dict[str, Any] = {
        "corpus": corpus,
        "split": split,
        "checkpoint": checkpoint,
        "seeds": whole_numbers(seeds, "--seeds"),
        "metrics": names_of(metrics),
        "metric": parse_metric_options(metric_option or []) or None,
        "limit": limit,
    }
    sweeps = _sweeps(strategy, vary, fixed, one_at_a_time, baseline, experiment)
    refuse_too_many(sweeps, most)
    # a stand-in for the systems, which are known once the weights have been asked
    wanted = load_experiment(experiment, **options, systems={"full": {"strategy": "full"}}, sweep={})
    planned = plan_sweeps(sweeps, load_bundle(wanted.checkpoint), out)
    for note in planned.notes:
        typer.echo(f"  {note}", err=True)
    _tell_left_out(planned.left_out)
    if planned.kept:
        typer.echo(f"  {len(planned.kept)} systems that {out} holds are kept beside them", err=True)
    systems = {spec.name: spec.table() for spec in planned.systems}
    resolved = load_experiment(experiment, **options, systems=systems, sweep=planned.tables)
    for line in expected(resolved, RunIndex(out.parent).runs()):
        typer.echo(line, err=True)
    if len(systems) > most:
        raise StreamflowError(
            f"{len(systems)} systems are more than {most}; vary less, --one-at-a-time, or give --most {len(systems)}"
        )
    if dry_run:
        for told in planned.otherwise:  # else said when they are loaded
            typer.echo(told, err=True)
        for name in systems:
            typer.echo(name)
        return
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


def _sweeps(
    strategy: str | None,
    vary: list[str] | None,
    fixed: list[str] | None,
    one_at_a_time: bool,
    baseline: str | None,
    experiment: Path | None,
) -> dict[str, Any]:
    """The sweeps of the file, or the one of the command line."""
    from dataclasses import replace

    from .axes import parse_axes
    from .sweep import Sweep, SweepError, read_sweeps

    if strategy is None and not vary:
        if experiment is None:
            raise SweepError(
                "give --strategy and --vary, such as --strategy naive --vary block=10:60:10, or --experiment"
            )
        if fixed:
            raise SweepError("--set goes with --strategy and --vary; write [sweep.NAME.fixed] into the file instead")
        read = read_sweeps(experiment)
        return {
            name: replace(one, baseline=baseline or one.baseline, one_at_a_time=one_at_a_time or one.one_at_a_time)
            for name, one in read.items()
        }
    table = {
        "strategy": names_of(strategy) or [],
        "vary": parse_axes(vary or []),
        "fixed": parse_axes(fixed or []),
        "one_at_a_time": one_at_a_time,
        "baseline": baseline,
    }
    return {DEFAULT_NAME: Sweep.from_table(DEFAULT_NAME, table)}


def _tell_left_out(left_out: Any) -> None:
    for name, why in list(left_out.items())[:SHOWN]:
        typer.echo(f"  left out {name}: {why}", err=True)
    if (more := len(left_out) - SHOWN) > 0:
        typer.echo(f"  and {more} more; run.toml lists them", err=True)
