"""``streamflow study``: make a listening test, run it, read it. Heavy imports wait until a verb needs them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from .errors import StudyError
from .terminal import print_table, progress

if TYPE_CHECKING:
    from .opening import OpenStudy

app = typer.Typer(
    help="Listening tests in the browser: MOS, CMOS, AB, ABX, MUSHRA, and streaming's own.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="markdown",
    context_settings={"help_option_names": ["-h", "--help"]},
)

Folder = Annotated[Path, typer.Argument(help="The study's folder.", metavar="STUDY")]
Database = Annotated[
    str | None,
    typer.Option(
        envvar="STREAMFLOW_DATABASE",
        help="Where ratings are kept, as an SQLAlchemy URL. [STUDY/ratings.sqlite]",
        show_envvar=True,
        show_default=False,
    ),
]


@app.command()
def create(
    out: Annotated[Path, typer.Option("--out", "-o", help="The study's folder; must not hold a study yet.")],
    run: Annotated[Path | None, typer.Option(help="Take the sounds from this run.")] = None,
    folder: Annotated[
        list[str] | None,
        typer.Option(help="NAME=FOLDER, a folder of recordings a system; equal file names are one sentence."),
    ] = None,
    reference: Annotated[Path | None, typer.Option(help="With --folder: the recordings that systems imitate.")] = None,
    study: Annotated[Path | None, typer.Option(help="A study file (TOML) to start from; options go before it.")] = None,
    protocol: Annotated[
        str | None, typer.Option(help="`streamflow study protocols` lists them. [acr-naturalness]")
    ] = None,
    title: Annotated[str | None, typer.Option(help="What listeners read; must not name systems.")] = None,
    systems: Annotated[str | None, typer.Option(help="Separated by commas. [all of the run but its controls]")] = None,
    sentences: Annotated[int | None, typer.Option(min=1, help="Only so many, chosen by the seed.")] = None,
    listeners: Annotated[int | None, typer.Option(min=1, help="How many are wanted. [24]")] = None,
    trials: Annotated[int | None, typer.Option(min=1, help="A listener's main trials. [one of each sentence]")] = None,
    languages: Annotated[
        str | None, typer.Option(help="Separated by commas, the first is the default. [en,zh,es,de]")
    ] = None,
    headphones: Annotated[str | None, typer.Option(help="Checks, separated by commas: woods, milne. [none]")] = None,
    trap_recordings: Annotated[
        Path | None, typer.Option(help="Folder of own trap recordings with traps.csv. [tones in the study's sounds]")
    ] = None,
    margin: Annotated[
        float | None,
        typer.Option(help="Points of the scale that do not matter: registers a test of equivalence. [none]"),
    ] = None,
    seed: Annotated[int | None, typer.Option(help="Of every random choice. [0]")] = None,
) -> None:
    """Make a study from a run or from folders of recordings.

    Examples:

        streamflow study create --run runs/demo --out studies/first

        streamflow study create --run runs/demo --protocol mushra --systems full,naive,streamflow-sr --out studies/mushra

        streamflow study create --folder old=wav/old --folder new=wav/new --protocol ab --out studies/old-new
    """
    from .creating import create_study

    changes = {
        "protocol": protocol, "title": title, "systems": _names(systems), "languages": _names(languages), "seed": seed,
        "design.listeners": listeners, "design.trials": trials, "screening.headphones": _names(headphones),
        "analysis.margin": margin,
    }  # fmt: skip
    with progress("sounds") as step:
        made = create_study(
            out, run=run, folders=_folders(folder), reference=reference, template=study, changes=changes,
            sentences=sentences, traps=trap_recordings, progress=step,
        )  # fmt: skip
    typer.echo(made.summary())
    typer.echo(
        f"next: streamflow study open {out}    (or look at {out / 'study.toml'} first: it is fixed from then on)"
    )


@app.command()
def protocols() -> None:
    """List the protocols that a study can follow."""
    from .protocols import REGISTRY

    rows = [
        {"protocol": name, "asks": protocol.standard, "needs": ", ".join(sorted(protocol.needs)) or None}
        for name, protocol in REGISTRY.items()
    ]
    print_table("protocols", rows)


@app.command("open")
def open_(study: Folder, database: Database = None) -> None:
    """Freeze a study and let listeners in.

    Example:

        streamflow study open studies/first
    """
    from .opening import open_study

    opened = open_study(study, database)
    typer.echo(f"{study} is open; it was frozen as {opened.identity[:12]}")
    typer.echo(
        f"listeners: http://ADDRESS/s/{opened.token}    (start the pages with: python app.py --studies {study.parent})"
    )


@app.command()
def close(study: Folder, database: Database = None) -> None:
    """Let no more listeners in; who has begun may finish.

    Example:

        streamflow study close studies/first
    """
    from .opening import close_study

    close_study(study, database)
    typer.echo(f"{study} is closed; streamflow study analyse {study}")


@app.command()
def invite(
    study: Folder,
    count: Annotated[int, typer.Option(min=1, help="How many.")] = 1,
    address: Annotated[str, typer.Option(help="Where listeners reach the pages.")] = "http://127.0.0.1:7860",
    database: Database = None,
) -> None:
    """Make invitations: personal links that work on any device and come back to the same place.

    Example:

        streamflow study invite studies/first --count 30 --address https://listen.example.org > links.txt
    """
    if not address.startswith(("http://", "https://")):
        raise StudyError(f"--address {address!r} makes no link; begin it with https:// or http://")
    opened = _open(study, database)
    for token in opened.store.create_invitations(opened.study_id, count):
        typer.echo(f"{address.rstrip('/')}/s/{opened.token}?invitation={token}")


@app.command()
def monitor(
    study: Folder,
    unlock: Annotated[bool, typer.Option("--unlock", help="Show systems; written down in the study's log.")] = False,
    database: Database = None,
) -> None:
    """Show how a study goes, blind: listeners, slots, drop-off, width of the intervals.

    Example:

        streamflow study monitor studies/first
    """
    from .monitoring import monitor_study

    for title, rows in monitor_study(_open(study, database), unlock=unlock):
        print_table(title, rows)


@app.command()
def analyse(
    study: Folder,
    run: Annotated[
        Path | None, typer.Option(help="Join with the scores of this run. [the one it was made from]")
    ] = None,
    out: Annotated[Path | None, typer.Option("--out", "-o", help="Where to write. [STUDY/analysis]")] = None,
    database: Database = None,
) -> None:
    """Analyse the ratings and write a report.

    Example:

        streamflow study analyse studies/first
    """
    from .analysing import analyse_study

    written = analyse_study(_open(study, database), run=run, out=out)
    for title, rows in written.tables():
        print_table(title, rows)
    typer.echo(f"report: {written.report}")
    if written.run:
        typer.echo(f"the run has the results too: streamflow report {written.run}")


@app.command()
def export(
    study: Folder,
    out: Annotated[Path, typer.Option("--out", "-o", help="A folder for CSV, Parquet and codebook.")],
    database: Database = None,
) -> None:
    """Write the ratings as tidy tables with a codebook; without personal data.

    Example:

        streamflow study export studies/first --out first-ratings
    """
    from .analysing import export_study

    for path in export_study(_open(study, database), out):
        typer.echo(path)


@app.command()
def plan(
    systems: Annotated[int, typer.Option(min=2, help="How many systems.")] = 3,
    difference: Annotated[float, typer.Option(min=0.01, help="To be told apart, in points of the scale.")] = 0.3,
    power: Annotated[float, typer.Option(min=0.5, max=0.99, help="Chance of finding it.")] = 0.8,
    sentences: Annotated[int | None, typer.Option(min=2, help="That there are. [whatever is cheapest]")] = None,
    pay: Annotated[float, typer.Option(min=0, help="An hour of a listener.")] = 12.0,
    pilot: Annotated[Path | None, typer.Option(help="Take the spread from this study's ratings.")] = None,
    database: Database = None,
) -> None:
    """Say how many listeners and sentences a difference takes, and what they cost, before anybody is asked.

    Examples:

        streamflow study plan --systems 3 --difference 0.2

        streamflow study plan --pilot studies/first --difference 0.15
    """
    from .analysing import plan_study

    opened = None if pilot is None else _open(pilot, database)
    wanted = {"systems": systems, "difference": difference, "power": power, "sentences": sentences, "pay": pay}
    for title, rows in plan_study(opened, **wanted):
        print_table(title, rows)


@app.command()
def simulate(
    study: Folder,
    out: Annotated[Path, typer.Option("--out", "-o", help="A folder for the copy that is listened to.")],
    honest: Annotated[int, typer.Option(min=0)] = 20,
    lazy: Annotated[int, typer.Option(min=0, help="Give the middle answer.")] = 2,
    bot: Annotated[int, typer.Option(min=0, help="Answer at random without listening.")] = 2,
    inverted: Annotated[int, typer.Option(min=0, help="Honest with the scale upside down.")] = 0,
    quality: Annotated[
        str | None, typer.Option(help="What they hear: full=4.2,naive=3.1 or 'equal'. [spaced from 4.2 to 2.4]")
    ] = None,
    speed: Annotated[float, typer.Option(min=1, help="Faster than real time.")] = 30.0,
    seed: Annotated[int, typer.Option()] = 0,
) -> None:
    """Let simulated listeners take a copy of the study, through the real pages' interface.

    Example:

        streamflow study simulate studies/first --honest 24 --bot 3 --out studies/first-simulated
    """
    from .simulation.simulate import simulate_study

    counts = {"honest": honest, "lazy": lazy, "bot": bot, "inverted": inverted}
    with progress("answers") as step:
        result = simulate_study(study, out, counts, quality=quality, speed=speed, seed=seed, progress=step)
    for title, rows in result.tables():
        print_table(title, rows)
    typer.echo(f"next: streamflow study analyse {out}")


@app.command()
def forget(
    study: Folder,
    listener: Annotated[
        str | None, typer.Option(help="Only of this one, by the pseudonym of the export. [all]")
    ] = None,
    database: Database = None,
) -> None:
    """Delete what is known of persons: panel ids, replies to questions, comments. Ratings stay.

    Close the study first: afterwards nobody can be told from somebody new.

    Example:

        streamflow study forget studies/first
    """
    opened = _open(study, database)
    one = {"session_id": listener} if listener else {"study_id": opened.study_id}
    deleted = opened.store.delete_personal(**one)
    opened.store.audit("command line", "forget", opened.study_id, entries=deleted)
    typer.echo(f"{deleted} personal entries deleted; the ratings stay")


@app.command("check-code")
def check_code(
    study: Folder,
    codes: Annotated[list[str], typer.Argument(help="As listeners sent them.")],
    database: Database = None,
) -> None:
    """Say which completion codes this study really gave.

    Example:

        streamflow study check-code studies/first 7KQ2-MX4D-9P3T
    """
    from .service.completion import verify_code

    opened = _open(study, database)
    wrong = 0
    for code in codes:
        outcome = verify_code(opened, code)
        wrong += outcome is None
        typer.echo(f"{code}: {outcome.replace('_', ' ') if outcome else 'NOT given by this study'}")
    if wrong:
        raise typer.Exit(1)


def _open(study: Path, database: str | None) -> OpenStudy:
    from .opening import load_open_study

    return load_open_study(study, database)


def _names(text: str | None) -> tuple[str, ...] | None:
    return None if text is None else tuple(name.strip() for name in text.split(",") if name.strip())


def _folders(pairs: list[str] | None) -> dict[str, Path] | None:
    if not pairs:
        return None
    folders = {}
    for pair in pairs:
        name, equals, path = pair.partition("=")
        if not (name and equals and path):
            raise StudyError(f"--folder {pair!r} is not NAME=FOLDER, such as --folder new=wav/new")
        folders[name] = Path(path)
    return folders
