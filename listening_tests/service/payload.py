"""What the page gets of a step: everything it draws, nothing that tells systems, sentences or roles apart."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import nh3

from ..model import Step
from ..opening import OpenStudy
from ..stimuli.headphones import DURATION_S
from ..stimuli.sources import render_source
from ..store.rows import SessionRow, StepRow
from ..study import HEADPHONE_CHECKS as MAKERS
from .sounds import sound_token

LOCALISED = ("text", "question")  # of ``public``: texts a language
ALLOWED = {"p", "br", "b", "strong", "i", "em", "ul", "ol", "li", "h3", "a"}


def step_payload(opened: OpenStudy, row: StepRow, session: SessionRow, ahead: StepRow | None) -> dict[str, Any]:
    """JSON of one step.

    Args:
        row: the step to be done now.
        session: whose.
        ahead: the step after it, for fetching its sounds early.
    """
    step = row.step
    coverage = opened.study.listening.coverage if step.kind in ("training", "trial") else 0.0
    return {
        "step": row.step_id, "kind": step.kind, "view": step.view, "position": row.position, "of": row.of,
        "remaining_s": row.remaining_s, "public": public_part(step.public, session.language, opened),
        "stimuli": stimuli_of(opened, session.session_id, row), "listening": {"coverage": coverage},
        "language": session.language, "saved": row.position,
        "prefetch": [] if ahead is None else [item["url"] for item in stimuli_of(opened, session.session_id, ahead)],
    }  # fmt: skip


def stimuli_of(opened: OpenStudy, session_id: str, row: StepRow) -> list[dict[str, Any]]:
    """Label, address and length of every sound of a step, in the order shown."""
    return [
        {"label": label, "url": f"/a/{sound_token(opened.secret, session_id, row.step_id, label)}", "seconds": seconds}
        for label, seconds in lengths_of(opened, row.step).items()
    ]


def lengths_of(opened: OpenStudy, step: Step) -> dict[str, float]:
    """Label -> seconds of every sound of a step."""
    return {label: _seconds(opened, source) for label, source in step.sources.items()}


def _seconds(opened: OpenStudy, source: str) -> float:
    kind, _, rest = source.partition(":")
    if kind == "clip":
        stimulus = opened.stimuli.stimuli[rest]
        return round(stimulus.samples / stimulus.rate, 4)
    if kind in MAKERS:
        return DURATION_S
    samples, rate = render_source(source, opened.stimuli)
    return round(len(samples) / rate, 4)


def public_part(public: Mapping[str, Any], language: str, opened: OpenStudy) -> dict[str, Any]:
    """``public`` with texts of the session's language alone, freed of anything but plain markup."""
    shown = dict(public)
    for name in LOCALISED:
        if isinstance(shown.get(name), Mapping):
            texts = shown[name]
            text = texts.get(language) or texts.get(opened.study.languages[0]) or next(iter(texts.values()), "")
            shown[name] = nh3.clean(text, tags=ALLOWED, attributes={"a": {"href"}}, url_schemes={"https", "mailto"})
            if not text:
                del shown[name]
    return shown
