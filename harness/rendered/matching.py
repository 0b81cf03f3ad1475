"""Which files belong together: the reference's names decide what an utterance is called."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from harness.corpus import usable_as_file_name
from harness.systems import REFERENCE

from .errors import RenderedError
from .listing import AudioFile, Listing, list_folder
from .manifest import Entry
from .naming import utterance_id

NAMED = 5  # names in a note; the count says how many there are

By = Literal["stem", "path"]


@dataclass(frozen=True)
class Matches:
    """Files by utterance.

    Attributes:
        by: "stem", or "path" (without suffix) where the reference has a stem in several folders.
        entries: the utterances, in the manifest's order, or else in the order of names.
        reference: file by stem.
        systems: by name, file by stem.
        missing: by name, the stems that a system lacks.
        notes: what was ignored, a line each.
    """

    by: By
    entries: list[Entry]
    reference: dict[str, AudioFile]
    systems: dict[str, dict[str, AudioFile]]
    missing: dict[str, list[str]]
    notes: list[str]

    @property
    def common(self) -> list[Entry]:
        """The utterances of which every system has a file."""
        return [entry for entry in self.entries if all(entry.stem in files for files in self.systems.values())]

    def first(self, count: int | None) -> Matches:
        """Only the first so many utterances: of the others nothing is missing, as they were not asked for."""
        entries = self.entries[:count]
        stems = {entry.stem for entry in entries}
        missing = {name: [stem for stem in lacking if stem in stems] for name, lacking in self.missing.items()}
        return replace(self, entries=entries, missing=missing)


def match(
    reference: Path, systems: Mapping[str, Path], *, entries: Sequence[Entry] | None = None, run: Path | None = None
) -> Matches:
    """Match the files of the systems' folders with the reference's, by stem.

    Where the reference has one stem in several folders (``speaker1/001.wav``, ``speaker2/001.wav``), all are matched by
    relative path without suffix instead. Folders given that lie within one another, and the run, are not entered twice.

    Args:
        reference: folder of the recordings.
        systems: folder of the renderings by name.
        entries: of the manifest; only these are compared. None for every file of the reference.
        run: where the result goes, in case it lies within one of the folders.

    Raises:
        RenderedError: a name or folder cannot be used, a stem is there twice, or a system has no file in common with
            the reference.
    """
    _check_names(systems)
    folders = {REFERENCE: reference, **systems}
    given = {Path(folder).resolve() for folder in [*folders.values(), *([run] if run else [])]}
    listings = {name: list_folder(Path(f), leave_out=given - {Path(f).resolve()}) for name, f in folders.items()}
    by: By = "path" if _repeats_in_folders(listings[REFERENCE], entries) else "stem"
    notes = [note for name, listing in listings.items() for note in _ignored(name, listing)]
    known = _by_key(REFERENCE, listings.pop(REFERENCE), by, entries and {entry.stem for entry in entries})
    if not known:
        raise RenderedError(f"{reference}: no audio files; give the folder of the reference recordings")
    files = {name: _by_key(name, listing, by, set(known)) for name, listing in listings.items()}
    if entries is None:
        entries = [Entry(stem, utterance_id(stem), utterance_id(stem)) for stem in sorted(known)]
    notes += _beyond(entries, known, files)
    entries = [entry for entry in entries if entry.stem in known]
    missing = {name: [e.stem for e in entries if e.stem not in found] for name, found in files.items()}
    _check_some_in_common(entries, known, files, folders)
    return Matches(by, entries, known, files, missing, notes)


def names(values: Sequence[str]) -> str:
    """The first few of many names."""
    shown = ", ".join(values[:NAMED])
    return shown if len(values) <= NAMED else f"{shown} and {len(values) - NAMED} more"


def _check_names(systems: Mapping[str, Path]) -> None:
    if not systems:
        raise RenderedError("no systems; give at least one as --system NAME=FOLDER")
    for name in systems:
        if name == REFERENCE:
            raise RenderedError(f"system {name!r}: the name of the recordings themselves; give another")
        if not usable_as_file_name(name):
            raise RenderedError(f"system {name!r}: cannot name a folder; use letters, digits, '-', '_', '.'")


def _repeats_in_folders(listing: Listing, entries: Sequence[Entry] | None) -> bool:
    """Whether the reference, or the manifest, needs folders to tell its files apart."""
    if entries is not None:
        return any("/" in entry.stem for entry in entries)
    folders: dict[str, str] = {}
    return any(folders.setdefault(f.stem, f.relative) != f.relative for f in listing.audio)


def _by_key(name: str, listing: Listing, by: By, wanted: set[str] | None) -> dict[str, AudioFile]:
    """Files by stem or path; of what is wanted (None: all) there may be one only."""
    found: dict[str, AudioFile] = {}
    for file in listing.audio:
        key = file.relative if by == "path" else file.stem
        if key in found and (wanted is None or key in wanted):
            pair = " and ".join(str(f.path.relative_to(listing.folder)) for f in (found[key], file))
            raise RenderedError(f"{name}: {key!r} is there twice in {listing.folder}: {pair}; rename one")
        found[key] = file
    return found


def _ignored(name: str, listing: Listing) -> list[str]:
    """What of a folder was left out of account, by kind."""
    kinds = (
        ("hidden", listing.hidden),
        ("not audio", listing.foreign),
        ("links to nothing or not regular files", listing.broken),
    )
    return [f"{name}: ignored, {kind}: {len(found)} ({names(found)})" for kind, found in kinds if found]


def _beyond(
    entries: Sequence[Entry], known: Mapping[str, AudioFile], files: Mapping[str, Mapping[str, AudioFile]]
) -> list[str]:
    """What some have and others do not, except what a system lacks: that is a failure of the system's."""
    wanted = {entry.stem for entry in entries}
    notes = []
    if unlisted := sorted(set(known) - wanted):
        notes.append(f"{REFERENCE}: not in the manifest: {len(unlisted)} ({names(unlisted)})")
    if without := [stem for stem in wanted if stem not in known]:
        notes.append(f"{REFERENCE}: in the manifest without a recording: {len(without)} ({names(sorted(without))})")
    for name, found in files.items():
        if extra := sorted(set(found) - set(known)):
            notes.append(f"{name}: without a reference: {len(extra)} ({names(extra)})")
    return notes


def _check_some_in_common(
    entries: Sequence[Entry],
    known: Mapping[str, AudioFile],
    files: Mapping[str, Mapping[str, AudioFile]],
    folders: Mapping[str, Path],
) -> None:
    if not entries:
        raise RenderedError(
            f"{folders[REFERENCE]}: none of its files is in the manifest (such as {next(iter(known))!r}); the column "
            "stem holds file names without suffix"
        )
    wanted = {entry.stem for entry in entries}
    for name, found in files.items():
        if not found:
            raise RenderedError(f"{name}: no audio files in {folders[name]}; check the folder")
        if not wanted & set(found):
            raise RenderedError(
                f"{name}: no file in {folders[name]} is called like one of the reference's: there is "
                f"{min(found)!r}, expected is such as {entries[0].stem!r}"
            )
