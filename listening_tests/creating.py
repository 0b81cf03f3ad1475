"""Make a study: from a run, or from folders of recordings."""

from __future__ import annotations

import shutil
import tomllib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from harness.run import Run
from harness.storage import write_bytes

from .design.assignment import block_size, check_design
from .errors import StudyError
from .protocols import get_protocol
from .study import LANGUAGES, Study

if TYPE_CHECKING:
    from .stimuli.stimulus_set import StimulusSet

CONTROLS = ("copy-synthesis", "tokenizer")  # strategies of a run that are bounds, not systems to be chosen between
TITLES = {
    "acr-naturalness": "How natural does this speech sound?",
    "acr-quality": "How good does this speech sound?",
    "similarity-mos": "Do these voices belong to one person?",
    "arrival-replay": "How good is this to listen to?",
    "seam-locating": "Can you hear joins in this speech?",
}
TITLE = "Compare recordings of speech"
Progress = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class Created:
    """A study that was made."""

    folder: Path
    study: Study
    stimuli: StimulusSet

    def summary(self) -> str:
        """One line of what there is."""
        sounds, sentences = len(self.stimuli.stimuli), len({rated.sentence for rated in self.stimuli.of_role("test")})
        others = len(self.stimuli.sentences) - sentences
        practice = f" and {others} for practice" if others else ""
        block = block_size(self.study, self.stimuli)
        hint = "" if self.study.design.listeners % block == 0 else f"; exactly balanced after every {block}"
        return (
            f"{self.folder}: {self.study.protocol}, {len(self.study.systems)} systems, {sentences} sentences{practice}, "
            f"{sounds} sounds, {self.study.design.listeners} listeners wanted{hint}"
            + ("\nwith one sentence nothing can be said of others: no intervals" if sentences == 1 else "")
        )


def create_study(
    out: str | Path,
    *,
    run: str | Path | None = None,
    folders: Mapping[str, Path] | None = None,
    reference: Path | None = None,
    template: Path | None = None,
    changes: Mapping[str, Any] | None = None,
    sentences: int | None = None,
    traps: Path | None = None,
    progress: Progress | None = None,
) -> Created:
    """Write ``OUT/study.toml``, ``OUT/stimuli.json`` and ``OUT/stimuli/``, all or nothing.

    Args:
        out: must not hold a study yet.
        run, folders: where the sounds are; one of the two. ``folders`` maps a system to its recordings.
        reference: with ``folders``, the recordings that systems imitate.
        template: a study file to start from.
        changes: values to set, by dotted name (``design.listeners``); None is as if it were not there.
        sentences: only so many, chosen by the study's seed.
        traps: folder of own trap recordings with ``traps.csv``; None for tones in the study's own sounds.
        progress: called with (done, total).

    Raises:
        StudyError: nothing to make it from, or a value that cannot be.
        RunError, AudioError: sounds that cannot be had.
    """
    out = Path(out)
    if (out / "study.toml").exists():
        raise StudyError(f"{out}: holds a study already; give another --out, or remove it")
    if (run is None) == (not folders):
        raise StudyError("a study is made from a run or from folders; give either --run RUN or --folder NAME=FOLDER")
    opened = None if run is None else Run(run)
    study = _study(template, dict(changes or {}), opened, list(folders or ()))
    fresh = not out.exists()
    try:
        stimuli = _build(
            opened, folders, out, study, sentences, {"reference": reference, "traps": traps, "progress": progress}
        )
        check_design(study, stimuli)
        write_bytes(out / "study.toml", study.to_toml().encode())
    except BaseException:  # Ctrl-C too: half a study is none
        if fresh:
            shutil.rmtree(out, ignore_errors=True)
        raise
    return Created(out, study, stimuli)


def _build(
    run: Run | None, folders: Mapping[str, Path] | None, out: Path, study: Study, sentences: int | None,
    options: dict[str, Any],
) -> StimulusSet:  # fmt: skip
    from .stimuli.build import build_from_folders, build_from_run

    if run is not None:
        options.pop("reference")
        names = [utterance["utterance_id"] for utterance in run.utterances]
        return build_from_run(run, out, study, sentences=_some(names, sentences, study.seed), **options)
    assert folders
    shared = sorted(set.intersection(*({path.stem for path in _recordings(folder)} for folder in folders.values())))
    if not shared:
        raise StudyError("the folders have no file name in common; name the recordings of one sentence alike")
    return build_from_folders(folders, out, study, sentences=_some(shared, sentences, study.seed), **options)


def _recordings(folder: Path) -> list[Path]:
    if not folder.is_dir():
        raise StudyError(f"{folder}: no such folder; check --folder")
    return [path for path in folder.iterdir() if path.is_file() and not path.name.startswith(".")]


def _some(names: Sequence[str], count: int | None, seed: int) -> list[str]:
    """``count`` of the names, in their order; all for None."""
    if count is None or count >= len(names):
        return list(names)
    chosen = np.random.default_rng(seed).choice(len(names), count, replace=False)
    return [names[index] for index in sorted(chosen)]


def _study(template: Path | None, changes: dict[str, Any], run: Run | None, folders: list[str]) -> Study:
    """The template with the changes, and what follows from the run where neither says it."""
    table = _template(template)
    for name, value in changes.items():
        if value is not None:
            _set(table, name, list(value) if isinstance(value, tuple) else value)
    table.setdefault("protocol", "acr-naturalness")
    protocol = get_protocol(table["protocol"])
    table.setdefault("title", TITLES.get(protocol.name, TITLE))
    table.setdefault("languages", list(LANGUAGES))
    if run is None:
        table.setdefault("systems", folders)
        table.setdefault("source", {"folders": list(folders)})
    else:
        table.setdefault("systems", [name for name in run.systems if name not in CONTROLS] or run.systems)
        table.setdefault("source", {"run": str(run.path.resolve())})
        if unknown := [name for name in table["systems"] if name not in run.systems]:
            raise StudyError(f"{run.path}: has no system {unknown[0]!r}; it has {', '.join(run.systems)}")
    study = Study.from_table(table, str(template) if template else "the study")
    protocol.conditions(study.systems, study)  # raises where the protocol cannot compare these
    low, high = protocol.value_range
    if study.analysis.margin is not None and study.analysis.margin >= high - low:
        raise StudyError(
            f"analysis.margin = {study.analysis.margin:g} is as wide as the scale, {low:g} to {high:g}; give a difference that "
            "does not matter to anybody"
        )
    return study


def _template(path: Path | None) -> dict[str, Any]:
    if path is None:
        return {}
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise StudyError(f"{path}: not readable as a study file ({error}); mend it or leave --study out") from None


def _set(table: dict[str, Any], name: str, value: Any) -> None:
    *parents, last = name.split(".")
    for parent in parents:
        table = table.setdefault(parent, {})
    table[last] = value
