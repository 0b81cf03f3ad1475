"""Where published weights are read from: a folder, or a repository of a hub; file by file, nothing executed."""

from __future__ import annotations

import hashlib
import json
import pickle
import re
from collections.abc import Callable, Iterable
from pathlib import Path, PurePosixPath
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor

from ..errors import CheckpointError

HUB_NAME = re.compile(r"[A-Za-z0-9][\w.-]*/[\w.-]+")
Report = Callable[[str], None]


class AbsentError(CheckpointError):
    """The hub's repository has no such file; any other failure to fetch one is no answer to whether it has."""


class Source:
    """A published checkpoint. Of a hub's repository only the files that are asked for are fetched.

    Args:
        where: a folder, or OWNER/NAME of the hub.
        report: told what is being read.

    Raises:
        CheckpointError: neither a folder nor a name that a hub could know.
    """

    def __init__(self, where: str | Path, report: Report = lambda _: None):
        self.folder = Path(where)
        self.report = report
        self.hub = not self.folder.is_dir()
        if self.hub and not HUB_NAME.fullmatch(str(where)):
            raise CheckpointError(f"{where}: no such folder; give the checkpoint's folder, or OWNER/NAME of the hub")
        self.name = str(where) if self.hub else self.folder.resolve().name
        self.hashes: dict[str, str] = {}
        self.revision: str | None = None  # of the hub's repository: what its first file came with, and so does the rest

    def file(self, name: str) -> Path:
        """A file of the checkpoint, whose hash goes into :attr:`hashes`.

        Raises:
            CheckpointError: it is not there, or its name leads out of the folder.
        """
        if PurePosixPath(name).name != name or "\\" in name or name in ("", ".", ".."):
            raise CheckpointError(f"{self.name}: {name!r} is no plain file name; fetch the checkpoint again")
        path = self._fetched(name) if self.hub else self.folder / name
        if not path.is_file():
            raise CheckpointError(f"{path}: no such file; fetch every file of the checkpoint")
        if name not in self.hashes:
            self.report(f"reading {name}")
            with path.open("rb") as content:
                self.hashes[name] = hashlib.file_digest(content, "sha256").hexdigest()
        return path

    def has(self, name: str) -> bool:
        """Whether there is such a file.

        Raises:
            CheckpointError: the hub does not answer.
        """
        if not self.hub:
            return (self.folder / name).is_file()
        try:
            return self._fetched(name).is_file()
        except AbsentError:
            return False

    def _fetched(self, name: str) -> Path:
        try:
            from huggingface_hub import _CACHED_NO_EXIST, errors, hf_hub_download, try_to_load_from_cache
        except ImportError:
            raise CheckpointError(
                f"{self.name}: no such folder, and huggingface_hub is not installed to fetch it: "
                "pip install huggingface_hub, or give a folder"
            ) from None
        absent = AbsentError(f"{self.name}: has no {name}; is it the right repository?")
        if self.revision and try_to_load_from_cache(self.name, name, revision=self.revision) is _CACHED_NO_EXIST:
            raise absent  # a commit does not change: no network is needed for what was asked once
        try:
            path = Path(hf_hub_download(self.name, name, revision=self.revision))
        except errors.LocalEntryNotFoundError as error:  # not in the cache, and no network: no answer to whether it is
            raise self._unreachable(name, error) from None
        except errors.EntryNotFoundError:
            raise absent from None
        except errors.GatedRepoError:
            raise CheckpointError(
                f"{self.name}: its publisher asks for consent first; give it on the repository's page, sign in with "
                "`hf auth login`, or give a folder"
            ) from None
        except errors.RepositoryNotFoundError:
            raise CheckpointError(
                f"{self.name}: no such folder, and the hub has no such repository, or not for everybody; check the "
                "name, or sign in with `hf auth login`"
            ) from None
        except Exception as error:  # the client's own, its transport's, the operating system's
            raise self._unreachable(name, error) from None
        self.revision = path.parent.name  # the cache keeps a folder a commit
        return path

    def _unreachable(self, name: str, error: Exception) -> CheckpointError:
        return CheckpointError(
            f"{self.name}: no such folder, and {name} cannot be fetched from the hub ({type(error).__name__}); "
            "check the name and the network, or give a folder"
        )

    def json(self, name: str) -> dict[str, Any]:
        """The object in a JSON file.

        Raises:
            CheckpointError: not there, or no object.
        """
        path = self.file(name)
        try:
            value = json.loads(path.read_text(encoding="utf-8"))
        except ValueError as error:
            raise CheckpointError(f"{path}: not JSON ({type(error).__name__}); fetch the file again") from None
        if not isinstance(value, dict):
            raise CheckpointError(f"{path}: holds no object; fetch the file again")
        return value

    def shards(self, prefixes: Iterable[str]) -> dict[str, dict[str, Tensor]]:
        """Tensors whose names start with one of ``prefixes``, by prefix and by the rest of the name.

        Reads model.safetensors.index.json and only the shards that it names for them, or model.safetensors.

        Raises:
            CheckpointError: a shard that is missing, damaged, elsewhere, or without what the index says it holds.
        """
        prefixes = tuple(prefixes)
        places = self._places(prefixes)
        found: dict[str, dict[str, Tensor]] = {prefix: {} for prefix in prefixes}
        for shard in sorted(set(places.values())):
            names = [name for name, place in places.items() if place == shard]
            for name, value in safetensors_of(self.file(shard), names).items():
                prefix = next(p for p in prefixes if name.startswith(p))
                found[prefix][name.removeprefix(prefix)] = value
        for prefix, state in found.items():
            if not state:
                raise CheckpointError(f"{self.name}: no tensor is named {prefix}...; is it another model?")
        return found

    def _places(self, prefixes: tuple[str, ...]) -> dict[str, str]:
        """Name to shard."""
        index = "model.safetensors.index.json"
        if not self.has(index):
            single = self.file("model.safetensors")
            return {name: single.name for name in tensor_names(single) if name.startswith(prefixes)}
        weight_map = self.json(index).get("weight_map")
        if not isinstance(weight_map, dict) or not all(isinstance(v, str) for v in weight_map.values()):
            raise CheckpointError(f"{self.name}/{index}: has no weight_map; fetch the file again")
        return {name: shard for name, shard in weight_map.items() if name.startswith(prefixes)}

    def pickled(self, name: str) -> Any:
        """What a PyTorch file holds, if that is tensors, numbers, text and containers of these.

        Raises:
            CheckpointError: damaged, or holding anything that would have to be executed.
        """
        return unpickled(self.file(name))


def safetensors_of(path: Path, names: Iterable[str] | None = None) -> dict[str, Tensor]:
    """Tensors of a safetensors file, all or the named ones.

    Raises:
        CheckpointError: damaged, or without one of them.
    """
    try:
        with safe_open(path, "pt") as file:
            there = set(file.keys())
            wanted = sorted(there) if names is None else list(names)
            if missing := [name for name in wanted if name not in there]:
                raise CheckpointError(f"{path}: has no {missing[0]}, which the index promises; fetch the file again")
            return {name: file.get_tensor(name) for name in wanted}
    except (SafetensorError, OSError, ValueError) as error:
        raise CheckpointError(f"{path}: damaged ({_one_line(error)}); fetch the file again") from None


def tensor_names(path: Path) -> list[str]:
    """Names in a safetensors file."""
    try:
        with safe_open(path, "pt") as file:
            return list(file.keys())
    except (SafetensorError, OSError, ValueError) as error:
        raise CheckpointError(f"{path}: damaged ({_one_line(error)}); fetch the file again") from None


def unpickled(path: Path) -> Any:
    """See :meth:`Source.pickled`."""
    try:
        return torch.load(path, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError:
        raise CheckpointError(
            f"{path}: holds more than tensors (code, or a damaged file) and was not opened; fetch it from its publisher"
        ) from None
    except Exception as error:  # what a damaged archive raises is anybody's guess
        raise CheckpointError(f"{path}: damaged ({type(error).__name__}); fetch the file again") from None


def _one_line(error: BaseException) -> str:
    return " ".join(str(error).split())[:120]
