"""Baselines: runs that were promoted by a command, kept whole and checked whenever they are used."""

from __future__ import annotations

import getpass
import json
import os
import re
import shutil
import socket
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from harness import toml
from harness.provenance import git_state
from harness.run import COLUMNS, Run
from harness.storage import key_of, locked, sha256_of_file, write_bytes
from streamflow.errors import StreamflowError

from .refusal import few
from .system_pairs import decoders

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._+-]{0,99}")
HASH_LENGTH = 12
KEPT = ("provenance.json", "utterances.json", *(f"{name}.parquet" for name in COLUMNS))


class BaselineError(StreamflowError):
    """A baseline that cannot be promoted or used."""


@dataclass(frozen=True, slots=True)
class Baseline:
    """A promoted run.

    Attributes:
        name: such as ``main``.
        path: its folder, a run.
        sha256: of all that is in it.
        anchor: the folder of the first run promoted since the anchor was last renewed; may be ``path`` itself.
    """

    name: str
    path: Path
    sha256: str
    anchor: Path


def promote(
    run: str | Path,
    name: str = "main",
    store: str | Path = "baselines",
    *,
    new_anchor: bool = False,
    with_failures: bool = False,
    note: str = "",
) -> Baseline:
    """Copy what a gate needs of a run, audio included, into the store, and make it the baseline ``name``.

    The copy lies at ``STORE/NAME/HASH`` and ``STORE/NAME/history.jsonl`` gets one line; nothing that was promoted before
    is touched. Promoting the same run again only adds the line.

    Raises:
        BaselineError: an unusable name, a run with failures or without scores, or a store that was changed by hand.
        RunError: not a run.
    """
    if not NAME.fullmatch(name):
        raise BaselineError(f"baseline name {name!r}: use letters, digits, '-', '_', '.', '+'")
    source = Run(run)
    _check(source, with_failures)
    folder = Path(store) / name
    with locked(folder):
        history = _history(folder)
        new = folder / ".new"
        shutil.rmtree(new, ignore_errors=True)
        try:
            _copy(source, new, folder)
            digest = content_sha256(new)
            path = folder / digest[:HASH_LENGTH]
            if not path.exists():
                os.replace(new, path)
            _verified(path, digest)
        finally:
            shutil.rmtree(new, ignore_errors=True)
        first = new_anchor or not history
        line = {
            "sha256": digest,
            "anchor": digest if first else history[-1]["anchor"],
            **_circumstances(source),
            "note": note,
        }
        text = "".join(f"{json.dumps(entry, ensure_ascii=False)}\n" for entry in [*history, line])
        write_bytes(folder / "history.jsonl", text.encode())
    return find(name, store)


def find(name: str, store: str | Path = "baselines") -> Baseline:
    """The baseline of a name, every file of it checked against the hash it was promoted with.

    Raises:
        BaselineError: none of that name, or one that was changed since.
    """
    folder = Path(store) / name
    history = _history(folder)
    if not history:
        known = sorted(path.parent.name for path in Path(store).glob("*/history.jsonl"))
        there = f"; there are {', '.join(known)}" if known else ""
        raise BaselineError(
            f"{folder}: no baseline of that name{there}; promote one with `streamflow baseline promote RUN --name {name}`"
        )
    last = history[-1]
    paths = {key: folder / str(last[key])[:HASH_LENGTH] for key in ("sha256", "anchor")}
    for key, path in paths.items():
        _verified(path, str(last[key]))
    return Baseline(name, paths["sha256"], str(last["sha256"]), paths["anchor"])


def history(name: str, store: str | Path = "baselines") -> list[dict[str, Any]]:
    """Every promotion of a name, the first one first."""
    return _history(Path(store) / name)


def content_sha256(folder: Path) -> str:
    """Hex digest over every file's path and content."""
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return key_of([[path.relative_to(folder).as_posix(), sha256_of_file(path)] for path in files])


def _verified(path: Path, digest: str) -> None:
    if not path.is_dir():
        raise BaselineError(f"{path}: a promoted run is not there any more; restore it, or promote another one")
    if content_sha256(path) != digest:
        raise BaselineError(f"{path}: changed since it was promoted; restore it, or promote the run again")


def _check(run: Run, with_failures: bool) -> None:
    """Refuse what would make every later gate say less than it seems to."""
    if not decoders(run):
        raise BaselineError(f"{run.path}: no decoder in it, only recordings and ceilings")
    failures = run.failures()
    if len(failures) and not with_failures:
        names = few(list(dict.fromkeys(failures["utterance"])))
        raise BaselineError(
            f"{run.path}: {len(failures)} failures ({names}); mend them and run again, or promote with --with-failures"
        )
    if run.scores()["value"].notna().sum() == 0:
        raise BaselineError(f"{run.path}: no scores in it; give its command again with metrics")


def _copy(run: Run, new: Path, folder: Path) -> None:
    for name in KEPT:
        if (run.path / name).is_file():
            new.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(run.path / name, new / name)
    write_bytes(new / "run.toml", _portable(run, folder).encode())
    for source in _audio(run):
        target = new / source.relative_to(run.path)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(source, target)


def _audio(run: Run) -> Iterator[Path]:
    """Recordings and renderings, of this run's systems and utterances only."""
    names = [str(utterance["utterance_id"]) for utterance in run.utterances]
    for name in names:
        for path in (
            run.reference_path(name),
            *(run.audio_path(s, name, seed) for s in run.systems for seed in run.seeds),
        ):
            if path.is_file():
                yield path


def _portable(run: Run, folder: Path) -> str:
    """``run.toml`` with its corpus relative to the copy where both lie in one checkout, so that it works in another."""
    table = dict(run.experiment)
    corpus = table.get("corpus")
    if isinstance(corpus, str):
        manifest = (run.path / corpus).resolve()
        checkout = _checkout(folder.resolve())
        table["corpus"] = str(manifest)
        if checkout is not None and manifest.is_relative_to(checkout):
            table["corpus"] = os.path.relpath(manifest, folder.resolve() / ("0" * HASH_LENGTH))
    return toml.dumps(table)


def _checkout(path: Path) -> Path | None:
    return next((folder for folder in (path, *path.parents) if (folder / ".git").exists()), None)


def _history(folder: Path) -> list[dict[str, Any]]:
    path = folder / "history.jsonl"
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
        return [json.loads(line) for line in lines if line.strip()]
    except FileNotFoundError:
        return []
    except (OSError, ValueError) as error:
        raise BaselineError(f"{path}: not readable ({error}); restore it") from None


def _circumstances(run: Run) -> dict[str, Any]:
    who = "unknown"
    with suppress(KeyError, OSError):
        who = getpass.getuser()
    return {
        "promoted": datetime.now(UTC).isoformat(timespec="seconds"),
        "by": f"{who}@{socket.gethostname()}",
        "run": str(run.path),
        "git": git_state(),
        "checkpoint": run.provenance.get("checkpoint"),
        "seeds": list(run.seeds),
        "utterances": len(run.utterances),
    }
