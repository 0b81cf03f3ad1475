"""Which decoder of one run is compared with which of the other."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from harness.run import Run

from .refusal import GateRefusedError, few

CONTROLS = frozenset({"copy-synthesis", "tokenizer"})  # recordings and ceilings: no decoder to be gated


@dataclass(frozen=True, slots=True)
class SystemPair:
    """What a decoder is called in either run."""

    candidate: str
    baseline: str

    @property
    def name(self) -> str:
        """As tables show it."""
        return self.candidate if self.candidate == self.baseline else f"{self.candidate} ({self.baseline})"

    @classmethod
    def parse(cls, text: str) -> SystemPair:
        """``full``, or ``new=old``: the system ``new`` of the candidate against ``old`` of the baseline."""
        candidate, equals, baseline = (part.strip() for part in text.partition("="))
        return cls(candidate, baseline if equals else candidate)


def system_pairs(
    baseline: Run, candidate: Run, wanted: Sequence[str], notes: list[str], refusals: list[str]
) -> tuple[SystemPair, ...]:
    """The pairs to compare; a name that a run lacks is refused, never left out.

    A decoder that only the baseline has goes to ``refusals`` unless ``wanted`` says which to compare: it may be the one
    that got worse.
    """
    if wanted:
        pairs = tuple(SystemPair.parse(text) for text in wanted)
        wrong = [
            f"{run.path}: no system {name!r}; there are {', '.join(run.systems)}"
            for pair in pairs
            for run, name in ((candidate, pair.candidate), (baseline, pair.baseline))
            if name not in run.systems
        ]
        if wrong:
            raise GateRefusedError(wrong)
        return pairs
    old, new = decoders(baseline), decoders(candidate)
    both = [name for name in new if name in old]
    if both:
        if gone := [name for name in old if name not in new]:
            refusals.append(
                f"systems: the candidate lacks {few(gone)}, which the baseline has; decode it there too, or say which "
                f"to compare with {' '.join(f'--system {name}' for name in both)}"
            )
        notes += [f"{name}: in the candidate alone, not compared" for name in new if name not in old]
        return tuple(SystemPair(name, name) for name in both)
    if len(old) == len(new) == 1:
        notes.append(f"{new[0]} of the candidate is compared with {old[0]} of the baseline: the one system of each")
        return (SystemPair(new[0], old[0]),)
    raise GateRefusedError(
        [f"no system is in both runs (baseline: {few(old) or 'none'}; candidate: {few(new) or 'none'}); "
         "say which with --system NEW=OLD"]
    )  # fmt: skip


def decoders(run: Run) -> list[str]:
    """The systems of a run that are neither recordings nor ceilings."""
    specs = run.experiment["systems"]
    return [name for name in run.systems if _strategy(specs[name], name) not in CONTROLS]


def _strategy(spec: Any, name: str) -> str:
    return str(spec.get("strategy", name)) if isinstance(spec, Mapping) else name
