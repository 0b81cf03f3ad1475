"""Run the checks, one after the other; a decoder that raises fails the check that made it raise."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import NamedTuple

from .checks import bad_input, cancelling, causality, chunks, cost, ending, interleaving, leaking, packing, repeating
from .driving import Subject
from .finding import FAILS, Finding


class Check(NamedTuple):
    """A question to a decoder.

    Attributes:
        name: short.
        question: what is asked.
        answer: from a subject to (verdict, what was found, the first failing index).
    """

    name: str
    question: str
    answer: Callable[[Subject], tuple[str, str, int | None]]


CHECKS = (
    Check("chunks", "do chunks follow one another, float32, finite and within [-1, 1]?", chunks.answer),
    Check("repeating", "does the same request give the same samples again?", repeating.answer),
    Check("packing", "are the samples the same however the tokens are packed into pushes?", packing.answer),
    Check("interleaving", "are the samples the same when two sessions take turns?", interleaving.answer),
    Check("leaking", "does it decode from what is pushed alone?", leaking.answer),
    Check("causality", "does no sample depend on tokens beyond the declared look-ahead?", causality.answer),
    Check("ending", "does finish() give the rest, once, and nothing come after?", ending.answer),
    Check(
        "cancelling", "does cancel() stop it, from another thread too, and harm no other session?", cancelling.answer
    ),
    Check("bad input", "are impossible tokens refused, and other sessions unharmed?", bad_input.answer),
    Check("cost", "does a chunk cost the same late in a stream as early?", cost.answer),
)


def check_conformance(subject: Subject, names: list[str] | None = None) -> Iterator[Finding]:
    """Carry out the checks of these names, or all, and yield what each finds.

    Args:
        subject: the decoder and two utterances or more.
        names: of :data:`CHECKS`.
    """
    for check in CHECKS:
        if names is None or check.name in names:
            try:
                verdict, said, index = check.answer(subject)
            except Exception as error:
                text = " ".join(str(error).split())
                verdict, said, index = FAILS, f"it raised {type(error).__name__}: {text}", None
            yield Finding(check.name, verdict, said, index)
