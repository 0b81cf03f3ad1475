"""The bundle that a conversion writes: whole in its place, or not at all."""

from __future__ import annotations

import json
import os
import re
import shutil
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from safetensors import SafetensorError
from safetensors.torch import save_file
from torch import Tensor

from ..checkpoint_check import CARD, write_sums
from ..checkpoints import Bundle
from ..errors import CheckpointError
from .source import Source

LICENCE = re.compile(r"(?m)^license(?:_name)?:\s*(\S[^\n]*)$")


@dataclass
class Converted:
    """What a conversion makes.

    Attributes:
        kind: of checkpoint, as the command line names it.
        title: of the model card.
        card: bundle.json but for its source.
        parts: tensors by file, in the precision that they were published in.
        known_licence: what the publisher states for the checkpoint usually meant, said where none lies beside it.
        notes: sentences of the model card.
        schedule: solver, evaluations and guidance that the weights were published with.
    """

    kind: str
    title: str
    card: dict
    parts: Mapping[str, Mapping[str, Tensor]]
    known_licence: str
    notes: list[str]
    schedule: dict = field(default_factory=dict)


def write_bundle(made: Converted, source: Source, out: str | Path) -> Bundle:
    """Write the bundle beside ``out``, load it as a whole, and only then move it there.

    Raises:
        CheckpointError: ``out`` is taken, or cannot be written.
    """
    out = refuse_taken(out)
    staging = None
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        staging = Path(tempfile.mkdtemp(prefix=f".{out.name}.", suffix=".partial", dir=out.parent))
        for file, state in made.parts.items():
            source.report(f"writing {file}.safetensors")
            # a slice of a tensor would be written with the whole storage that it is a view of
            save_file(
                {name: value.contiguous().clone() for name, value in state.items()}, staging / f"{file}.safetensors"
            )
            (staging / f"{file}.safetensors").chmod(0o644)
        card = made.card | {"source": _source_card(made, source)}
        (staging / "bundle.json").write_text(json.dumps(card, indent=2) + "\n", encoding="utf-8")
        (staging / CARD).write_text(_model_card(made, source), encoding="utf-8")
        bundle = Bundle(staging)
        write_sums(bundle)
        for part in bundle.parts:
            getattr(bundle, part)
        for pattern in bundle.patterns:
            bundle.decoder(pattern)
        staging.chmod(0o755)
        if out.is_dir():
            out.rmdir()  # empty
        os.rename(staging, out)
    except (OSError, SafetensorError) as error:
        raise CheckpointError(f"{out}: cannot be written ({error}); is there room, and may you write there?") from None
    finally:
        if staging is not None:
            shutil.rmtree(staging, ignore_errors=True)
    return Bundle(out)


def refuse_taken(out: str | Path) -> Path:
    """``out`` as a path, if nothing is there yet.

    Raises:
        CheckpointError: something is.
    """
    out = Path(out)
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise CheckpointError(f"{out}: is there already; name a new folder with --out")
    return out


def _source_card(made: Converted, source: Source) -> dict:
    return {
        "kind": made.kind,
        "name": source.name,
        **({"revision": source.revision} if source.revision else {}),
        "files": dict(sorted(source.hashes.items())),
        "licence": _licence(made, source),
        **({"schedule": made.schedule} if made.schedule else {}),
    }


def _named(source: Source) -> str:
    return f"{source.name}@{source.revision}" if source.revision else source.name


def _licence(made: Converted, source: Source) -> str:
    """What the checkpoint's own README states in its head, or what is known of the one usually meant."""
    if source.has("README.md"):
        head = source.file("README.md").read_text(encoding="utf-8", errors="replace").split("\n---", 1)[0]
        if stated := LICENCE.findall(head):
            return f"{', '.join(s.strip() for s in stated)} (stated in the checkpoint's README.md)"
    return f"not stated beside the weights; {made.known_licence}"


def _model_card(made: Converted, source: Source) -> str:
    lines = [f"# {made.title}", "", f"Converted from `{_named(source)}` with `streamflow convert {made.kind}`.", ""]
    lines += [f"- {note}" for note in made.notes]
    lines += ["", "## Files read", "", *(f"- `{n}` SHA-256 `{h}`" for n, h in sorted(source.hashes.items()))]
    return "\n".join([*lines, "", "## Licence", "", f"{_licence(made, source)}.", ""])
