"""What a checkpoint is, and whether it is whole: read from its card and its tensors; nothing in it is executed."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import torch
from safetensors import SafetensorError, safe_open

from .checkpoints import Bundle
from .errors import CheckpointError, StreamflowError
from .stored_weights import identity

SUMS = "SHA256SUMS"
CARD = "MODEL_CARD.md"
EXECUTABLE = (".bin", ".pt", ".pth", ".ckpt", ".pkl", ".pickle", ".joblib")  # formats that may hold a pickle
LICENCE = re.compile(r"(?ims)^#+[^\n]*licen[cs]e[^\n]*\n(.*?)(?=^#|\Z)")


class FileFacts(NamedTuple):
    """A file of weights.

    Attributes:
        name: of the file.
        parameters: values stored, scales of 8-bit matrices included.
        dtypes: as stored.
        size: bytes.
        sha256: of the file.
    """

    name: str
    parameters: int
    dtypes: list[str]
    size: int
    sha256: str


def facts_of(bundle: Bundle) -> list[FileFacts]:
    """One entry a file of weights, from its header alone.

    Raises:
        CheckpointError: a file that is damaged.
    """
    found = []
    for path in sorted(bundle.directory.glob("*.safetensors")):
        try:
            with safe_open(path, "pt") as file:
                slices = [file.get_slice(key) for key in file.keys()]  # noqa: SIM118 (no mapping)
                count = sum(int(torch.tensor(one.get_shape()).prod()) for one in slices)
                dtypes = sorted({one.get_dtype() for one in slices})
        except SafetensorError as error:
            raise CheckpointError(f"{path}: damaged ({error}); restore it") from None
        found.append(FileFacts(path.name, count, dtypes, path.stat().st_size, bundle.hashes[path.name]))
    return found


def licence_of(bundle: Bundle) -> str:
    """The model card's section about licences, "" where it has none."""
    found = LICENCE.search(_model_card(bundle))
    return found[1].strip() if found else ""


def summary_of(bundle: Bundle) -> str:
    """The model card's first paragraph, "" where there is none."""
    paragraphs = (part.strip() for part in _model_card(bundle).split("\n\n"))
    return " ".join(next((part for part in paragraphs if part and part[0] not in "#|-"), "").split())


def _model_card(bundle: Bundle) -> str:
    path = bundle.directory / CARD
    return path.read_text(encoding="utf-8") if path.is_file() else ""


def source_lines(bundle: Bundle) -> list[str]:
    """Where converted weights come from, their voices, and how they were meant to be decoded; a line each."""
    if not bundle.converted:
        return []
    source = bundle.card["source"]
    revision = f", revision {source['revision']}" if "revision" in source else ""
    lines = [f"converted from {source['kind']}: {source['name']}{revision}"]
    lines += [f"  {name}  SHA-256 {sha256[:16]}" for name, sha256 in source["files"].items()]
    if bundle.voices:
        lines.append(f"voices: {', '.join(bundle.voices)}")
    if schedule := source.get("schedule"):
        lines.append("published with " + ", ".join(f"{key}={value}" for key, value in schedule.items()))
    return lines


def verify(bundle: Bundle) -> Iterator[tuple[str, str]]:
    """Check everything and yield what was checked and what is wrong with it ("" where nothing is).

    Files are compared with ``SHA256SUMS`` where there is one; every part is loaded and must fit its configuration with
    finite values; differences must belong to this decoder; files that could hold code are pointed out.
    """
    yield "format", _executable(bundle.directory)
    yield from _sums(bundle)
    for name in bundle.parts:
        yield name, _problem(lambda name=name: _loaded(bundle, name))
    if "vocoder" in bundle.card:
        yield "sample rate", _problem(lambda: _rate(bundle))
    for name in bundle.voices:
        yield f"voice {name}", _problem(lambda name=name: _finite({name: torch.from_numpy(bundle.voice(name))}))
    for pattern in bundle.patterns:
        yield f"decoder, {pattern}", _problem(lambda pattern=pattern: _decoder(bundle, pattern))


def _loaded(bundle: Bundle, part: str) -> str:
    getattr(bundle, part)  # fits its configuration, with finite values
    return ""


def _decoder(bundle: Bundle, pattern: str) -> str:
    bundle.pattern(pattern)
    state = bundle.decoder(pattern).state_dict()
    if pattern == bundle.first_pattern and identity(state) != bundle.card.get("decoder_id", identity(state)):
        return "other weights than bundle.json names; restore the one or the other"
    return ""


def _rate(bundle: Bundle) -> str:
    """Whether the vocoder fits the decoder is asked with its rate."""
    return "" if bundle.sample_rate > 0 else "none is stated in bundle.json; convert it again"


def _finite(state: dict[str, torch.Tensor]) -> str:
    for name, value in state.items():
        if value.is_floating_point() and not torch.isfinite(value).all():
            return f"{name} holds a value that is not finite; restore it"
    return ""


def _problem(check) -> str:
    try:
        return check()
    except StreamflowError as error:
        return str(error)


def _executable(folder: Path) -> str:
    found = sorted(path.name for path in folder.iterdir() if path.suffix.lower() in EXECUTABLE)
    return f"{', '.join(found)} may hold code; it is never read here, take it away" if found else ""


def _sums(bundle: Bundle) -> Iterator[tuple[str, str]]:
    path = bundle.directory / SUMS
    if not path.is_file():
        return
    listed = dict(reversed(line.split(None, 1)) for line in path.read_text(encoding="utf-8").splitlines() if line)
    listed = {name.lstrip("*"): sha256 for name, sha256 in listed.items()}
    for name, sha256 in listed.items():
        file = bundle.directory / name
        if Path(name).name != name or not file.is_file():
            yield name, "is listed but not there; restore it"
        else:
            have = bundle.hashes.get(name) or hashlib.sha256(file.read_bytes()).hexdigest()
            yield name, "" if have == sha256 else f"SHA-256 {have[:12]}…, listed is {sha256[:12]}…; restore it"
    for name in bundle.hashes.keys() - listed.keys():
        yield name, f"is not in {SUMS}; take it away, or write the list again with --write"


def write_sums(bundle: Bundle) -> Path:
    """Write the list of the files' hashes, as ``sha256sum -c`` reads it."""
    path = bundle.directory / SUMS
    path.write_text("".join(f"{sha256}  {name}\n" for name, sha256 in bundle.hashes.items()), encoding="utf-8")
    return path
