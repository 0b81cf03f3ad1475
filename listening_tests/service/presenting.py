"""What a listener is told about a step: everything that the page draws, and nothing that tells systems apart."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import nh3

from ..opening import OpenStudy
from ..store import SessionRow, StepRow
from .completion import completion
from .screening import must_leave
from .sounds import Lengths, Sound, Windows, sounds_of

LISTENED_KINDS = ("training", "trial", "headphones")  # steps that are answered after listening
ALLOWED_TAGS = {"p", "br", "b", "i", "em", "strong", "ul", "ol", "li", "h2", "h3", "a"}  # of a consent text


class Presenter:
    """Makes the answers to ``GET /api/step``. Safe between threads.

    Args:
        windows: which sounds may be fetched.
        clock: seconds since 1970.
    """

    def __init__(self, windows: Windows, clock: Callable[[], float]) -> None:
        self.windows, self.clock, self.lengths = windows, clock, Lengths()
        self._admitted: set[str] = set()  # sessions past the headphone checks
        self._lock = threading.Lock()

    def present(self, opened: OpenStudy, session_id: str, session: Callable[[], SessionRow]) -> dict[str, Any]:
        """The step to be answered, or how the session ended.

        Args:
            session: asked for only where the session has no step to answer.

        Raises:
            SessionOver: it was idle for too long and somebody else has its slot.
        """
        current, following = opened.store.next_steps(session_id, self.clock())
        if current is not None and self._must_leave(opened, session_id, current):
            opened.store.screen_out(session_id, self.clock())
            current = None
        if current is None:
            self.windows.close(session_id)
            return _ending(opened, session())
        return self._step(opened, session_id, current, following)

    def _must_leave(self, opened: OpenStudy, session_id: str, current: StepRow) -> bool:
        if session_id in self._admitted:
            return False
        leaves = must_leave(opened, session_id, current)
        if not leaves and current.step.kind in ("training", "trial"):
            with self._lock:
                self._admitted.add(session_id)
        return leaves

    def find_sound(self, opened: OpenStudy, session_id: str, token: str) -> Sound | None:
        """The sound of that name, if the session may fetch it now."""
        found = self.windows.find(session_id, token)
        if found is None:  # another process, a restart, or a sound that is not the session's
            current, following = opened.store.next_steps(session_id, self.clock())
            self._open_window(opened, session_id, current, following)
            found = self.windows.find(session_id, token)
        return found

    def _open_window(self, opened: OpenStudy, session_id: str, *rows: StepRow | None) -> list[dict[str, Sound]]:
        secret = opened.store.secret(opened.study_id)
        sounds = [sounds_of(secret, session_id, row) if row is not None else {} for row in rows]
        self.windows.show(session_id, [sound for step in sounds for sound in step.values()])
        return sounds

    def _step(self, opened: OpenStudy, session_id: str, current: StepRow, following: StepRow | None) -> dict[str, Any]:
        now, ahead = self._open_window(opened, session_id, current, following)
        lengths = self.lengths.of(opened, current.step)
        listens = current.step.kind in LISTENED_KINDS
        return {
            "step": current.step_id,
            "kind": current.step.kind,
            "view": current.step.view,
            "position": current.position,
            "of": current.of,
            "remaining_s": round(current.remaining_s, 1),
            "public": public_of(current),
            "stimuli": [
                {"label": label, "url": f"a/{sound.token}", "seconds": lengths[label]} for label, sound in now.items()
            ],
            "listening": {"coverage": opened.study.listening.coverage if listens else 0.0},
            "saved": current.position,
            # in the order of names that mean nothing
            "prefetch": sorted(f"a/{sound.token}" for sound in ahead.values()),
        }


def public_of(row: StepRow) -> dict[str, Any]:
    """The step's public part, texts by the study's author cleaned of everything but plain formatting."""
    public = dict(row.step.public)
    for name in ("text", "question"):
        texts = public.get(name)
        if isinstance(texts, dict):
            public[name] = {language: clean(text) if name == "text" else text for language, text in texts.items()}
    return public


def clean(text: str) -> str:
    """HTML without scripts, styles, images, forms or anything else that runs or is fetched."""
    return nh3.clean(text, tags=ALLOWED_TAGS, attributes={"a": {"href"}}, url_schemes={"http", "https", "mailto"})


def _ending(opened: OpenStudy, session: SessionRow) -> dict[str, Any]:
    """``done`` only once the store has counted an answer to every step."""
    if session.state == "complete":
        return {"done": True, "completion": completion(opened, session.session_id, "completed"), "saved": session.of}
    if session.state == "screened-out":
        return {"screened_out": True, "completion": completion(opened, session.session_id, "screened_out")}
    return {"withdrawn": True}
