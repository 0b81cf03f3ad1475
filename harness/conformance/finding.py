"""What a check found."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

HOLDS, FAILS, NOT_APPLICABLE = "holds", "FAILS", "not applicable"


@dataclass(frozen=True, slots=True)
class Finding:
    """One check's answer.

    Attributes:
        check: its name.
        verdict: ``holds``, ``FAILS`` or ``not applicable``.
        said: what was compared and what came of it, in one line.
        index: the first sample (or token, as ``said`` says) at which it fails; None where it holds or there is none.
    """

    check: str
    verdict: Literal["holds", "FAILS", "not applicable"]
    said: str
    index: int | None = None
