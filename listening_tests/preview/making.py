"""Make a walk: of a study that is there, or of one that is still a form."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from ..creating import create_study
from ..stimuli.stimulus_set import StimulusSet
from ..study import load_study
from .walk import Walk

SENTENCES = 8  # rated: a few, so that it is quick, yet room for one special trial of each sort
BREAK_EVERY = 3
MOST = {"screening.training": 2, "screening.traps": 1, "screening.repeats": 1, "screening.identical": 1}


def preview_of_study(folder: str | Path) -> Walk:
    """The first place of a study's design, as its first listener will have it.

    Args:
        folder: of a study, a draft or opened.

    Raises:
        StudyError: not a study, or one whose sounds are missing.
    """
    return Walk(load_study(folder), StimulusSet(folder))


def preview_of_form(
    run: str | Path, changes: Mapping[str, Any], *, progress: Callable[[int, int], None] | None = None
) -> Walk:
    """What a study made from a run would look like: its screens and trials with some of the run's sentences.

    Every sort of screen that the form asks for comes once or twice, so that it can be looked at soon. The sounds lie in a
    temporary folder, which goes with the walk.

    Args:
        run: the run's folder.
        changes: values of the study file by dotted name, as of ``create_study``.
        progress: called with (sentences done, sentences).

    Raises:
        StudyError: the form asks for what cannot be, as of ``create_study``.
    """
    folder = Path(tempfile.mkdtemp(prefix="streamflow-preview-"))
    try:
        made = create_study(
            folder / "study", run=run, changes=shortened(changes), sentences=SENTENCES, progress=progress
        )
        return Walk(made.study, made.stimuli, temporary=folder)
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise


def shortened(changes: Mapping[str, Any]) -> dict[str, Any]:
    """The form with no more special trials than a few sentences have room for, and with a break if any are wanted."""
    short = {**changes, "design.trials": None}
    for name, most in MOST.items():
        if short.get(name) is not None:
            short[name] = min(int(short[name]), most)
    if short.get("break_every") != 0:
        short["break_every"] = BREAK_EVERY
    return short
