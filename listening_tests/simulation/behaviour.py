"""How simulated listeners answer: honest, lazy, bot and inverted ones.

The variances are those assumed in the planning of listening tests (``listening_tests/planning.py``): a listener's own level,
a listener's taste for a system, a sentence's part, and what is left, all on the ACR scale of 1 to 5.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from ..model import REFERENCE

KINDS = ("honest", "lazy", "bot", "inverted")
LISTENER_SD, TASTE_SD, SENTENCE_SD, RESIDUAL_SD = 0.5, 0.30, 0.35, 0.75  # ACR points
TRAP_RIGHT = {"honest": 0.98, "inverted": 0.98, "lazy": 0.35, "bot": 0.2}
HEADPHONES_RIGHT = {"honest": 0.97, "inverted": 0.97, "lazy": 0.6, "bot": 1 / 3}
REACTION_S = (0.25, 0.6)  # a press comes so long after what was heard


@dataclass
class Behaviour:
    """One simulated listener.

    Attributes:
        kind: of KINDS. ``honest`` hears the systems' qualities through noise; ``lazy`` gives the middle answer three
            times of four; ``bot`` answers at random and does not wait for the sound; ``inverted`` is honest with the
            scale upside down.
        qualities: latent quality of every system, 1 to 5.
        seed: of this listener.
    """

    kind: str
    qualities: Mapping[str, float]
    seed: int
    rng: np.random.Generator = field(init=False)
    bias: float = field(init=False)
    _taste: dict[str, float] = field(init=False, default_factory=dict)

    def __post_init__(self) -> None:
        self.rng = np.random.default_rng((self.seed, KINDS.index(self.kind)))
        self.bias = LISTENER_SD * self.rng.standard_normal()

    @property
    def listens(self) -> bool:
        """Whether this listener waits for the sound to end."""
        return self.kind != "bot"

    def heard(self, system: str, sentence: str) -> float:
        """One hearing of a system: its quality, the listener's taste, the sentence, the moment."""
        if system not in self._taste:
            self._taste[system] = 0.0 if system == REFERENCE else TASTE_SD * self.rng.standard_normal()
        return (
            self.qualities[system] + self._taste[system]
            + SENTENCE_SD * sentence_effect(sentence)
            + RESIDUAL_SD * self.rng.standard_normal()
        )  # fmt: skip


def sentence_effect(sentence: str) -> float:
    """Standard normal, the same for every listener."""
    return float(np.random.default_rng(list(sentence.encode())).standard_normal())
