"""What the form of a new study asks, and the study file that follows from it."""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Mapping
from typing import Any

from harness.run import Run
from listening_tests.creating import CONTROLS, create_study
from listening_tests.errors import StudyError
from listening_tests.protocols import get_protocol
from listening_tests.study import LANGUAGES
from listening_tests.workspace import Workspace

USUAL: dict[str, Any] = {
    "run": "", "protocol": "acr-naturalness", "systems": (), "name": "", "title": "", "design.listeners": 24,
    "sentences": 12, "design.trials": 0, "seed": 0, "screening.training": 2, "screening.traps": 1,
    "screening.repeats": 0, "screening.identical": 0, "languages": LANGUAGES, "screening.headphones": (),
    "analysis.margin": 0, "recruitment": "", "consent.contact": "", "completion.code": "signed",
    "completion.return_url": "", "access.invitation": False, "more": "",
}  # fmt: skip
"""By dotted name of the study file; ``run``, ``name``, ``sentences`` and ``more`` are the form's own."""
OWN = ("run", "name", "sentences", "more")
NONE_IF_ZERO = ("design.trials", "analysis.margin")


def make_study(workspace: Workspace, given: Mapping[str, Any], progress: Callable[[int, int], None]) -> str:
    """Make a study as the form says; returns a line of what there is.

    Raises:
        StudyError: the form asks for what cannot be.
    """
    run = run_of(workspace, given)
    folder = workspace.new_path(str(given["name"]).strip())
    made = create_study(
        folder, run=run, changes=changes_of(given), sentences=int(given["sentences"]), progress=progress
    )
    return made.summary()


def run_of(workspace: Workspace, given: Mapping[str, Any]) -> Any:
    """The run's folder.

    Raises:
        StudyError: none is chosen, or there is none of that name.
    """
    if not given["run"]:
        raise StudyError("no run is chosen; choose one, or make one on the page Runs")
    if given["run"] not in workspace.run_names():
        raise StudyError(f"there is no run {given['run']!r}; choose one of the list")
    return workspace.runs / given["run"]


def changes_of(given: Mapping[str, Any]) -> dict[str, Any]:
    """The form as values of the study file by dotted name; what was left empty is None.

    Raises:
        StudyError: the part in TOML cannot be read.
    """
    changes = {name: _value(name, value) for name, value in given.items() if name not in OWN}
    if not get_protocol(str(given["protocol"])).catches_identical:
        changes["screening.identical"] = 0
    try:
        return {**changes, **dict(_flat(tomllib.loads(given.get("more") or "")))}
    except tomllib.TOMLDecodeError as error:
        raise StudyError(f"More settings are not readable as TOML ({error}); mend that line") from None


def read(name: str, text: str) -> Any:
    """A value of the page's address as the form holds it; the usual one where it makes no sense."""
    usual = USUAL[name]
    if isinstance(usual, bool):
        return text.lower() == "true"
    if isinstance(usual, tuple):
        return [part for part in text.split(",") if part]
    if isinstance(usual, int):
        try:
            return float(text) if name == "analysis.margin" else int(float(text))
        except (ValueError, OverflowError):
            return usual
    return text


def asks(protocol: str) -> str:
    """What a protocol asks, for the form."""
    return get_protocol(protocol).standard


def systems_of(workspace: Workspace, run: str | None) -> tuple[list[str], list[str]]:
    """The systems of a run, and those that are no controls."""
    if not run or run not in workspace.run_names():
        return [], []
    systems = Run(workspace.runs / run).systems
    return systems, [system for system in systems if system not in CONTROLS]


def _value(name: str, value: Any) -> Any:
    if isinstance(value, list | tuple):
        return tuple(value) or (None if name == "systems" else ())
    if isinstance(value, bool):
        return value
    if isinstance(value, str):
        return value.strip() or None
    if value is None or (name in NONE_IF_ZERO and not value):
        return None
    return float(value) if name == "analysis.margin" else int(value)


def _flat(table: Mapping[str, Any], prefix: str = "") -> Any:
    for key, value in table.items():
        if isinstance(value, Mapping):
            yield from _flat(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", value
