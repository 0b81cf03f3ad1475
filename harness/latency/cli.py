"""``streamflow latency``: measure how long the systems of a run make a listener wait."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from streamflow.errors import StreamflowError

FAILURES_SHOWN = 8


def latency(
    run: Annotated[Path, typer.Argument(help="The run's folder; the bench is added to it.")],
    lengths: Annotated[str | None, typer.Option(help="Seconds of the streams that run alone. [5,10,20]")] = None,
    repeats: Annotated[int | None, typer.Option(help="Of each of them. [4]")] = None,
    streams: Annotated[str | None, typer.Option(help="How many run together; 'none' for none. [1,2,4]")] = None,
    stream_length: Annotated[float | None, typer.Option(help="Seconds of the streams that run together. [5]")] = None,
    stream_repeats: Annotated[int | None, typer.Option(help="Of each of them. [2]")] = None,
    stream_token_rate: Annotated[
        float | None,
        typer.Option(help="Tokens a second that come to the streams that run together. [the rate of speech]"),
    ] = None,
    interrupts: Annotated[int | None, typer.Option(help="Cancelled sessions a system. [8]")] = None,
    systems: Annotated[str | None, typer.Option(help="Only these of the run, separated by commas. [all]")] = None,
    token_rates: Annotated[
        str | None, typer.Option(help="Tokens a second at which streams are played. [1, 2, 4 and 8 times speech]")
    ] = None,
    buffers: Annotated[str | None, typer.Option(help="Milliseconds of the player's buffer. [0,50,100,200,400]")] = None,
    jitters: Annotated[str | None, typer.Option(help="Milliseconds of the network's jitter. [0,20,50,100]")] = None,
    threads: Annotated[int | None, typer.Option(min=1, help="Of torch. [as many as it takes]")] = None,
    session_limit: Annotated[
        float | None, typer.Option(help="Seconds of work above which a stream is skipped. [600]")
    ] = None,
    complete: Annotated[bool, typer.Option("--complete", help="Up to 300 s and 8 streams; an hour or more.")] = False,
    report: Annotated[bool, typer.Option("--report/--no-report", help="Write the report again at the end.")] = True,
) -> None:
    """Measure latency on this machine: first packet, chunks, growth, streams together, playout, interrupts.

    Systems take turns in one process. Given again, only what is missing is measured.

    Examples:

        streamflow latency runs/first

        streamflow latency runs/first --systems full,streamflow-sr --lengths 5,15,30,60,120,300 --streams none

        streamflow latency runs/first --complete
    """
    from .bench import bench
    from .bench_tables import read_bench
    from .plan import COMPLETE, Settings
    from .printing import load_note, tables_of

    given = {
        "lengths_s": numbers(lengths, "--lengths"),
        "repeats": repeats,
        "streams": whole_numbers(streams, "--streams"),
        "stream_length_s": stream_length,
        "stream_repeats": stream_repeats,
        "tokens_per_second": stream_token_rate,
        "interrupts": interrupts,
        "token_rates": numbers(token_rates, "--token-rates"),
        "buffers_ms": numbers(buffers, "--buffers"),
        "jitters_ms": numbers(jitters, "--jitters"),
        "threads": threads,
        "session_limit_s": session_limit,
    }
    chosen = {name: value for name, value in given.items() if value is not None}
    settings = Settings(**((COMPLETE if complete else {}) | chosen))
    names = [name.strip() for name in systems.split(",") if name.strip()] if systems else None
    console = Console(stderr=True, highlight=False)
    try:
        done = bench(run, settings, systems=names, console=console)
    except KeyboardInterrupt:
        typer.echo(f"interrupted: what was measured is kept in {run}; give the same command again to go on", err=True)
        raise typer.Exit(130) from None
    console.print(f"{done.measured} measured, {done.kept} kept, {len(done.failures)} failed")
    for failure in done.failures[:FAILURES_SHOWN]:
        typer.echo(f"  {failure.system}, {failure.utterance}: {failure.error}", err=True)
    if done.measured + done.kept == 0:
        raise StreamflowError(f"{run}: nothing could be measured; the lines above say why")
    result = read_bench(run)
    for table in tables_of(result):
        Console(highlight=False).print(table)
    if note := load_note(result):
        typer.echo(note)
    if report:
        from reports import write_report

        typer.echo(f"report: {write_report(run)}")


def numbers(text: str | None, option: str) -> tuple[float, ...] | None:
    """Read ``5,10.5``; None where nothing was given.

    Raises:
        LatencyError: something that is not a number.
    """
    from .bench_tables import LatencyError

    if text is None:
        return None
    if text.strip() == "none":
        return ()
    try:
        return tuple(float(part) for part in text.split(",") if part.strip())
    except ValueError:
        raise LatencyError(f"{option} {text!r}: give numbers separated by commas, such as {option} 5,10") from None


def whole_numbers(text: str | None, option: str) -> tuple[int, ...] | None:
    """Read ``1,2,4``; as :func:`numbers`.

    Raises:
        LatencyError: something that is not a whole number.
    """
    from .bench_tables import LatencyError

    values = numbers(text, option)
    if values is not None and any(value != int(value) for value in values):
        raise LatencyError(f"{option} {text!r}: give whole numbers separated by commas, such as {option} 1,2,4")
    return None if values is None else tuple(int(value) for value in values)
