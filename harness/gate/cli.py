"""``streamflow gate`` and ``streamflow baseline``."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console

from streamflow.errors import StreamflowError

if TYPE_CHECKING:
    from .baseline import Baseline
    from .outcome import GateResult
    from .policy import Policy

BROKEN, INTERRUPTED = 4, 130
STORE = Path("baselines")


def gate(
    candidate: Annotated[Path | None, typer.Option(help="The run that wants to replace the baseline.")] = None,
    checkpoint: Annotated[
        str | None, typer.Option(help="Weights to decode the baseline's experiment with: they become the candidate.")
    ] = None,
    baseline: Annotated[str, typer.Option(help="A run's folder, or the name of a promoted one.")] = "main",
    policy: Annotated[str, typer.Option(help="TOML file, or the name of a ready policy.")] = "default",
    out: Annotated[Path, typer.Option("--out", "-o", help="Folder for the results.")] = Path("gate"),
    system: Annotated[
        list[str] | None,
        typer.Option(help="Which to compare, NAME or NEW=OLD; repeatable. [every decoder of the baseline]"),
    ] = None,
    store: Annotated[Path, typer.Option(help="Folder of the promoted runs.")] = STORE,
    corpus: Annotated[Path | None, typer.Option(help="With --checkpoint: where the manifest is now.")] = None,
    jobs: Annotated[int | None, typer.Option(min=1, help="With --checkpoint: processes that score.")] = None,
    measure_latency: Annotated[
        bool | None,
        typer.Option(
            "--measure-latency/--recorded-latency",
            help="Decode with both in turn, in this process, or compare what the runs recorded. "
            "[measure with --checkpoint]",
        ),
    ] = None,
) -> None:
    """Compare a run with the baseline and hold it back if it is worse.

    Exit code 0: pass. 1: worse. 3: the data cannot tell. 4: the evaluation is broken (runs that cannot be compared, a
    baseline that fails against itself, a missing file). 2: the command line or the policy is wrong.

    OUT gets index.html (with audio of what fell), gate.json, junit.xml and gate.md; on GitHub Actions the job summary
    and annotations are written too.

    Examples:

        streamflow baseline promote runs/first

        streamflow gate --candidate runs/second

        streamflow gate --checkpoint my/weights --policy gate.toml --out runs/gate

        streamflow gate --baseline runs/first --candidate runs/second --system mine=full
    """
    from .policy import load_policy

    if (candidate is None) == (checkpoint is None):
        raise typer.BadParameter("give one of --candidate RUN and --checkpoint WEIGHTS")
    rules = load_policy(policy)
    wanted = list(system or rules.systems)
    if checkpoint is not None and any("=" in name for name in wanted):
        raise typer.BadParameter("NEW=OLD is for --candidate; with --checkpoint the systems keep their names")
    try:
        held = _baseline(baseline, store)
        if checkpoint is not None:
            candidate = _decode(held.path, checkpoint, out / "candidate", wanted, corpus, jobs)
        measured = checkpoint is not None if measure_latency is None else measure_latency
        result = _evaluate(held, candidate, rules, wanted, measured)
        _tell(result, _write(result, held.path, candidate, out))
    except KeyboardInterrupt:
        typer.echo("interrupted: what was decoded is kept; give the same command again to go on", err=True)
        raise typer.Exit(INTERRUPTED) from None
    except Exception as error:  # a crash would exit with 1, which says that the candidate is worse
        _broken(error, baseline, str(candidate or checkpoint), rules, out)
        raise typer.Exit(BROKEN) from error
    raise typer.Exit(result.exit_code)


def _baseline(name: str, store: Path) -> Baseline:
    """A run given by its folder is its own anchor."""
    from .baseline import Baseline, find

    path = Path(name)
    if (path / "run.toml").is_file():
        return Baseline(name, path, "", path)
    return find(name, store)


def _decode(
    baseline: Path, checkpoint: str, out: Path, systems: list[str], corpus: Path | None, jobs: int | None
) -> Path:
    """Carry out the baseline's experiment with other weights; what is there already is kept."""
    from dataclasses import replace

    from harness.compare import compare
    from harness.run import Run

    from .interleaving import experiment_of
    from .system_pairs import decoders

    run = Run(baseline)
    experiment = experiment_of(run)
    names = systems or decoders(run)
    specs = tuple(spec for spec in experiment.systems if spec.name in names)
    changes: dict[str, Any] = {"checkpoint": _resolved(checkpoint), "systems": specs or experiment.systems}
    if corpus is not None:
        changes["corpus"] = corpus
    compare(replace(experiment, **changes), out, jobs=jobs, console=Console(stderr=True, highlight=False))
    return out


def _resolved(checkpoint: str) -> str:
    """A folder as it is found from anywhere, a shipped name as it is."""
    return str(Path(checkpoint).resolve()) if (Path(checkpoint) / "bundle.json").is_file() else checkpoint


def _evaluate(held: Baseline, candidate: Path, rules: Policy, systems: list[str], measured: bool) -> GateResult:
    from .evaluate import evaluate

    called = f"{held.name} ({held.sha256[:12]})" if held.sha256 else held.name
    return evaluate(
        held.path,
        candidate,
        rules,
        systems=systems,
        anchor=held.anchor,
        interleaved=measured,
        names=(called, str(candidate)),
    )


def _write(result: GateResult, baseline: Path, candidate: Path, out: Path) -> Path:
    """The page first: the other files point to it."""
    from reports.gate_report import write_gate_report

    from .files import PAGE, write_files

    page = write_gate_report(result, baseline, candidate, out / PAGE)
    write_files(result, out, str(page))
    return page


def _broken(error: Exception, baseline: str, candidate: str, rules: Policy, out: Path) -> None:
    """Say what went wrong in every way that a result is told; a fault of ours with its traceback."""
    import traceback

    from .files import tell_github, write_files
    from .outcome import GateResult
    from .printing import print_result, terminal

    if not isinstance(error, StreamflowError):
        traceback.print_exc(file=sys.stderr)
    text = str(error) if isinstance(error, StreamflowError) else f"{type(error).__name__}: {error}"
    result = GateResult(baseline=baseline, candidate=candidate, policy=rules.table(), refusals=[text])
    print_result(result, terminal())
    try:
        for line in tell_github(result):
            typer.echo(line)
        write_files(result, out)
    except OSError as failed:  # perhaps what broke the gate in the first place
        typer.echo(f"{failed.filename}: {failed.strerror}; not all results were written", err=True)


def _tell(result: GateResult, page: Path) -> None:
    from .files import tell_github
    from .printing import print_result, terminal

    print_result(result, terminal())
    for line in tell_github(result, str(page)):
        typer.echo(line)
    typer.echo(f"page: {page}")


baseline = typer.Typer(
    help="Keep the runs that candidates are held against.\n\nExample:\n\n    streamflow baseline promote runs/first",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    rich_markup_mode="markdown",
)


@baseline.command("promote")
def promote_run(
    run: Annotated[Path, typer.Argument(help="The run to keep.")],
    name: Annotated[str, typer.Option(help="Of the baseline.")] = "main",
    store: Annotated[Path, typer.Option(help="Folder of the promoted runs.")] = STORE,
    new_anchor: Annotated[
        bool, typer.Option("--new-anchor", help="Measure slow drift from this run on, not from the first one.")
    ] = False,
    with_failures: Annotated[bool, typer.Option("--with-failures", help="Even if utterances of it failed.")] = False,
    note: Annotated[str, typer.Option(help="Why, for the history.")] = "",
) -> None:
    """Make a run the baseline: a copy of what a gate needs of it, audio included, that is checked at every use.

    Examples:

        streamflow baseline promote runs/first

        streamflow baseline promote runs/second --name nightly --note "vocoder retrained"
    """
    from .baseline import promote

    held = promote(run, name, store, new_anchor=new_anchor, with_failures=with_failures, note=note)
    size = sum(path.stat().st_size for path in held.path.rglob("*") if path.is_file())
    typer.echo(f"{name}: {held.path} ({size / 1e6:.1f} MB), sha256 {held.sha256}")
    if held.anchor != held.path:
        typer.echo(f"anchor: {held.anchor}")


@baseline.command("list")
def list_baselines(
    store: Annotated[Path, typer.Option(help="Folder of the promoted runs.")] = STORE,
    name: Annotated[str | None, typer.Option(help="Only this one.")] = None,
) -> None:
    """Every promotion, the last one of each name being in force.

    Example:

        streamflow baseline list
    """
    from .baseline import history

    names = [name] if name else sorted(path.parent.name for path in store.glob("*/history.jsonl"))
    entries = [(each, entry) for each in names for entry in history(each, store)]
    if not entries:
        raise StreamflowError(f"{store}: no baselines; promote one with `streamflow baseline promote RUN`")
    for each, entry in entries:
        anchor = ", the anchor" if entry["anchor"] == entry["sha256"] else ""
        told = f": {entry['note']}" if entry.get("note") else ""
        typer.echo(
            f"{each} {entry['sha256'][:12]} {entry['promoted']} by {entry['by']} from {entry['run']}{anchor}{told}"
        )


@baseline.command("verify")
def verify_baseline(
    name: Annotated[str, typer.Option(help="Of the baseline.")] = "main",
    store: Annotated[Path, typer.Option(help="Folder of the promoted runs.")] = STORE,
) -> None:
    """Check that a baseline and its anchor are what was promoted.

    Example:

        streamflow baseline verify --name main
    """
    from .baseline import find

    held = find(name, store)
    typer.echo(f"{name}: {held.path} is as it was promoted, sha256 {held.sha256}")
