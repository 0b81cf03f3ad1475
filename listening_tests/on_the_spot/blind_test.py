"""One blind test: trials drawn by coin, answers kept, what they say so far, and the names at its end."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from .errors import BlindTestError, NoSuchTestError
from .running import Running, needed, running
from .sounds import matched, wav_of
from .words import standing, verdict

LONGEST = 100  # trials
HEARD_S = 1.0  # of each sound before one may answer


@dataclass(frozen=True, slots=True)
class Kind:
    """What a trial of a test asks. ``scale``: value and words of each answer; ``decided``: those that count."""

    title: str
    view: str
    question: str
    labels: tuple[str, ...]
    scale: tuple[tuple[str, str], ...]
    right_or_wrong: bool


KINDS = {
    "abx": Kind(
        "ABX: can you tell them apart?", "abx", "Which one is the same as X?", ("A", "B", "X"),
        (("A", "X is A"), ("B", "X is B")), True,
    ),
    "abx-2": Kind(
        "ABXY: the same with both orders to hear", "abx", "X and Y are A and B. Which is which?", ("A", "B", "X", "Y"),
        (("A", "X is A, Y is B"), ("B", "X is B, Y is A")), True,
    ),
    "ab": Kind(
        "AB: which one sounds better?", "pair", "Which one sounds better?", ("A", "B"),
        (("A", "A sounds better"), ("same", "No preference"), ("B", "B sounds better")), False,
    ),
}  # fmt: skip


@dataclass(slots=True)
class Trial:
    """``shown``: label -> 0 or 1, which of the two sounds it is; ``tokens``: label -> opaque name of its file."""

    shown: dict[str, int]
    tokens: dict[str, str]
    dither: dict[str, int]
    choice: str | None = None


def _coin() -> int:
    return secrets.randbits(1)


@dataclass(slots=True)
class BlindTest:
    """A blind test of two sounds; make one by :meth:`of`.

    Every trial tosses a fair coin for which of the two is A, and another for X, none depending on what came before: so
    the answers of somebody who hears no difference are coin tosses too, whatever they have been told meanwhile.
    """

    kind: str
    names: tuple[str, str]
    sounds: tuple[np.ndarray, np.ndarray]
    rate: int
    planned: int
    level_dbov: float
    show_running: bool = True
    coin: Callable[[], int] = _coin
    trials: list[Trial] = field(default_factory=list)
    ended: bool = False

    @classmethod
    def of(
        cls,
        kind: str,
        names: tuple[str, str],
        a: np.ndarray,
        b: np.ndarray,
        *,
        rate: int,
        trials: int,
        reference: np.ndarray | None = None,
        show_running: bool = True,
        coin: Callable[[], int] = _coin,
    ) -> BlindTest:
        """A test about to begin, its sounds matched in level and length (:func:`.sounds.matched`).

        Args:
            kind: one of KINDS.
            names: of the two systems.
            a, b: float ``[n]``, ``[m]`` at ``rate``, full scale 1. reference: float ``[k]``, for the level.
            trials: how many; the p-value holds for that number.
            show_running: tell how it stands after every answer.
            coin: 0 or 1, fair; for tests of this class.

        Raises:
            BlindTestError: no such kind, no such number, the same system twice, or a silent sound.
        """
        if kind not in KINDS:
            raise BlindTestError(f"no blind test is called {kind!r}; choose one of {', '.join(KINDS)}")
        if isinstance(trials, bool) or not isinstance(trials, int) or not 1 <= trials <= LONGEST:
            raise BlindTestError(f"a blind test cannot have {trials!r} trials; choose a number from 1 to {LONGEST}")
        if names[0] == names[1]:
            raise BlindTestError(f"both sounds are {names[0]}; choose two different ones")
        first, second, level = matched(a, b, rate, reference)
        test = cls(kind, names, (first, second), rate, trials, level, show_running, coin)
        test._draw()
        return test

    def answer(self, number: int, choice: str) -> None:
        """Keep the answer to trial ``number`` (from 1); the same answer sent twice is kept once.

        Raises:
            BlindTestError: not an answer of this kind, another answer to a trial that has one, or a trial not shown.
        """
        if choice not in dict(KINDS[self.kind].scale):
            choices = ", ".join(value for value, _ in KINDS[self.kind].scale)
            raise BlindTestError(f"{choice!r} is no answer here; give one of {choices}")
        if not 1 <= number <= len(self.trials):
            raise BlindTestError(f"trial {number} has not been shown; reload the page")
        trial = self.trials[number - 1]
        if trial.choice is None and not self.ended:
            trial.choice = choice
            self._draw()
        elif trial.choice != choice:
            raise BlindTestError(f"trial {number} is over; reload the page to go on where you are")

    def end(self) -> None:
        """Stop here, be it before the number of trials planned."""
        self.ended = True

    @property
    def answered(self) -> list[Trial]:
        """The trials that have an answer."""
        return [trial for trial in self.trials if trial.choice is not None]

    @property
    def over(self) -> bool:
        """Whether nothing more is asked, so that names may be told."""
        return self.ended or len(self.answered) == self.planned

    def figures(self) -> Running:
        """How it stands: right ones of all, or those that preferred ``names[1]`` of those that preferred one."""
        return running([self._hit(trial) for trial in self.answered if trial.choice != "same"], one_sided=self._right)

    def file(self, token: str) -> bytes:
        """The WAV of a sound of the trial shown now.

        Raises:
            NoSuchTestError: not one of them.
        """
        now = self._now()
        for label, name in now.tokens.items() if now else ():
            if secrets.compare_digest(name.encode(), token.encode()):
                return wav_of(self.sounds[now.shown[label]], self.rate, now.dither[label])
        raise NoSuchTestError("no such sound in the trial shown now; reload the page")

    def state(self) -> dict[str, Any]:
        """What the page may know, as JSON; until the end nothing in it depends on a coin but the running count."""
        kind, now, done = KINDS[self.kind], self._now(), len(self.answered)
        told = self.over or self.show_running
        state = {
            "kind": self.kind,
            "title": kind.title,
            "systems": sorted(self.names),
            "planned": self.planned,
            "done": done,
            "ties": sum(trial.choice == "same" for trial in self.answered),
            "level_dbov": round(self.level_dbov, 1),
            "right_or_wrong": kind.right_or_wrong,
            "needed": needed(self.planned, one_sided=self._right),
            "over": self.over,
            "early": self.over and done < self.planned,
            "running": self._told() if told else None,
            "step": None if now is None else self._step(now, done + 1),
            "trials": [self._revealed(number, trial) for number, trial in enumerate(self.answered, 1)]
            if self.over
            else None,
        }
        state["words"] = verdict(state) if self.over else standing(state)
        return state

    @property
    def _right(self) -> bool:
        return KINDS[self.kind].right_or_wrong

    def _now(self) -> Trial | None:
        return None if self.over else self.trials[-1]

    def _draw(self) -> None:
        if self.over:
            return
        order = self.coin()
        shown = {"A": order, "B": 1 - order}
        if "X" in KINDS[self.kind].labels:
            shown["X"] = self.coin()
        if "Y" in KINDS[self.kind].labels:
            shown["Y"] = 1 - shown["X"]
        tokens = {label: secrets.token_urlsafe(18) for label in shown}
        self.trials.append(Trial(shown, tokens, {label: secrets.randbits(64) for label in shown}))

    def _hit(self, trial: Trial) -> bool:
        chosen = trial.shown[trial.choice]
        return chosen == trial.shown["X"] if self._right else chosen == 1

    def _told(self) -> dict[str, Any]:
        """A preference that is still blind is told of the one that leads, whichever it is."""
        figures = self.figures()
        if self._right or self.over:
            return {**figures.table(), "of": "" if self._right else self.names[1]}
        hits = [self._hit(trial) for trial in self.answered if trial.choice != "same"]
        leads = hits if 2 * sum(hits) >= len(hits) else [not hit for hit in hits]
        return {**running(leads, one_sided=False).table(), "of": ""}

    def _step(self, trial: Trial, number: int) -> dict[str, Any]:
        kind, seconds = KINDS[self.kind], len(self.sounds[0]) / self.rate
        scale = [{"value": value, "label": words} for value, words in kind.scale]
        return {
            "kind": "main",
            "number": number,
            "view": kind.view,
            "stimuli": [{"label": label, "token": trial.tokens[label], "seconds": seconds} for label in kind.labels],
            "public": {"view": kind.view, "question": kind.question, "scale": scale, "together": True},
            "listening": {"coverage": min(0.99, HEARD_S / seconds)},
        }

    def _revealed(self, number: int, trial: Trial) -> dict[str, Any]:
        named = {label: self.names[which] for label, which in trial.shown.items()}
        right = self._hit(trial) if self._right else None
        preferred = None if self._right or trial.choice == "same" else named[trial.choice]
        return {"number": number, **named, "choice": trial.choice, "right": right, "preferred": preferred}
