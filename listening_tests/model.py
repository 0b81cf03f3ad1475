"""The words of a listening test as data: stimuli, steps of a session, answers, ratings."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

REFERENCE = "reference"  # the system name of the recording, as in a run
ANCHOR_LOW, ANCHOR_MID = "anchor-3500", "anchor-7000"  # system names of the two low-pass anchors of ITU-R BS.1534-3

STEP_KINDS = ("consent", "questions", "level", "headphones", "training", "trial", "break", "comments")
ROLES = ("main", "training", "trap", "repeat", "identical")

RATING_COLUMNS = {
    "study": str, "listener": str, "slot": int, "position": int, "role": str, "protocol": str, "sentence": str,
    "condition": str, "label": str, "system": str, "against": str, "value": float, "truth": str, "response": str,
    "order": int, "elapsed_s": float, "coverage": float, "underruns": int, "answered_at": str,
}  # fmt: skip
"""One row a rating, the frame that every analysis reads (``ratings`` below)."""


@dataclass(frozen=True, slots=True)
class Stimulus:
    """One sound of a study, as ``stimuli.json`` holds it. Nothing of this but the samples ever leaves the server.

    Attributes:
        stimulus_id: random hex; the file is ``stimuli/<stimulus_id>.wav``, mono 16-bit PCM.
        sentence: the utterance's id.
        system: name; REFERENCE, ANCHOR_LOW and ANCHOR_MID for what is not a system.
        role: ``test``, ``reference``, ``anchor``, ``trap`` or ``training``.
        samples, rate: length and samples a second.
        sha256: of the file.
        gain_db: what the level policy applied.
        level_db: the level after it, in the policy's unit.
        seams: samples at which chunks meet; empty where there is none or it is not known.
        key: what only the server may know, such as a trap's right answer.
        text: what is spoken, where known.
    """

    stimulus_id: str
    sentence: str
    system: str
    role: str
    samples: int
    rate: int
    sha256: str
    gain_db: float = 0.0
    level_db: float | None = None
    seams: tuple[int, ...] = ()
    key: Mapping[str, Any] = field(default_factory=dict)
    text: str = ""

    def table(self) -> dict[str, Any]:
        """As JSON."""
        return {**asdict(self), "seams": list(self.seams), "key": dict(self.key)}

    @classmethod
    def from_table(cls, table: Mapping[str, Any]) -> Stimulus:
        """Back from JSON."""
        return cls(**{**table, "seams": tuple(table.get("seams", ()))})


@dataclass(frozen=True, slots=True)
class Step:
    """One screen of a session, decided when the session starts and kept, so that coming back shows the same.

    Attributes:
        kind: of STEP_KINDS. Traps, repeats and identical pairs are of kind ``trial`` like any other.
        view: what the page draws: ``consent``, ``questions``, ``level``, ``intervals`` (a headphone check), ``break``,
            ``comments``, or for training and trials the protocol's view: ``scale``, ``pair``, ``abx``,
            ``same-different``, ``sliders``, ``seams``.
        sources: label -> source, in the order shown. A label is all that the listener sees ("A", "B", "X",
            "reference", "1"...). A source is ``clip:<stimulus_id>``, or a sound made for the session,
            ``woods:<seed>:<round>:<interval>``, ``milne:<seed>:<round>:<interval>``, ``level:<seed>``.
        public: JSON for the page: scale, labels, question; nothing that tells systems apart.
        secret: JSON for the server: ``role``, ``sentence``, ``condition``, ``systems`` {label: system}, ``key``
            (whatever the protocol needs to score: X, expected answer, position repeated, seams).
        protocol: the registry's name, "" for what is not a trial.
        seconds: what the step is expected to take, for the remaining time.
    """

    kind: str
    view: str
    sources: Mapping[str, str] = field(default_factory=dict)
    public: Mapping[str, Any] = field(default_factory=dict)
    secret: Mapping[str, Any] = field(default_factory=dict)
    protocol: str = ""
    seconds: float = 0.0

    def table(self) -> dict[str, Any]:
        """As JSON."""
        return asdict(self)

    @classmethod
    def from_table(cls, table: Mapping[str, Any]) -> Step:
        """Back from JSON; the order of ``sources`` is kept."""
        return cls(**table)


@dataclass(frozen=True, slots=True)
class Rating:
    """What an answer says of one system, or of one system against another; ``Protocol.ratings`` makes them.

    Attributes:
        label: of the stimulus.
        system: rated.
        against: the other system of a pair, "" where there is none.
        value: ACR, DCR 1..5; CCR -3..3 with the sign of ``system`` against ``against``; AB 1 preferred, 0 not, 0.5 no
            preference; MUSHRA 0..100; ABX 1 right, 0 wrong; same-different 1 where "different" was said; seam locating:
            1 hit or 0 miss for a row a real seam (truth ``seam``), and 1 for a row a false press (truth ``none``).
        truth: what was there, where there is a truth ("A", "same", ...).
        response: what was answered, as text.
        order: 0 for the first place shown, 1 for the next.
    """

    label: str
    system: str
    against: str
    value: float
    truth: str = ""
    response: str = ""
    order: int = 0
