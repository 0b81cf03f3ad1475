"""Take audio made anywhere into a run: from there on it is scored, reported and gated like any other."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from harness.corpus import Utterance
from harness.failures import Failure
from harness.scored_run import Kept
from harness.storage import key_of
from harness.systems import REFERENCE
from streamflow.audio import SAMPLE_RATE

from .errors import RenderedError
from .intake import Intake, Lost, Taken
from .manifest import Entry, load_manifest
from .matching import Matches, match, names
from .reading import identity, policy
from .seams import check_period

if TYPE_CHECKING:
    from rich.progress import Progress

    from harness.run import RunFolder

STAGE = "load"
MISSING = "no such file"


@dataclass(frozen=True)
class Imported:
    """What came of the folders.

    Attributes:
        utterances: the corpus: all that the reference (and the manifest) has, in the manifest's order or that of names,
            compared or not. ``path`` is the file as given.
        renderings: by system, utterance id and seed (always 0), as :class:`harness.scored_run.ScoredRun` takes them; of
            the utterances compared only. Their records hold ``{"seam_sample": n}`` for each seam that is known, and no
            latency.
        failures: a row for each file that is missing or cannot be used, and the system that it costs.
        notes: what was ignored or is worth knowing, a line each.
        reference_sha256: of each recording's file, by utterance id: what makes two runs' corpora the same.
        inputs_sha256: one digest a folder, over names and contents of the files compared.
        matched_by: "stem" or "path".
        read: files read now.
        kept: files that had not changed since the last import.
    """

    utterances: list[Utterance]
    renderings: dict[tuple[str, str, int], Kept]
    failures: list[Failure]
    notes: list[str]
    reference_sha256: dict[str, str]
    inputs_sha256: dict[str, str]
    matched_by: str
    read: int
    kept: int

    @property
    def compared(self) -> list[str]:
        """The ids of the utterances that have renderings here: unless asked otherwise, those that every system has."""
        there = {utterance for _, utterance, _ in self.renderings}
        return [utterance.utterance_id for utterance in self.utterances if utterance.utterance_id in there]


def import_rendered(
    reference: Path,
    systems: Mapping[str, Path],
    folder: RunFolder,
    *,
    manifest: Path | None = None,
    loudness: float | None = None,
    seam_periods: Mapping[str, float] | None = None,
    common: bool = True,
    split: str | None = None,
    limit: int | None = None,
    progress: Progress | None = None,
    jobs: int | None = None,
) -> Imported:
    """Read the folders' files into a run, or those that changed since the last time.

    Files belong together by stem (or by relative path where the reference has a stem in several folders); nothing but
    the reference's names decides. Comparison is on the common set: the renderings of an utterance that one system lacks
    are left out for all and the lack is a failure, so that no system is flattered by what it did not render.

    A file whose size and times (mtime and ctime) are those of the last import is not opened; one whose content is the
    same is not decoded. No audio is held beyond the files being read.

    Args:
        reference: folder of the recordings.
        systems: folder of the renderings by system name.
        folder: of the run; locked by the caller.
        manifest: CSV with speakers, texts and splits, see :func:`harness.rendered.manifest.load_manifest`. Without one
            every utterance counts as a speaker of its own.
        loudness: LUFS that all files are brought to, the reference included; None keeps the levels.
        seam_periods: by system, seconds from seam to seam, where no ``NAME.seams.json`` lies beside the file.
        common: compare only what all have.
        split: only the manifest's rows of this split.
        limit: only the first so many utterances.
        progress: gets a bar.
        jobs: files read at a time; None for one a core, at most 4.

    Raises:
        RenderedError: names, folders or manifest cannot be used, or nothing is left to compare.
        DiskFullError: the run cannot be written.
        KeyboardInterrupt: what was read is kept.
    """
    periods = _checked_periods(seam_periods or {}, systems)
    entries = _of_split(manifest, split)
    matches = match(Path(reference), systems, entries=entries, run=folder.path).first(limit)
    chosen = matches.common if common else matches.entries
    if not chosen:
        raise RenderedError(f"no recording is there for all of {', '.join(systems)}; compare fewer systems")
    intake = Intake(folder, loudness, periods)
    taken, lost = intake.take_all(_files(matches, chosen), progress, jobs)
    for entry in matches.entries:
        for name in systems:
            if (name, entry.utterance_id) not in taken:  # of a file that was there once
                folder.forget_rendering(name, entry.utterance_id)
    return _imported(matches, chosen, taken, lost, folder, common=common, without_speakers=manifest is None)


def description(
    reference: Path,
    systems: Mapping[str, Path],
    imported: Imported,
    *,
    manifest: Path | None = None,
    loudness: float | None = None,
    seam_periods: Mapping[str, float] | None = None,
) -> dict[str, Any]:
    """The ``[rendered]`` table of ``run.toml``: folders, policy and what was in them; strings, numbers and mappings."""
    return {
        "reference": str(reference),
        "manifest": str(manifest) if manifest else None,
        "matched_by": imported.matched_by,
        "policy": policy(loudness),
        "reading": identity(),
        "loudness": loudness,
        "utterances": len(imported.utterances),
        "compared": len(imported.compared),
        "systems": {name: str(path) for name, path in systems.items()},
        "seam_periods_s": dict(seam_periods or {}),
        "sha256": dict(imported.inputs_sha256),
    }


def _checked_periods(periods: Mapping[str, float], systems: Mapping[str, Path]) -> dict[str, float]:
    for name in periods:
        if name not in systems:
            raise RenderedError(f"seam period of {name!r}: no such system; there are {', '.join(systems)}")
    return {name: check_period(name, period) for name, period in periods.items()}


def _of_split(manifest: Path | None, split: str | None) -> list[Entry] | None:
    entries = load_manifest(Path(manifest)) if manifest else None
    if split is None:
        return entries
    chosen = [entry for entry in entries or [] if entry.split == split]
    if not chosen:
        there = sorted({entry.split for entry in entries or []} - {""})
        raise RenderedError(f"split {split!r}: not in the manifest; there are {', '.join(there) or 'none'}")
    return chosen


def _files(matches: Matches, chosen: list[Entry]) -> list[tuple[str, Entry, Any]]:
    """System, utterance and file, utterance by utterance: every recording, and the renderings of those chosen."""
    wanted = {entry.stem for entry in chosen}
    return [
        (name, entry, found[entry.stem])
        for entry in matches.entries
        for name, found in ((REFERENCE, matches.reference), *matches.systems.items())
        if entry.stem in found and (name == REFERENCE or entry.stem in wanted)
    ]


def _imported(
    matches: Matches,
    chosen: list[Entry],
    taken: dict[tuple[str, str], Taken],
    lost: list[Lost],
    folder: RunFolder,
    *,
    common: bool,
    without_speakers: bool,
) -> Imported:
    systems = list(matches.systems)
    left = [entry for entry in chosen if _whole(entry, systems, taken, common)]
    if not left:
        first = f"; the first: {lost[0].error}" if lost else ""
        raise RenderedError(f"nothing can be compared: no recording could be read with all its renderings{first}")
    ids = {entry.utterance_id for entry in left}
    good = {pair: one for pair, one in taken.items() if pair[0] == REFERENCE or pair[1] in ids}
    notes = [*matches.notes, *_about_numbers(matches, left, common), *_about_files(good)]
    if without_speakers or all(entry.speaker_id == entry.utterance_id for entry in left):
        notes.append(
            "speakers unknown (no speaker_id in a manifest): each utterance counts as one; intervals are over utterances"
        )
    return Imported(
        utterances=[_utterance(entry, matches) for entry in matches.entries],
        renderings={
            (name, utterance, 0): _kept(folder, name, utterance, one)
            for (name, utterance), one in good.items()
            if name != REFERENCE
        },
        failures=_failures(matches, systems, lost),
        notes=notes,
        reference_sha256={utterance: one.source_sha256 for (name, utterance), one in good.items() if name == REFERENCE},
        inputs_sha256={name: _digest(name, good) for name in (REFERENCE, *systems)},
        matched_by=matches.by,
        read=sum(one.fresh for one in taken.values()),
        kept=sum(not one.fresh for one in taken.values()),
    )


def _kept(folder: RunFolder, system: str, utterance: str, one: Taken) -> Kept:
    return Kept(
        system=system,
        utterance=utterance,
        seed=0,
        audio=folder.audio(system, utterance),
        record=folder.rendering_record(system, utterance),
        audio_sha256=one.audio_sha256,
        seams=one.seams,
    )


def _whole(entry: Entry, systems: list[str], taken: Mapping[tuple[str, str], Taken], common: bool) -> bool:
    there = [(name, entry.utterance_id) in taken for name in systems]
    return (REFERENCE, entry.utterance_id) in taken and (all(there) if common else any(there))


def _utterance(entry: Entry, matches: Matches) -> Utterance:
    path = matches.reference[entry.stem].path
    return Utterance(entry.utterance_id, entry.speaker_id, path, entry.text, entry.split)


def _failures(matches: Matches, systems: list[str], lost: list[Lost]) -> list[Failure]:
    """Missing files and those that could not be used; a bad reference costs every system."""
    ids = {entry.stem: entry.utterance_id for entry in matches.entries}
    rows = [
        Failure(name, ids[stem], STAGE, f"{stem}: {MISSING} among the renderings; add it or compare without")
        for name, stems in matches.missing.items()
        for stem in stems
    ]
    for one in lost:
        costs = systems if one.system == REFERENCE else [one.system]
        rows += [Failure(name, one.utterance, STAGE, one.error) for name in costs]
    return rows


def _about_numbers(matches: Matches, left: list[Entry], common: bool) -> list[str]:
    notes = [f"{name}: missing: {len(stems)} ({names(stems)})" for name, stems in matches.missing.items() if stems]
    if common and len(left) < len(matches.entries):
        notes.append(f"compared on the {len(left)} of {len(matches.entries)} utterances that all have")
    if matches.by == "path":
        notes.append("matched by folder and name: the reference has a name in several folders")
    return notes


def _about_files(good: Mapping[tuple[str, str], Taken]) -> list[str]:
    """What the files were, where it bears on the scores: rates below 16 kHz, other formats than its own, clipping."""
    notes = []
    for system in dict.fromkeys(name for name, _ in good):
        mine = [one for (name, _), one in good.items() if name == system]
        rates = Counter(one.rate for one in mine)
        if low := [rate for rate in rates if rate < SAMPLE_RATE]:
            listed = ", ".join(f"{rates[rate]} at {rate} Hz" for rate in sorted(low))
            notes.append(f"{system}: files of less than {SAMPLE_RATE} Hz, whose upper band is empty: {listed}")
        if len(rates) > 1:
            listed = ", ".join(f"{count} at {rate} Hz" for rate, count in sorted(rates.items()))
            notes.append(f"{system}: files of several sample rates: {listed}")
        if several := sum(one.channels > 1 for one in mine):
            notes.append(f"{system}: files of several channels, averaged: {several}")
        if clipped := [one.clipped for one in mine if one.clipped]:
            notes.append(f"{system}: files beyond full scale, clipped: {len(clipped)} ({sum(clipped)} samples)")
    return notes


def _digest(system: str, good: Mapping[tuple[str, str], Taken]) -> str:
    return key_of({utterance: one.source_sha256 for (name, utterance), one in good.items() if name == system})
