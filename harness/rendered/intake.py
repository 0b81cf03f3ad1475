"""Files into a run, one by one, several at a time: what has not changed is left alone."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, Any

from harness.failures import one_line, raise_if_disk_full
from harness.jobs.progress import tell
from harness.run import RunFolder
from harness.storage import key_of, read_json, sha256_of_file, write_json
from harness.systems import REFERENCE
from streamflow.errors import AudioError

from .listing import AudioFile
from .manifest import Entry
from .reading import identity, read
from .seams import periodic_seams, read_sidecar, within

if TYPE_CHECKING:
    from rich.progress import Progress

MOST_JOBS = 4
SETTLED_NS = 2_000_000_000  # a file written this shortly before it was read may change again within a tick of its clock

File = tuple[str, Entry, AudioFile]


@dataclass(frozen=True, slots=True)
class Taken:
    """A file that is in the run.

    Attributes:
        seams: samples at 16 kHz.
        audio_sha256: of the FLAC file in the run.
        source_sha256: of the file as given.
        rate, channels, clipped: as :class:`harness.rendered.reading.Reading` says.
        fresh: whether it was read now.
    """

    seams: tuple[int, ...]
    audio_sha256: str
    source_sha256: str
    rate: int
    channels: int
    clipped: int
    fresh: bool


@dataclass(frozen=True, slots=True)
class Lost:
    """A file that could not be used, and why in one line."""

    system: str
    utterance: str
    error: str


@dataclass(frozen=True)
class Intake:
    """How files come into a run.

    Attributes:
        folder: of the run.
        loudness: LUFS, or None.
        periods: seconds from seam to seam, by system.
    """

    folder: RunFolder
    loudness: float | None
    periods: Mapping[str, float]

    def take_all(
        self, files: Sequence[File], progress: Progress | None = None, jobs: int | None = None
    ) -> tuple[dict[tuple[str, str], Taken], list[Lost]]:
        """Take every file, in threads: libsndfile, soxr and hashing let go of the interpreter.

        Returns:
            What was taken by system and utterance id, and what was lost, both in the order given.
        """
        bar = progress.add_task("read", total=len(files)) if progress else None
        found: dict[tuple[str, str], Taken | Lost] = {}
        for (system, entry, _), result in self._each(files, jobs or min(MOST_JOBS, os.cpu_count() or 1)):
            found[system, entry.utterance_id] = result
            if progress:
                progress.update(bar, advance=1)
                progress.refresh()
                tell("read", progress.tasks[bar].completed, len(files))
        ordered = [(system, entry.utterance_id) for system, entry, _ in files]
        taken = {pair: one for pair in ordered if isinstance(one := found[pair], Taken)}
        return taken, [one for pair in ordered if isinstance(one := found[pair], Lost)]

    def _each(self, files: Sequence[File], jobs: int) -> Iterator[tuple[File, Taken | Lost]]:
        """Results as they come; a few more files are waiting than are being read, not all of them."""
        pool, left = ThreadPoolExecutor(jobs), iter(files)
        running: dict[Future[Taken | Lost], File] = {}
        try:
            while True:
                running |= {pool.submit(self.take, *file): file for file in islice(left, 2 * jobs - len(running))}
                if not running:
                    return
                for future in wait(running, return_when=FIRST_COMPLETED).done:
                    yield running.pop(future), future.result()
        finally:
            pool.shutdown(wait=True, cancel_futures=True)

    def take(self, system: str, entry: Entry, file: AudioFile) -> Taken | Lost:
        """One file, unless it is there; a rendering that was there and no longer can be had is removed.

        Raises:
            DiskFullError: the run cannot be written.
        """
        try:
            return self._take(system, entry.utterance_id, file)
        except Exception as error:
            raise_if_disk_full(error)
            self.folder.forget_rendering(system, entry.utterance_id)
            return Lost(system, entry.utterance_id, one_line(error))

    def _take(self, system: str, utterance: str, file: AudioFile) -> Taken:
        started = time.time_ns()
        before = read_json(self.folder.rendering_record(system, utterance))
        source = before.get("source", {}) if isinstance(before, dict) else {}
        listed = read_sidecar(file.seams) if file.seams and system != REFERENCE else None
        unchanged = source.get("stat") == list(file.stat) and source.get("path") == str(file.path)
        digest = source.get("sha256") if unchanged else sha256_of_file(file.path)
        if digest is None:
            raise AudioError(f"{file.path}: cannot be opened; check that it is still there and its permissions")
        key = self._key(system, digest, listed)
        record = self.folder.rendering(system, utterance, key)
        fresh = record is None
        if record is None:
            record = self._write(system, utterance, file, {"key": key, "seed": 0, "source": {"sha256": digest}}, listed)
        settled = max(file.stat[1:]) < started - SETTLED_NS
        stat = list(file.stat) if settled else None
        if (record["source"].get("stat"), record["source"].get("path")) != (stat, str(file.path)):
            record = {**record, "source": {**record["source"], "stat": stat, "path": str(file.path)}}
            write_json(self.folder.rendering_record(system, utterance), record)
        return _taken(record, fresh)

    def _key(self, system: str, digest: str, listed: list[int] | None) -> str:
        """The hash of all that the audio and seams in the run depend on."""
        period = None if listed is not None or system == REFERENCE else self.periods.get(system)
        return key_of([identity(), self.loudness, digest, listed, period])

    def _write(
        self, system: str, utterance: str, file: AudioFile, record: dict[str, Any], listed: list[int] | None
    ) -> dict[str, Any]:
        """Read the file by the policy and write it with its record."""
        reading = read(file.path, self.loudness)
        length, seams = len(reading.samples), []
        if listed is not None:
            seams = within(file.seams, listed, length)
        elif system != REFERENCE and system in self.periods:
            seams = periodic_seams(self.periods[system], length)
        if sha256_of_file(file.path) != record["source"]["sha256"]:
            raise AudioError(f"{file.path}: changed while it was read; wait until it is finished, then start again")
        record |= {
            "trace": [{"seam_sample": seam} for seam in seams],
            "latency": None,
            "file": {
                "rate": reading.rate, "channels": reading.channels, "kind": reading.kind, "clipped": reading.clipped,
            },
        }  # fmt: skip
        return self.folder.write_rendering(system, utterance, reading.samples, record)


def _taken(record: Mapping[str, Any], fresh: bool) -> Taken:
    file = record["file"]
    return Taken(
        seams=tuple(chunk["seam_sample"] for chunk in record["trace"]),
        audio_sha256=record["audio_sha256"],
        source_sha256=record["source"]["sha256"],
        rate=file["rate"],
        channels=file["channels"],
        clipped=file["clipped"],
        fresh=fresh,
    )
