"""From what a reader lists to a manifest: recordings checked and unpacked, what is left out told at the end."""

from __future__ import annotations

import csv
import os
import tarfile
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import soundfile

from streamflow.audio import MAX_S, MIN_S, SILENCE

from ..corpus import CorpusError, usable_as_file_name
from . import reader_of
from .item import Item, Left

COLUMNS = ("utterance_id", "speaker_id", "path", "duration_s", "text", "corpus", "split")
READING = 16  # recordings that are checked at a time for each thread, so that a corpus is never listed in memory twice


@dataclass
class Imported:
    """What an import did.

    Attributes:
        manifest: the file written.
        recordings, seconds: of all that is in it.
        splits: recordings of each split.
        left: what is not in it, and why.
    """

    manifest: Path
    recordings: int = 0
    seconds: float = 0.0
    splits: Counter = field(default_factory=Counter)
    left: list[Left] = field(default_factory=list)


def import_corpus(
    layout: str,
    folder: Path,
    out: Path,
    *,
    splits: Iterable[str] = (),
    headers_only: bool = False,
    threads: int = 4,
    tell: Callable[[int], None] = lambda done: None,
) -> Imported:
    """Write a manifest of the recordings of ``folder``, whole or not at all.

    Args:
        layout: name of a reader.
        folder: the unpacked corpus.
        out: the manifest; paths in it are relative to its folder.
        splits: keep these only; all where empty.
        headers_only: trust the files' headers rather than read every sample.
        tell: called with the number of recordings looked at so far.

    Raises:
        CorpusError: an unknown layout, a folder that is not of it, a split that it does not have, nothing that can be
            used. A recording that cannot be used is left out.
    """
    reader = reader_of(layout)
    if not folder.is_dir():
        raise CorpusError(f"{folder}: no such folder; give the unpacked corpus")
    done, seen, wanted, known = Imported(out), set(), set(splits), set()
    out.parent.mkdir(parents=True, exist_ok=True)
    partial = out.with_name(f".{out.name}.partial")
    try:
        with partial.open("w", encoding="utf-8", newline="") as file, ThreadPoolExecutor(threads) as pool:
            writer = csv.writer(file)
            writer.writerow(COLUMNS)
            found = _of_splits(_usable(reader(folder), seen, done.left), wanted, known)
            for number, (item, seconds) in enumerate(_checked(found, pool, threads, headers_only), 1):
                tell(number)
                if isinstance(seconds, str):
                    done.left.append(Left(item.path, seconds))
                    continue
                path = Path(os.path.relpath(item.path, out.parent)).as_posix()
                writer.writerow(
                    [item.utterance_id, item.speaker_id, path, f"{seconds:.3f}", item.text, item.corpus, item.split]
                )
                done.recordings += 1
                done.seconds += seconds
                done.splits[item.split] += 1
        if missing := wanted - known:
            raise CorpusError(
                f"{folder}: no split {', '.join(sorted(missing))}; there are {', '.join(sorted(known)) or 'none'}"
            )
        if not done.recordings:
            why = f", such as {done.left[0].path}: {done.left[0].why}" if done.left else ""
            raise CorpusError(f"{folder}: no recording of layout {layout} that can be used{why}")
        os.replace(partial, out)
    finally:
        partial.unlink(missing_ok=True)
    return done


def _usable(items: Iterable[Item | Left], seen: set[str], left: list[Left]) -> Iterator[Item]:
    """Items whose id can stand in a manifest, each once."""
    for item in items:
        if isinstance(item, Left):
            left.append(item)
        elif not usable_as_file_name(item.utterance_id):
            left.append(Left(item.path, f"its id {item.utterance_id!r} cannot name a file"))
        elif item.utterance_id in seen:
            left.append(Left(item.path, f"its id {item.utterance_id} is another recording's"))
        else:
            seen.add(item.utterance_id)
            yield item


def _of_splits(items: Iterable[Item], wanted: set[str], known: set[str]) -> Iterator[Item]:
    for item in items:
        known.add(item.split)
        if not wanted or item.split in wanted:
            yield item


def _checked(
    items: Iterator[Item], pool: ThreadPoolExecutor, threads: int, headers_only: bool
) -> Iterator[tuple[Item, float | str]]:
    """Each item with its length in seconds, or why it cannot be used, in order."""
    while batch := [item for _, item in zip(range(READING * threads), items, strict=False)]:
        lost = _unpack(batch)
        found = pool.map(lambda item: _check(item.path, headers_only), batch)
        for item, seconds in zip(batch, found, strict=True):
            yield item, lost.get(item.path, seconds)


def _unpack(items: list[Item]) -> dict[Path, str]:
    """Put those that lie in shards beside them, unless they are there; what could not be unpacked and why."""
    lost: dict[Path, str] = {}
    by_shard: dict[Path, list[Item]] = {}
    for item in items:
        if item.shard and not item.path.exists():
            by_shard.setdefault(item.shard, []).append(item)
    for shard, inside in by_shard.items():
        wanted = {item.member: item.path for item in inside}
        shard.with_suffix("").mkdir(exist_ok=True)
        try:
            with tarfile.open(shard) as tar:
                for member in tar:
                    if (target := wanted.get(member.name)) is None or not member.isfile():
                        continue
                    partial = target.with_name(f".{target.name}.partial")
                    partial.write_bytes(tar.extractfile(member).read())
                    os.replace(partial, target)
                    del wanted[member.name]
                    if not wanted:
                        break
        except (tarfile.TarError, OSError, EOFError) as error:
            lost |= dict.fromkeys(wanted.values(), f"cannot be unpacked ({error})")
    return lost


def _check(path: Path, headers_only: bool) -> float | str:
    """Length in seconds, or why the recording cannot be used."""
    if not path.is_file():
        return "no such file"
    try:
        with soundfile.SoundFile(path) as file:
            seconds = len(file) / file.samplerate
            if not MIN_S <= seconds <= MAX_S:
                return f"{seconds:.2f} s long, not {MIN_S} to {MAX_S:.0f}"
            if not headers_only:
                samples = file.read(dtype="float32", always_2d=True)
                if len(samples) < seconds * file.samplerate - 1:
                    return f"cut off: holds {len(samples) / file.samplerate:.2f} of {seconds:.2f} s"
                if not np.isfinite(samples).all() or np.abs(samples).max() < SILENCE:
                    return "silent or not finite"
    except (soundfile.LibsndfileError, OSError, RuntimeError) as error:
        reason = getattr(error, "error_string", str(error))
        return f"not readable as audio ({' '.join(str(reason).split()).rstrip('.')})"
    return seconds
