"""How a study goes while it runs, without telling which system is ahead.

Looking at the means while ratings come in invites stopping when they please; the width of the intervals is all that a
decision to go on or stop needs. Names and means show only when asked for, and asking is written down.
"""

from __future__ import annotations

import string
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas

from .analysis.crossed_bootstrap import mean_opinion
from .analysis.rows import judged
from .errors import StudyError
from .protocols import get_protocol

if TYPE_CHECKING:
    from .opening import OpenStudy
    from .store.rows import StepCount

Tables = Iterator[tuple[str, list[dict[str, Any]]]]


def monitor_study(opened: OpenStudy, *, unlock: bool = False, by: str = "monitor", reason: str = "") -> Tables:
    """Titled tables: listeners, where they leave, balance of completed data, width of the intervals.

    Args:
        unlock: show systems by name, with their means; written into the study's audit log.
        by, reason: who unlocks and why, for the log.
    """
    if unlock:
        opened.store.audit(by, "unlock", opened.study_id, **({"reason": reason} if reason else {}))
    counts = opened.store.counts(opened.study_id)
    held = sum(state == "held" for state in counts.slots.values())
    states = {state: number for state, number in counts.states.items() if number}
    wanted = opened.study.design.listeners
    yield "listeners", [{"wanted": wanted, "complete": counts.complete, "places held": held, **states}]
    yield "where listeners left", drop_off(counts.drop_off)
    frame = opened.store.ratings_frame(opened.study_id, complete_only=True)
    main = frame[frame["role"] == "main"]
    yield "balance of completed ratings", balance(main)
    yield ("systems" if unlock else "width of the intervals (blind)"), precision(opened, main, unlock)


def log_of(opened: OpenStudy) -> list[dict[str, Any]]:
    """What administrators did with a study that shows systems or changes it, oldest first."""
    return [
        {
            "when": f"{datetime.fromtimestamp(entry['at'], UTC):%Y-%m-%d %H:%M} UTC",
            "who": entry["actor"],
            "what": entry["action"],
            "more": ", ".join(f"{name}: {value}" for name, value in (entry["detail"] or {}).items()),
        }
        for entry in opened.store.audit_log(opened.study_id)
    ]


def drop_off(counts: list[StepCount]) -> list[dict[str, Any]]:
    """Screens that somebody saw and did not answer."""
    return [
        {"screen": count.position + 1, "kind": count.kind, "shown": count.delivered, "answered": count.answered}
        for count in counts
        if count.answered < count.delivered
    ]


def balance(main: pandas.DataFrame) -> list[dict[str, Any]]:
    """Fewest and most ratings of a condition, of a sentence and of both crossed: equal when balanced."""
    if main.empty:
        return []
    rows = []
    for what, columns in (
        ("condition", ["condition"]),
        ("sentence", ["sentence"]),
        ("both", ["condition", "sentence"]),
    ):
        sizes = main.groupby(columns)["listener"].nunique()
        rows.append({"ratings of a": what, "groups": len(sizes), "fewest": int(sizes.min()), "most": int(sizes.max())})
    return rows


def precision(opened: OpenStudy, main: pandas.DataFrame, unlock: bool) -> list[dict[str, Any]]:
    """A row a system: ratings and half the width of its interval; names and means only where unlocked."""
    if main.empty:
        return []
    low, high = get_protocol(opened.study.protocol).value_range
    main = judged(main, opened.study.protocol)
    systems = list(main["system"].unique())
    # letters in an order that says nothing: neither the file's nor that of the means
    order = np.random.default_rng(list(opened.token.encode())).permutation(len(systems))
    rows = []
    for place, index in enumerate(order):
        system = systems[index]
        row: dict[str, Any] = {
            "system": system if unlock else letters(place),
            "ratings": int((main["system"] == system).sum()),
        }
        try:
            estimate = mean_opinion(main, system, claim=opened.study.analysis.claim)
        except StudyError:
            continue
        if unlock:
            row["mean"] = estimate.mean
        rows.append({**row, "± (95 %)": estimate.half_width, "share of the scale": estimate.half_width / (high - low)})
    return rows


def letters(place: int) -> str:
    """A, B, ... Z, AA, AB ..."""
    name = ""
    place += 1
    while place:
        place, digit = divmod(place - 1, 26)
        name = string.ascii_uppercase[digit] + name
    return name
