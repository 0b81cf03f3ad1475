"""``streamflow bench``: what decoding costs on this machine."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

WIDE = 160  # columns of a table that goes to a file
BUSY = 0.3  # of a core's worth of other work, above which the load is told


def bench(
    checkpoint: Annotated[str, typer.Option(help="Shipped weights by name, or a folder.")] = "small",
    size: Annotated[
        str | None, typer.Option(help="paper, small or tiny: random weights of that size in place of --checkpoint.")
    ] = None,
    device: Annotated[str, typer.Option(help="That decodes: cpu, cuda, or auto (cuda where there is one).")] = "cpu",
    strategies: Annotated[
        str | None, typer.Option(help="Separated by commas: NAME, or NAME:KEY=VALUE+KEY=VALUE. [all there are]")
    ] = None,
    only: Annotated[
        str | None,
        typer.Option(
            help="machine, nfe, strategies, caching, growth, memory, precision, batching, streams; separated by commas."
        ),
    ] = None,
    quick: Annotated[bool, typer.Option("--quick", help="Short utterances, few rounds: a minute or two.")] = False,
    long: Annotated[bool, typer.Option("--long", help="Up to 300 s of history, more rounds: an hour or more.")] = False,
    threads: Annotated[int | None, typer.Option(min=1, help="Of torch. [as many as the processor has cores]")] = None,
    cpu_time: Annotated[
        bool,
        typer.Option("--cpu-time", help="This process's processor time, for a machine that others use; --threads 1."),
    ] = False,
    json_file: Annotated[Path | None, typer.Option("--json", help="Write everything there, too.")] = None,
) -> None:
    """Measure what decoding costs here: strategies, caching, growth, memory, precision, batching, streams held.

    Everything is compared in turn (A-B-B-A) in this process, so that ratios hold on a machine that others use; times and
    numbers of streams hold for a machine that nobody else uses. Ctrl-C prints what there is.

    Examples:

        streamflow bench --quick

        streamflow bench --only growth,caching --strategies streamflow-sr,cosyvoice,cosyvoice:cached=true

        streamflow bench --checkpoint my/bundle --json bench.json

        streamflow bench --size paper --device cuda --only strategies,streams
    """
    import os
    import time

    from streamflow.checkpoints import load_bundle
    from streamflow.devices import waiting
    from streamflow.random_weights import RandomBundle

    from ..storage import write_json
    from .bench_context import LONG, QUICK, Context, Effort
    from .entries import entries_of
    from .errors import BenchError
    from .registry import chosen
    from .result import table_of
    from .runner import carry_out
    from .runner import threads as with_threads

    if quick and long:
        raise BenchError("--quick and --long are opposites; give one of them")
    if cpu_time:
        if threads not in (None, 1):
            raise BenchError("--cpu-time adds up the threads, those that wait too; give --threads 1 with it")
        threads = 1
    measurements = chosen(_names(only))
    bundle = RandomBundle(size, device=device) if size else load_bundle(checkpoint, device=device)
    if cpu_time and bundle.device.type != "cpu":
        raise BenchError("--cpu-time does not see an accelerator's time; leave it out")
    entries = entries_of(_names(strategies), bundle)
    out = Console(highlight=False)
    out = out if out.is_terminal else Console(highlight=False, width=WIDE)
    progress = Console(stderr=True, highlight=False)
    with with_threads(threads or os.cpu_count()), progress.status("loading") as status:

        def tell(result) -> None:
            out.print(table_of(result))
            for note in result.notes:
                out.print(note, style="dim")
            out.print()

        clock = waiting(time.process_time if cpu_time else time.perf_counter, bundle.device)
        effort = QUICK if quick else LONG if long else Effort()
        context = Context(bundle, entries, effort, clock, tick=lambda what: status.update(what))
        report = carry_out(measurements, context, tell)
    cores = os.cpu_count() or 1
    out.print(f"{report.machine['cpu']}, {cores} cores, load {report.load_average[0]:.1f} at the beginning.")
    if bundle.device.type != "cpu":
        out.print(f"Decoded on {bundle.device.type}: {report.machine['accelerator']}.")
    if cpu_time:
        out.print("Times are this process's processor time; streams held are by the wall's clock.")
    if report.load_average[0] > BUSY and not cpu_time:
        out.print("Others were using this machine: ratios hold, times and numbers of streams do not.")
    for name, error in report.failures.items():
        typer.echo(f"{name}: {error}", err=True)
    if json_file:
        write_json(json_file, report.as_json())
    if report.interrupted:
        typer.echo("interrupted: the tables above are what there is", err=True)
        raise typer.Exit(130)
    if not report.results:
        raise BenchError("nothing could be measured; the lines above say why")


def _names(text: str | None) -> list[str] | None:
    return [name.strip() for name in text.split(",") if name.strip()] if text else None
