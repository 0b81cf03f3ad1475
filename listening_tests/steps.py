"""Answers to the steps of a session that are not trials: consent, questions, level, headphone check, break, comments."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .errors import AnswerError
from .model import Step

MAX_COMMENT = 4000  # characters
MAX_REPLY = 200


def check_plain_answer(step: Step, answer: Mapping[str, Any]) -> None:
    """Check an answer to a step that is not a trial.

    ``consent`` is ``{"agreed": true}``; ``questions`` ``{"replies": {question: text}}`` with any of them left out;
    ``level`` and ``break`` ``{"done": true}``; ``headphones`` ``{"choice": label}``; ``comments`` ``{"text": text}``.

    Raises:
        AnswerError: anything else.
    """
    if step.kind == "consent":
        fine = answer.get("agreed") is True
    elif step.kind in ("level", "break"):
        fine = answer.get("done") is True
    elif step.kind == "headphones":
        choice = answer.get("choice")
        fine = isinstance(choice, str) and choice in step.sources
    elif step.kind == "questions":
        replies = answer.get("replies")
        asked = step.public.get("questions", ())
        fine = isinstance(replies, Mapping) and all(
            name in asked and isinstance(text, str) and len(text) <= MAX_REPLY for name, text in replies.items()
        )
    elif step.kind == "comments":
        text = answer.get("text", "")
        fine = isinstance(text, str) and len(text) <= MAX_COMMENT
    else:
        raise ValueError(f"{step.kind} is a trial; its protocol checks the answer")
    if not fine:
        raise AnswerError(f"this is no answer to the step '{step.kind}'; reload the page and answer again")
