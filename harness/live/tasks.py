"""What a decoding process is given: everything it needs, found out by the server beforehand."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import soundfile

from streamflow.errors import CheckpointError

from ..corpus import Corpus, Utterance, did_you_mean
from ..systems import SystemSpec
from .errors import LiveError
from .limits import Limits
from .view import View

CONTROLS = ("copy-synthesis", "tokenizer")


@dataclass(frozen=True, slots=True)
class Task:
    """One job as JSON can hold it.

    Attributes:
        name: of the utterance, for errors.
        bundle: folder of the checkpoint.
        systems: rows ``name``, ``strategy``, ``parameters``, ``control``, in the order of decoding.
        seed: of the noise.
        rate: tokens a second in real time, 0 for all at once.
        recording: file, or "" where ``samples`` holds it.
        tokens: file, or "" where the checkpoint makes them of the recording; voice: of the checkpoint, or "".
        prompt, other: files, or "": what the speaker embedding is computed from, and another recording of the speaker.
        text: what is read, or "".
        samples: the recording as :func:`harness.live.wire.packed` makes it, or None.
        metrics: names; none for the standard ones.
    """

    name: str
    bundle: str
    systems: list[dict[str, Any]]
    seed: int
    rate: float
    recording: str = ""
    tokens: str = ""
    voice: str = ""
    prompt: str = ""
    other: str = ""
    text: str = ""
    samples: dict[str, str] | None = None
    metrics: list[str] = field(default_factory=list)

    def table(self) -> dict[str, Any]:
        """As a message holds it; ``Task(**table)`` is the inverse."""
        return asdict(self)


def bundle_folder(name: str, checkpoints: Path) -> Path:
    """Folder of a checkpoint: one in the server's folder, or a shipped one. A path is no name.

    Raises:
        LiveError: none of this name.
    """
    from streamflow.checkpoints import PRETRAINED

    known = bundle_names(checkpoints)
    if name not in known:
        raise LiveError(
            f"checkpoint={name}: no such checkpoint{did_you_mean(name, known)}; there are {', '.join(known)}"
        )
    own = Path(checkpoints) / name
    return own if (own / "bundle.json").is_file() else PRETRAINED / name


def bundle_names(checkpoints: Path) -> list[str]:
    """The checkpoints that a view may name: shipped ones, then those in the server's folder."""
    from streamflow.checkpoints import PRETRAINED

    folders = [PRETRAINED, Path(checkpoints)]
    names = [path.parent.name for folder in folders for path in sorted(folder.glob("*/bundle.json"))]
    return list(dict.fromkeys(names))


def utterance_of(corpus: Corpus, name: str, limits: Limits) -> Utterance:
    """An utterance that may be decoded live.

    Raises:
        LiveError: none of this name, its recording is gone, or it is too long.
    """
    found = {utterance.utterance_id: utterance for utterance in corpus.utterances}
    if name not in found:
        raise LiveError(
            f"utterance={name}: not in corpus {corpus.name}{did_you_mean(name, list(found))}; choose one from the list"
        )
    try:
        seconds = soundfile.info(found[name].path).duration
    except (soundfile.LibsndfileError, OSError) as error:
        raise LiveError(f"utterance={name}: {error}; restore the recording or choose another") from None
    if seconds > limits.max_seconds:
        raise LiveError(
            f"utterance={name}: {seconds:.1f} s is longer than the {limits.max_seconds:g} s decoded live; "
            "start a comparison on the runs page"
        )
    return found[name]


def other_recording(corpus: Corpus, utterance: Utterance) -> Path | None:
    """Another recording of the utterance's speaker: the next one in the manifest, or None."""
    others = [u for u in corpus.utterances if u.speaker_id == utterance.speaker_id]
    place = others.index(utterance)
    return others[(place + 1) % len(others)].path if len(others) > 1 else None


def systems_of(view: View, limits: Limits, controls: bool = True) -> list[dict[str, Any]]:
    """The view's systems, then the controls that it has not chosen itself, unless the checkpoint has none.

    Raises:
        LiveError: none, or too many.
    """
    if not view.systems:
        raise LiveError("no systems: tick at least one")
    if len(view.systems) > limits.max_systems:
        raise LiveError(f"{len(view.systems)} systems: at most {limits.max_systems} are decoded live; leave some out")
    chosen = {spec.strategy for spec in view.systems}
    taken = {spec.name for spec in view.systems}
    added = [SystemSpec(n, n) for n in CONTROLS if n not in chosen and n not in taken] if controls else []
    return [
        {
            "name": spec.name,
            "strategy": spec.strategy,
            "parameters": dict(spec.parameters),
            "control": spec.strategy in CONTROLS,
        }
        for spec in (*view.systems, *added)
    ]


def check_weights(bundle: Path, systems: list[dict[str, Any]]) -> None:
    """Refuse systems that the checkpoint has no weights for before anybody waits for them.

    Raises:
        LiveError: there are none, or parameters that do not go together.
    """
    from streamflow.errors import StrategyError

    from .describe import describe_system

    for system in systems:
        try:
            describe_system(system["strategy"], system["parameters"], bundle)
        except (CheckpointError, StrategyError) as error:
            raise LiveError(f"system={system['name']}: {error}") from None
