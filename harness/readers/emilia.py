"""Emilia and Emilia-YODAS: mp3 beside json, in tar shards (as on the hub), unpacked, or with jsonl lists (as first published).

A json holds id, text, speaker, duration, language, dnsmos, and wav with the mp3's path. There are no splits. Speakers
are clusters within one source recording, so one person may have several ids.
"""

from __future__ import annotations

import json
import tarfile
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

from ..corpus import CorpusError, usable_as_file_name
from .item import FORMATS, Item, Left


def read_emilia(folder: Path) -> Iterator[Item | Left]:
    """Recordings under ``folder``; those in shards are to be unpacked into ``SHARD/`` beside the shard.

    Raises:
        CorpusError: neither shards nor json files.
    """
    shards, lists = sorted(folder.rglob("*.tar")), sorted(folder.rglob("*.jsonl"))
    unpacked = {shard.with_suffix("") for shard in shards}
    loose = [p for p in sorted(folder.rglob("*.json")) if not unpacked & set(p.parents) and p.name[0] != "."]
    if not (shards or lists or loose):
        raise CorpusError(f"{folder}: no .tar, .jsonl or .json in it; give the folder of the shards")
    for shard in shards:
        yield from _of_shard(shard)
    for table in lists:
        yield from _of_list(table)
    for path in loose:
        beside = [path.with_suffix(suffix) for suffix in FORMATS if path.with_suffix(suffix).exists()]
        yield _item(path, path.read_bytes(), beside[0] if beside else path.with_suffix(".mp3"))


def _of_shard(shard: Path) -> Iterator[Item | Left]:
    """The pairs in a shard, in its order. A shard that is cut off gives what comes before the cut."""
    cards: dict[str, bytes] = {}
    audio: dict[str, str] = {}
    try:
        with tarfile.open(shard) as tar:
            for member in tar:
                path = PurePosixPath(member.name)
                if not member.isfile() or not usable_as_file_name(path.name):
                    continue  # a link or an odd name may lead out of the folder
                if path.suffix.lower() == ".json":
                    cards[str(path.with_suffix(""))] = tar.extractfile(member).read()
                elif path.suffix.lower() in FORMATS:
                    audio[str(path.with_suffix(""))] = member.name
    except (tarfile.TarError, OSError, EOFError) as error:
        yield Left(shard, f"damaged after {len(audio)} recordings ({error})")
    names: set[str] = set()
    for stem, name in audio.items():
        target = shard.with_suffix("") / PurePosixPath(name).name
        if target.name in names:
            yield Left(target, f"{name} has the name of another recording of its shard")
            continue
        names.add(target.name)
        if stem not in cards:
            yield Left(target, "no transcript")
            continue
        yield _item(target, cards[stem], target, shard, name)


def _of_list(table: Path) -> Iterator[Item | Left]:
    try:
        lines = table.read_bytes().splitlines()
    except OSError as error:
        yield Left(table, f"not readable ({error})")
        return
    for number, line in enumerate(lines, 1):
        if line.strip():
            yield _item(Path(f"{table}:{number}"), line, None, base=table.parent)


def _item(
    where: Path,
    card: bytes,
    path: Path | None,
    shard: Path | None = None,
    member: str = "",
    base: Path | None = None,
) -> Item | Left:
    try:
        fields = json.loads(card)
        name, speaker = (str(fields[key]).strip() for key in ("id", "speaker"))
        path = path or base / str(fields["wav"])
        text = " ".join((fields["text"] or "").split())
        text.encode()
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        return Left(where, f"json without id, speaker, text and wav ({type(error).__name__}: {error})")
    if not text:
        return Left(where, "no transcript")
    return Item(name, f"emilia-{speaker}", path, text, "emilia", shard=shard, member=member)
