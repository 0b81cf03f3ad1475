"""Gates that were carried out: their verdicts and checks, read back from ``gate.json``."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from harness.storage import read_json

from .checks import Check
from .files import JSON, PAGE
from .outcome import EXIT_CODES

PLACES = (f"*/{JSON}", f"*/*/{JSON}")  # `--out runs/gate`, and a folder of gates


@dataclass(frozen=True, kw_only=True)
class KeptGate:
    """A gate that was carried out.

    Attributes:
        name: of its folder, relative to the folder of runs, with forward slashes.
        path: the folder.
        verdict: PASS, FAIL, INCONCLUSIVE or BROKEN.
        meaning: in words.
        created: when, UTC.
        candidate, baseline: as they were named.
        policy: as a table.
        checks: every one.
        reasons: why it did not pass, one line each.
        notes: what a reader should know.
        has_page: whether there is a page with the audio of what fell.
    """

    name: str
    path: Path
    verdict: str
    meaning: str
    created: datetime
    candidate: str
    baseline: str
    policy: Mapping[str, Any] = field(default_factory=dict)
    checks: Sequence[Check] = ()
    reasons: Sequence[str] = ()
    notes: Sequence[str] = ()
    has_page: bool = False

    @property
    def holding(self) -> list[Check]:
        """The checks because of which it did not pass, those that FAIL first."""
        return sorted((one for one in self.checks if one.holds_back), key=lambda one: one.verdict != "FAIL")

    def closest(self, most: int = 3) -> list[Check]:
        """The deciding checks that used up most of what they may lose, the nearest to it first."""
        deciding = [one for one in self.checks if one.must != "report" and share_used(one) > 0]
        return sorted(deciding, key=share_used, reverse=True)[:most]

    def candidate_in(self, runs: Path) -> str:
        """Name of the candidate's folder among the runs; "" where it is not one of them."""
        path = Path(self.candidate)
        near = (runs / path.name).resolve()
        return path.name if path.name and (runs / path.name).is_dir() and path.resolve() in (near, path) else ""


def share_used(check: Check) -> float:
    """How much of what a check tolerates was used up: 0 for no loss, 1 for the whole margin, above it more."""
    if check.estimate is None or math.isnan(check.estimate):
        return 0.0
    if check.kind == "quality":
        lost, allowed = -check.estimate, check.margin
    elif check.kind == "latency" and check.unit != "s more":  # a ratio
        lost, allowed = check.estimate - 1.0, check.margin - 1.0
    else:
        lost, allowed = check.estimate, check.margin
    if lost <= 0:
        return 0.0
    return lost / allowed if allowed > 0 else math.inf


def kept_gates(runs: str | Path) -> list[KeptGate]:
    """The gates below a folder of runs, the latest first; files that are no gate's are passed over."""
    root = Path(runs)
    found = []
    for place in PLACES:
        for file in root.glob(place):
            if any(part.startswith(".") for part in file.relative_to(root).parts):
                continue
            gate = read_gate(file.parent, file.parent.relative_to(root).as_posix())
            found += [gate] if gate else []
    return sorted(found, key=lambda gate: (gate.created, gate.name), reverse=True)


def read_gate(folder: Path, name: str) -> KeptGate | None:
    """The gate of a folder, None where there is none that can be read."""
    content = read_json(folder / JSON)
    if not isinstance(content, dict) or content.get("verdict") not in EXIT_CODES:
        return None
    try:
        created = datetime.fromisoformat(content["created"])
        return KeptGate(
            name=name,
            path=folder,
            verdict=content["verdict"],
            meaning=str(content.get("meaning") or ""),
            created=created if created.tzinfo else created.replace(tzinfo=UTC),
            candidate=str(content.get("candidate") or ""),
            baseline=str(content.get("baseline") or ""),
            policy=content.get("policy") or {},
            checks=tuple(_check(row) for row in content.get("checks") or ()),
            reasons=tuple(map(str, content.get("reasons") or ())),
            notes=tuple(map(str, content.get("notes") or ())),
            has_page=(folder / PAGE).is_file(),
        )
    except (KeyError, TypeError, ValueError):
        return None


def _check(row: Mapping[str, Any]) -> Check:
    known = {item.name for item in fields(Check)}
    nan = {key: math.nan for key in ("estimate", "p_fail", "p_holm") if row.get(key) is None}
    return Check(**{key: value for key, value in row.items() if key in known} | nan)
