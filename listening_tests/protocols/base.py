"""What a protocol is: how trials are made, which answers they allow, and what an answer says of the systems.

An instance holds no state. A new protocol is a file with a subclass of :class:`Protocol` and an entry in the registry.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import replace
from itertools import combinations
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from ..errors import AnswerError, StudyError
from ..model import Rating, Step
from ..study import Study
from .clips import clip_of, seconds_of

if TYPE_CHECKING:
    from ..stimuli.stimulus_set import StimulusSet

BEEPS = (1, 2, 3, 4, 5)  # what may be answered to a trap, and by mistake to any other trial
NEEDS = frozenset({"reference", "anchors", "arrival", "seams", "offline"})

Condition = tuple[str, ...]
"""The systems that one trial sets side by side."""


class Protocol(ABC):
    """One way to ask listeners.

    Attributes:
        name: in the registry and in ``study.toml``.
        view: what the page draws, see :class:`listening_tests.model.Step`.
        standard: what the methods text says of it.
        scale: (answer, key of its text) in the order shown, best first.
        value_range: lowest and highest ``Rating.value`` of a main trial.
        needs: what the stimuli must bring, of NEEDS.
        variants: ways to show one condition that the design balances, such as the two orders of a pair.
        catches_identical: whether a trial of one sound twice (``screening.identical``) makes sense.
        listens: how often every clip is heard, on average, for the expected duration.
        answering_s: seconds from the end of listening to the answer, for the expected duration.
    """

    name: ClassVar[str]
    view: ClassVar[str]
    standard: ClassVar[str]
    scale: ClassVar[tuple[tuple[Any, str], ...]] = ()
    value_range: ClassVar[tuple[float, float]]
    needs: ClassVar[frozenset[str]] = frozenset()
    variants: ClassVar[int] = 1
    catches_identical: ClassVar[bool] = False
    listens: ClassVar[float] = 1.0
    answering_s: ClassVar[float] = 4.0

    def conditions(self, systems: tuple[str, ...], study: Study) -> list[Condition]:
        """What is to be judged, each as often as any other; one system at a time unless a protocol says otherwise.

        Raises:
            StudyError: systems that the protocol cannot compare.
        """
        return [(system,) for system in systems]

    def arrange(
        self,
        study: Study,
        stimuli: StimulusSet,
        sentence: str,
        condition: Condition,
        variant: int,
        rng: np.random.Generator,
        *,
        role: str = "main",
    ) -> Step:
        """One trial: which clip under which label, what the page may know and what only the server may.

        Args:
            variant: 0 <= variant < ``variants``.
            rng: for what the design does not balance, such as the places of MUSHRA's sliders.
            role: of ``listening_tests.model.ROLES``; training may use clips that are kept for it.

        Raises:
            StudyError: a clip that the stimuli do not have.
        """
        labels, key = self._labels(condition, variant, rng)
        if role == "identical":
            labels, key = self._identical(labels), {**key, "truth": "same"}
        clips = {label: clip_of(stimuli, sentence, system, role) for label, system in labels.items()}
        heard = sum(seconds_of(clip) for clip in clips.values())
        return Step(
            kind="training" if role == "training" else "trial",
            view=self.view,
            sources={label: f"clip:{clip.stimulus_id}" for label, clip in clips.items()},
            public=self._public(study, labels),
            secret={
                "role": role, "sentence": sentence, "condition": list(condition), "variant": variant,
                "systems": labels, "key": {**key, **self._clip_key(clips)},
            },
            protocol=self.name,
            seconds=round(self.listens * heard + self.answering_s, 1),
        )  # fmt: skip

    def check(self, step: Step, answer: Mapping[str, Any]) -> None:
        """Refuse an answer that the page should not have sent.

        Raises:
            AnswerError: malformed, out of range or incomplete; the message names nothing secret.
        """
        if not isinstance(answer, Mapping):
            raise AnswerError("the answer is not an object; reload the page and answer again")
        if "beeps" in answer:
            _check_beeps(step, answer)
        else:
            self._check(step, answer)

    def ratings(self, step: Step, answer: Mapping[str, Any]) -> list[Rating]:
        """What a checked answer says.

        A trap yields one row (value 1 right, 0 wrong; ``truth`` the beeps in it, ``response`` the beeps answered or
        "rated"); an identical pair one row (value 0 judged the same, the distance from that otherwise); beeps answered
        where there were none rate nothing.
        """
        role = step.secret["role"]
        if role == "trap":
            return [_trap_rating(step, answer)]
        if "beeps" in answer:
            return []
        return self._identical_ratings(step, answer) if role == "identical" else self._ratings(step, answer)

    def text_keys(self) -> frozenset[str]:
        """Keys of the interface texts that this protocol's trials name."""
        return frozenset({f"question.{self.name}", *(key for _, key in self.scale)})

    @abstractmethod
    def _labels(
        self, condition: Condition, variant: int, rng: np.random.Generator
    ) -> tuple[dict[str, str], dict[str, Any]]:
        """Label -> system in the order shown, and the key that scoring needs."""

    @abstractmethod
    def _check(self, step: Step, answer: Mapping[str, Any]) -> None:
        """``check`` for an answer that is not about beeps."""

    @abstractmethod
    def _ratings(self, step: Step, answer: Mapping[str, Any]) -> list[Rating]:
        """``ratings`` of a main, repeated or training trial."""

    def _identical(self, labels: dict[str, str]) -> dict[str, str]:
        first = next(iter(labels.values()))
        return dict.fromkeys(labels, first)

    def _identical_ratings(self, step: Step, answer: Mapping[str, Any]) -> list[Rating]:
        raise StudyError(f"{self.name} has no identical pairs; set screening.identical = 0")

    def _clip_key(self, clips: Mapping[str, Any]) -> dict[str, Any]:
        """What scoring needs of the clips themselves."""
        return {}

    def _scale_table(self) -> list[dict[str, Any]]:
        return [{"value": value, "label_key": key} for value, key in self.scale]

    def _public(self, study: Study, labels: Mapping[str, str]) -> dict[str, Any]:
        public = {
            "view": self.view,
            "question_key": f"question.{self.name}",
            "scale": self._scale_table(),
            "reference": "reference" if "reference" in labels else None,
            "beeps": study.screening.traps > 0,
        }
        return {**public, "question": dict(study.question)} if study.question else public


def with_trap(step: Step, label: str, stimulus_id: str, beeps: int) -> Step:
    """A trial whose clip ``label`` has ``beeps`` tones in it; it looks like any other trial."""
    key = {**step.secret["key"], "beeps": beeps, "trap": label}
    return replace(
        step,
        sources={**step.sources, label: f"clip:{stimulus_id}"},
        secret={**step.secret, "role": "trap", "key": key},
    )


def pairs_of(systems: tuple[str, ...], study: Study) -> list[Condition]:
    """All pairs, or every system against the first one, as ``design.pairs`` says.

    Raises:
        StudyError: fewer than two systems.
    """
    if len(systems) < 2:
        raise StudyError(f"{study.protocol} compares systems but systems = {list(systems)}; name at least two")
    if study.design.pairs == "reference":
        return [(systems[0], system) for system in systems[1:]]
    return list(combinations(systems, 2))


def only_keys(answer: Mapping[str, Any], *known: str) -> None:
    """Refuse an answer with other keys than ``known``."""
    if set(answer) != set(known):
        raise AnswerError(f"the answer must hold exactly {', '.join(known)}; reload the page and answer again")


def _check_beeps(step: Step, answer: Mapping[str, Any]) -> None:
    only_keys(answer, "beeps")
    if not step.public.get("beeps"):
        raise AnswerError("this question is not about beeps; reload the page and answer again")
    if type(answer["beeps"]) is not int or answer["beeps"] not in BEEPS:
        raise AnswerError(f"the number of beeps must be {BEEPS[0]} to {BEEPS[-1]}; choose one of them")


def _trap_rating(step: Step, answer: Mapping[str, Any]) -> Rating:
    expected, label = step.secret["key"]["beeps"], step.secret["key"]["trap"]
    given = answer.get("beeps")
    return Rating(
        label=label,
        system=step.secret["systems"][label],
        against="",
        value=float(given == expected),
        truth=str(expected),
        response="rated" if given is None else str(given),
    )
