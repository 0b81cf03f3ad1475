"""Where the model of a recogniser is and which one it is: a folder, a hub id, or pocketsphinx."""

from __future__ import annotations

import functools
import hashlib
import os
import re
from pathlib import Path

from streamflow.errors import StreamflowError

POCKETSPHINX = "pocketsphinx"
HUB_ID = re.compile(r"(?P<id>[\w.-]+(/[\w.-]+)?)(@(?P<revision>[\w./-]+))?")
UNUSED = ("*.h5", "*.msgpack", "*.onnx", "*.ot", "*.tflite", "*.gguf", "onnx/*")  # other frameworks' copies of weights
TRUE = ("1", "true", "yes", "on")


class ModelUnavailable(StreamflowError):
    """A model that the user named and that cannot be had."""


def packages(model: str) -> tuple[str, ...]:
    """The distributions whose version is part of what the model hears."""
    if not model:
        return ()
    return (POCKETSPHINX,) if model == POCKETSPHINX else ("transformers",)


def fingerprint(model: str) -> str:
    """Which model it is: the hub's id and revision, the SHA-256 of a folder's files, or that there is none."""
    if not model:
        return "no-model"
    if model == POCKETSPHINX:
        return "en-us"
    try:
        folder = locate(model)
    except (StreamflowError, ImportError, OSError):
        return f"{model}-unavailable"
    if Path(model).expanduser().is_dir():
        return f"weights-{folder_hash(folder)[:12]}"
    return f"{HUB_ID.fullmatch(model)['id']}@{folder.name[:12]}"


def locate(model: str) -> Path:
    """The folder that holds a model: as given, or as the hub's cache keeps it; fetched where it does not and may.

    Asked for in one process before others start, so that all score by one revision.

    Args:
        model: a folder, or ``OWNER/NAME`` or ``OWNER/NAME@REVISION`` on the hub.

    Raises:
        ModelUnavailable: no such folder, or neither cached nor to be fetched (``HF_HUB_OFFLINE`` is honoured).
    """
    found = _locate(model)
    if isinstance(found, ModelUnavailable):
        raise found
    return found


@functools.cache  # failures too: a hub that does not answer must not be waited for again at every rendering
def _locate(model: str) -> Path | ModelUnavailable:
    folder = Path(model).expanduser()
    if folder.is_dir():
        return folder.resolve()
    match = HUB_ID.fullmatch(model)
    neither = ModelUnavailable(f"model {model!r} is neither a folder nor a hub id such as openai/whisper-tiny.en")
    if match is None or folder.exists():
        return neither
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import LocalEntryNotFoundError

    fetch = functools.partial(snapshot_download, match["id"], revision=match["revision"], ignore_patterns=list(UNUSED))
    try:
        return Path(fetch(local_files_only=True))
    except LocalEntryNotFoundError:
        if offline():
            return ModelUnavailable(
                f"model {model!r} is not in the local hub cache and HF_HUB_OFFLINE is set; fetch it first or name a folder"
            )
    except ValueError:  # the hub's rules for ids are stricter than the pattern here
        return neither
    try:
        return Path(fetch())
    except Exception as error:  # network, rights, names: the hub's client has a dozen types for them
        why = (str(error).strip().splitlines() or [type(error).__name__])[0][:200]
        return ModelUnavailable(
            f"model {model!r} is not in the local hub cache and cannot be fetched ({why}); name a folder instead"
        )


def offline() -> bool:
    """Whether the user forbids asking the hub."""
    return any(os.environ.get(name, "").lower() in TRUE for name in ("HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE"))


@functools.cache
def folder_hash(folder: Path) -> str:
    """SHA-256 over names and contents of a folder's files, hidden ones left out: configuration and vocabulary count."""
    digest = hashlib.sha256()
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        name = path.relative_to(folder)
        if any(part.startswith(".") for part in name.parts):
            continue
        with path.open("rb") as file:
            digest.update(f"{name.as_posix()}\0{hashlib.file_digest(file, 'sha256').hexdigest()}\n".encode())
    return digest.hexdigest()
