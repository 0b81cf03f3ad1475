"""A comparison that somebody asked for in a form: checked as a whole before anything of it is started."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path

from streamflow.errors import StreamflowError

from .corpus import load_corpus
from .experiment import Experiment
from .storage import write_bytes
from .system_lines import parse_system_lines

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._+-]{0,99}")  # as of a baseline: safe in addresses and command lines
MOST_SEED = 2**63 - 1
EXPERIMENTS = ".experiments"  # beside the runs: what their comparisons were asked for with


class NewRunError(StreamflowError):
    """A comparison that cannot be started as it was asked for."""


def read_form(
    *,
    corpus: str,
    systems: str | Iterable[str],
    split: str = "",
    checkpoint: str = "small",
    seeds: str = "0",
    metrics: Iterable[str] = (),
    limit: float | None = None,
) -> Experiment:
    """The experiment that a form describes.

    Args:
        corpus: path of the manifest.
        systems: a line each, see :mod:`harness.system_lines`.
        split: part of the corpus, "" for all.
        checkpoint: a shipped name or a folder.
        seeds: separated by commas.
        metrics: names; none for the standard ones, ``all`` and ``none`` as on the command line.
        limit: first so many utterances, None or 0 for all.

    Raises:
        StreamflowError: something is missing, unknown or malformed, in a line.
    """
    if not corpus.strip():
        raise NewRunError("no corpus; choose one, or give the path of a manifest")
    try:
        numbers = tuple(int(number) for number in seeds.split(",") if number.strip())
    except ValueError:
        raise NewRunError(f"seeds {seeds!r}: give whole numbers separated by commas, such as 0,1,2") from None
    if wrong := [number for number in numbers if not 0 <= number <= MOST_SEED]:
        raise NewRunError(f"seed {wrong[0]}: give whole numbers from 0 to {MOST_SEED}, such as 0,1,2")
    experiment = Experiment(
        corpus=Path(corpus.strip()).expanduser(),
        systems=parse_system_lines(systems),
        split=split.strip() or None,
        checkpoint=checkpoint.strip() or "small",
        seeds=numbers,
        metrics=_known_metrics(tuple(metrics)),
        limit=int(limit) if limit else None,
    )
    load_corpus(experiment.corpus, split=experiment.split, limit=experiment.limit)
    return experiment


def new_folder(runs: Path, name: str) -> Path:
    """The folder for something new of this name.

    Raises:
        NewRunError: not a plain name, or taken.
    """
    name = name.strip()
    if not NAME.fullmatch(name):
        raise NewRunError(
            f"name {name!r}: begin with a letter or digit, go on with letters (a to z), digits, '-', '_', '.', '+', at most "
            "100 in all, for example second-1"
        )
    if (runs / name).exists():
        raise NewRunError(f"{name} exists already; choose another name")
    return runs / name


def free_name(runs: Path, wanted: str) -> str:
    """The name, with a number after it where it is taken."""
    numbered = (f"{wanted}-{number}" for number in range(2, 10_000))
    return next(name for name in (wanted, *numbered) if not (runs / name).exists())


def comparison(experiment: Experiment, runs: Path, name: str) -> list[str]:
    """Write the experiment beside the runs; returns what to give ``streamflow``: a sweep where there is one in it.

    Raises:
        NewRunError: the name is taken or none, or the file cannot be written.
    """
    out = new_folder(runs, name)
    file = runs / EXPERIMENTS / f"{out.name}.toml"
    try:
        out.mkdir(parents=True)  # so that the next one is not called the same while this one waits
        write_bytes(file, experiment.to_toml().encode())
    except OSError as error:
        raise NewRunError(f"{error.filename}: {error.strerror}; make room, or let the folder be written to") from None
    return ["sweep" if experiment.sweep else "compare", "--experiment", str(file), "--out", str(out)]


def _known_metrics(names: tuple[str, ...]) -> tuple[str, ...] | None:
    from .experiment import ALL, NONE
    from .metrics import REGISTRY

    for name in names:
        if name not in (*REGISTRY, ALL, NONE):
            raise NewRunError(f"no metric is called {name!r}; choose from the list")
    return names or None
