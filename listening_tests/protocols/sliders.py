"""All systems of a sentence on one screen, a slider each from 0 to 100: MUSHRA, and multi-stimulus without reference."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from ..errors import AnswerError, StudyError
from ..model import ANCHOR_LOW, ANCHOR_MID, REFERENCE, Rating, Step
from ..study import Study
from .base import Condition, Protocol, only_keys

MOST_SLIDERS = 12  # BS.1534-3: no more than 12 signals a trial
BANDS = ((80, 100, "mushra.band.5"), (60, 80, "mushra.band.4"), (40, 60, "mushra.band.3"), (20, 40, "mushra.band.2"),
         (0, 20, "mushra.band.1"))  # fmt: skip


class SliderProtocol(Protocol):
    """Answer ``{"values": {"1": 0..100, ...}}`` with every label; a row a slider, ``order`` its place from 0.

    Attributes:
        hidden: what is rated beside the systems, without the listener's knowing.
        named: labels shown by name and not rated.
    """

    view = "sliders"
    value_range = (0.0, 100.0)
    listens = 1.7
    answering_s = 12.0
    hidden: tuple[str, ...] = ()
    named: Mapping[str, str] = {}

    def conditions(self, systems: tuple[str, ...], study: Study) -> list[Condition]:
        rated = tuple(system for system in systems if system not in self.hidden)
        most = MOST_SLIDERS - len(self.hidden)
        if not rated:
            raise StudyError(f"{self.name} rates systems but systems = {list(systems)}; name at least one system")
        if len(rated) > most:
            raise StudyError(
                f"{self.name} shows at most {most} systems a trial but there are {len(rated)}; leave some out"
            )
        return [rated]

    def text_keys(self) -> frozenset[str]:
        return super().text_keys() | {key for _, _, key in BANDS}

    def _labels(
        self, condition: Condition, variant: int, rng: np.random.Generator
    ) -> tuple[dict[str, str], dict[str, Any]]:
        rated = (*condition, *self.hidden)
        places = rng.permutation(len(rated))
        return {**self.named, **{str(place + 1): rated[index] for place, index in enumerate(places)}}, {}

    def _scale_table(self) -> list[dict[str, Any]]:
        return [{"value": (low + high) // 2, "low": low, "high": high, "label_key": key} for low, high, key in BANDS]

    def _check(self, step: Step, answer: Mapping[str, Any]) -> None:
        only_keys(answer, "values")
        values, labels = answer["values"], self._rated(step)
        if not isinstance(values, Mapping) or set(values) - set(labels):
            raise AnswerError(
                f"values must hold a number for each of {', '.join(labels)}; reload the page and answer again"
            )
        if unmoved := [label for label in labels if values.get(label) is None]:
            raise AnswerError(f"not rated yet: {', '.join(unmoved)}; move every slider, then continue")
        for label in labels:
            if not _in_range(values[label]):
                raise AnswerError(f"the value of {label} must be a number from 0 to 100; move its slider again")

    def _ratings(self, step: Step, answer: Mapping[str, Any]) -> list[Rating]:
        return [
            Rating(label, step.secret["systems"][label], "", float(value), response=f"{value:g}", order=place)
            for place, label in enumerate(self._rated(step))
            for value in [answer["values"][label]]
        ]

    def _rated(self, step: Step) -> list[str]:
        return [label for label in step.sources if label not in self.named]


class Mushra(SliderProtocol):
    """ITU-R BS.1534-3 with the hidden reference and the anchors low-passed at 3.5 and 7 kHz."""

    name = "mushra"
    standard = "MUSHRA after ITU-R BS.1534-3 with hidden reference and anchors low-passed at 3.5 and 7 kHz"
    needs = frozenset({"reference", "anchors"})
    hidden = (REFERENCE, ANCHOR_LOW, ANCHOR_MID)
    named = {"reference": REFERENCE}  # noqa: RUF012


class MultiStimulus(SliderProtocol):
    """Without a reference, as ITU-R BS.2132 has it: for synthetic speech, which may well be better than the recording."""

    name = "multi-stimulus"
    standard = "multiple stimuli without reference on a continuous quality scale after ITU-R BS.2132"


def _in_range(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value) and 0 <= value <= 100
