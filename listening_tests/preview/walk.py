"""One walk through a study's screens: the service's own answers, without a store behind them."""

from __future__ import annotations

import secrets
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ..design.session_plan import plan_session
from ..errors import AnswerError
from ..model import Step
from ..protocols import get_protocol
from ..service.listening import check_heard, measure
from ..service.presenting import LISTENED_KINDS, public_of
from ..service.sounds import Sound, sounds_of
from ..service.wav import encode_wav
from ..steps import check_plain_answer
from ..stimuli.sources import render_source
from ..stimuli.stimulus_set import StimulusSet
from ..store.rows import StepRow
from ..study import Study

SPECIAL = {"training": "Practice", "main": "Trial", "trap": "Trap", "repeat": "Repeat", "identical": "Identical pair"}
SCREENS = {
    "consent": "Consent", "questions": "Questions", "level": "Volume", "break": "Break", "comments": "Comments"
}  # fmt: skip
ENDINGS = ("completed", "screened_out")


class Walk:
    """The screens of one session, to be looked at in any order. Answers are checked as a listener's are, and forgotten.

    Args:
        study, stimuli: what is shown.
        temporary: a folder that is removed with the walk; None for a study that stays.
        seed: of the session.

    Attributes:
        position: of the screen shown, ``len(steps)`` at the end.
        quick: answers need no listening.
        ending: how it ended, of ENDINGS.

    Raises:
        StudyError: a study that cannot be planned with these sounds.
    """

    def __init__(
        self, study: Study, stimuli: StimulusSet, *, temporary: Path | None = None, seed: str = "preview"
    ) -> None:
        self.study, self.stimuli, self.temporary = study, stimuli, temporary
        self.steps: list[Step] = plan_session(study, stimuli, 0, seed)
        self.position, self.quick, self.ending = 0, False, "completed"
        self._secret = secrets.token_bytes(32)
        self._known: dict[str, float] = {}  # source -> seconds

    def close(self) -> None:
        """Remove what was made for it."""
        if self.temporary is not None:
            shutil.rmtree(self.temporary, ignore_errors=True)

    def welcome(self) -> dict[str, Any]:
        """As ``GET /api/studies/TOKEN`` of the service."""
        return {
            "title": self.study.title,
            "languages": list(self.study.languages),
            "state": "open",
            "needs_invitation": False,
            "minutes": max(1, round(sum(step.seconds for step in self.steps) / 60)),
        }

    def places(self) -> list[dict[str, Any]]:
        """The first screen of every sort, in order: ``name`` and ``position``."""
        found: dict[str, int] = {}
        for position, step in enumerate(self.steps):
            found.setdefault(name_of(step), position)
        found["The end"] = len(self.steps)
        return [{"name": name, "position": position} for name, position in found.items()]

    def go(self, position: int, ending: str = ENDINGS[0]) -> None:
        """Show that screen next.

        Raises:
            AnswerError: there is none.
        """
        if not 0 <= position <= len(self.steps) or ending not in ENDINGS:
            raise AnswerError(f"there is no screen {position}; choose one of the list")
        self.position, self.ending = position, ending

    def present(self) -> dict[str, Any]:
        """As ``GET /api/step`` of the service: the page cannot tell the difference."""
        if self.position == len(self.steps):
            return self._end()
        row, sounds = self._row(), self._sounds()
        listens = row.step.kind in LISTENED_KINDS and not self.quick
        lengths = self._lengths()
        return {
            "step": row.step_id,
            "kind": row.step.kind,
            "view": row.step.view,
            "position": row.position,
            "of": row.of,
            "remaining_s": round(row.remaining_s, 1),
            "public": public_of(row),
            "stimuli": [
                {"label": label, "url": f"a/{sound.token}", "seconds": lengths[label]}
                for label, sound in sounds.items()
            ],
            "listening": {"coverage": self.study.listening.coverage if listens else 0.0},
            "saved": row.position,
            "prefetch": [],
            "language": self.study.languages[0],
        }

    def answer(self, body: Mapping[str, Any]) -> dict[str, Any]:
        """Check an answer as the service would, and go on; nothing is kept.

        Args:
            body: as of ``POST /api/answers``.

        Raises:
            AnswerError: what a listener would be told.
        """
        answer = body.get("answer")
        if self.position >= len(self.steps) or body.get("step") != self._row().step_id:
            raise AnswerError("this is not the screen that is shown; reload the page and answer again")
        if not isinstance(answer, Mapping):
            raise AnswerError("an answer needs client_id, step and answer; reload the page and answer again")
        step = self.steps[self.position]
        if step.kind in ("training", "trial"):
            get_protocol(step.protocol).check(step, answer)
        else:
            check_plain_answer(step, answer)
        if step.kind in LISTENED_KINDS and not self.quick:
            lengths = self._lengths()
            check_heard(measure(body.get("listened", {}), lengths), lengths, self.study.listening.coverage, None)
        self.position += 1
        return {"saved": True, "first": True, "next": self.present()}

    def sound(self, token: str) -> bytes | None:
        """The WAV file of that name, if it is one of the screen shown."""
        sound = next((one for one in self._sounds().values() if one.token == token), None)
        if sound is None:
            return None
        samples, rate = render_source(sound.source, self.stimuli)
        return encode_wav(samples, rate, sound.junk)

    def behind(self) -> dict[str, Any]:
        """What the screen shown is, and what no listener learns of it."""
        if self.position == len(self.steps):
            return {"position": self.position, "name": "The end", "facts": []}
        step = self.steps[self.position]
        facts = []
        if sentence := step.secret.get("sentence"):
            facts.append(f"sentence: {sentence}")
        facts += [f"{label} is {system}" for label, system in step.secret.get("systems", {}).items()]
        if answer := step.secret.get("answer"):
            facts.append(f"right answer: {answer}")
        key = step.secret.get("key", {})
        facts += [f"{name}: {key[name]}" for name in ("beeps", "truth", "repeats") if name in key]
        return {"position": self.position, "name": name_of(step), "facts": facts}

    def _end(self) -> dict[str, Any]:
        said = self.study.completion
        fixed = said.screened_out_code if self.ending == "screened_out" else said.code
        code = "PREVIEW" if fixed == "signed" else fixed  # a signed one would be taken for a listener's
        end = {"completion": {"code": code, "return_url": ""}, "saved": len(self.steps)}
        return {**end, "screened_out": True} if self.ending == "screened_out" else {**end, "done": True}

    def _row(self) -> StepRow:
        left = sum(step.seconds for step in self.steps[self.position :])
        return StepRow(
            f"preview-{self.position}", self.position, len(self.steps), self.steps[self.position], None, left
        )

    def _sounds(self) -> dict[str, Sound]:
        return {} if self.position == len(self.steps) else sounds_of(self._secret, "preview", self._row())

    def _lengths(self) -> dict[str, float]:
        return {label: self._length(source) for label, source in self.steps[self.position].sources.items()}

    def _length(self, source: str) -> float:
        """Seconds, worked out once."""
        if source not in self._known:
            samples, rate = render_source(source, self.stimuli)
            self._known[source] = len(samples) / rate
        return self._known[source]


def name_of(step: Step) -> str:
    """What the administrator calls a screen."""
    if step.kind in ("training", "trial"):
        return SPECIAL[step.secret["role"]]
    if step.kind == "headphones":
        return f"Headphones ({step.secret['check'].title()})"
    return SCREENS[step.kind]
