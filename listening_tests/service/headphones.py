"""Whether a session's headphone checks were passed."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable

from ..stimuli.headphones import ROUNDS, passes
from ..store.rows import AnswerRow


def headphone_results(answers: Iterable[AnswerRow]) -> dict[str, bool]:
    """Check -> passed, for every check whose rounds are all answered."""
    right: dict[str, list[bool]] = defaultdict(list)
    for row in answers:
        if row.step.kind == "headphones":
            right[row.step.secret["check"]].append(row.answer.get("choice") == row.step.secret["answer"])
    return {check: passes(check, sum(given)) for check, given in right.items() if len(given) == ROUNDS}
