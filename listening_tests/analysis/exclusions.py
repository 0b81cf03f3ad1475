"""Whose ratings are left out, by which registered rule, and what that does to the results."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import pandas

from listening_tests.protocols import get_protocol
from listening_tests.study import Study

from .mushra import screening
from .rows import main_rows, trials_of

NO_DIFFERENCE = {"ab": "same", "ccr": "0", "same-different": "same"}
"""Response that a careful listener gives again and again where systems are alike: no sign of straight-lining."""

Caught = Callable[[pandas.DataFrame, "pandas.DataFrame | None", Study], set[str]]


@dataclass(frozen=True, slots=True)
class Rule:
    """One way to be left out: ``caught(frame, sessions, study)`` names listeners, ``None`` for ``says`` means switched off."""

    name: str
    says: str
    caught: Caught


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a rule did. ``caught``: all whom it names; ``removed``: those no rule before had; ``left``: listeners after it."""

    name: str
    says: str
    caught: tuple[str, ...]
    removed: tuple[str, ...]
    left: int


@dataclass(frozen=True, slots=True)
class Exclusions:
    """``kept``: all rows of the listeners who stay; ``after[name]``: listeners left once rules up to this one are applied."""

    kept: pandas.DataFrame
    listeners: int
    outcomes: tuple[Outcome, ...]
    after: dict[str, frozenset[str]]

    @property
    def reasons(self) -> dict[str, list[str]]:
        """Every rule that names a listener, by listener."""
        found: dict[str, list[str]] = {}
        for outcome in self.outcomes:
            for listener in outcome.caught:
                found.setdefault(listener, []).append(outcome.name)
        return found


def apply_exclusions(frame: pandas.DataFrame, study: Study, sessions: pandas.DataFrame | None = None) -> Exclusions:
    """Apply the study's rules in their fixed order.

    Args:
        frame: RATING_COLUMNS, every role.
        study: as frozen when it opened.
        sessions: a row a listener, as far as known: listener, complete (bool), headphones ("passed", "failed", "").
    """
    left = set(frame["listener"])
    if sessions is not None:
        left |= set(sessions["listener"])
    everybody, outcomes, after = len(left), [], {}
    for rule in rules_of(study):
        caught = rule.caught(frame, sessions, study) & (set(frame["listener"]) | left)
        removed = caught & left
        left = left - caught
        outcomes.append(Outcome(rule.name, rule.says, tuple(sorted(caught)), tuple(sorted(removed)), len(left)))
        after[rule.name] = frozenset(left)
    return Exclusions(frame[frame["listener"].isin(left)], everybody, tuple(outcomes), after)


def rules_of(study: Study) -> list[Rule]:
    """The rules that the study registered, in order; those switched off are not among them."""
    of, mushra = study.exclusion, study.protocol == "mushra"
    seams, heard = study.protocol == "seam-locating", bool(study.screening.headphones)
    repeats = of.repeat_disagreement
    slow = of.mean_seconds_below
    rules = [
        (of.complete_only, "incomplete", "did not finish the session", _incomplete),
        (of.failed_headphones and heard, "headphones", "failed every headphone check", _headphones),
        (of.failed_traps < 1 and study.screening.traps > 0, "traps",
         f"answered more than {of.failed_traps:.0%} of the traps wrong", _traps),
        (of.identical_judged_different < 1 and study.screening.identical > 0, "identical pairs",
         f"heard a difference in more than {of.identical_judged_different:.0%} of the identical pairs", _identical),
        (repeats is not None and study.screening.repeats > 0, "repeats",
         f"differed from themselves by more than {repeats or 0:.0%} of the scale in repeated trials, on average", _repeats),
        (of.same_answer_share < 1 and not seams, "same answer",
         f"gave one and the same answer in more than {of.same_answer_share:.0%} of the trials"
         + (" (other than no difference)" if study.protocol in NO_DIFFERENCE else ""), _same_answer),
        (of.underrun_share < 1, "underruns",
         f"had audio underruns in more than {of.underrun_share:.0%} of the trials", _underruns),
        (slow is not None, "too quick", f"took less than {slow or 0:g} s a trial on average", _too_quick),
        (mushra and of.hidden_reference_share < 1, "hidden reference",
         f"rated the hidden reference below {of.hidden_reference_below:g} in more than {of.hidden_reference_share:.0%} of the "
         "trials (ITU-R BS.1534-3)", _hidden_reference),
        (mushra and of.anchor_share < 1, "mid anchor",
         f"rated the 7 kHz anchor above {of.anchor_above:g} in more than {of.anchor_share:.0%} of the trials "
         "(ITU-R BS.1534-3)", _anchor),
    ]  # fmt: skip
    return [Rule(name, says, caught) for on, name, says, caught in rules if on]


def repeat_pairs(frame: pandas.DataFrame) -> pandas.DataFrame:
    """Columns listener, sentence, system, against, first, again: main ratings that were asked twice."""
    keys = ["listener", "sentence", "system", "against"]
    first = main_rows(frame).groupby(keys, as_index=False)["value"].mean()
    again = frame[frame["role"] == "repeat"].groupby(keys, as_index=False)["value"].mean()
    return first.merge(again, on=keys, suffixes=("_first", "_again")).rename(
        columns={"value_first": "first", "value_again": "again"}
    )


def _named(shares: pandas.Series, limit: float) -> set[str]:
    return set(shares.index[shares > limit])


def _incomplete(frame: pandas.DataFrame, sessions: pandas.DataFrame | None, study: Study) -> set[str]:
    if sessions is None or "complete" not in sessions:
        return set()
    return set(sessions.loc[~sessions["complete"].astype(bool), "listener"])


def _headphones(frame: pandas.DataFrame, sessions: pandas.DataFrame | None, study: Study) -> set[str]:
    if sessions is None or "headphones" not in sessions:
        return set()
    return set(sessions.loc[sessions["headphones"] == "failed", "listener"])


def _traps(frame: pandas.DataFrame, sessions: pandas.DataFrame | None, study: Study) -> set[str]:
    traps = frame[frame["role"] == "trap"]
    return _named((traps["value"] < 1).groupby(traps["listener"]).mean(), study.exclusion.failed_traps)


def _identical(frame: pandas.DataFrame, sessions: pandas.DataFrame | None, study: Study) -> set[str]:
    pairs = frame[frame["role"] == "identical"]
    return _named((pairs["value"] != 0).groupby(pairs["listener"]).mean(), study.exclusion.identical_judged_different)


def _repeats(frame: pandas.DataFrame, sessions: pandas.DataFrame | None, study: Study) -> set[str]:
    pairs, (low, high) = repeat_pairs(frame), get_protocol(study.protocol).value_range
    distance = (pairs["first"] - pairs["again"]).abs() / (high - low)
    return _named(distance.groupby(pairs["listener"]).mean(), study.exclusion.repeat_disagreement or 0.0)


def _same_answer(frame: pandas.DataFrame, sessions: pandas.DataFrame | None, study: Study) -> set[str]:
    rows = main_rows(frame)
    # who hears no difference may say so throughout
    telling = rows[rows["response"] != NO_DIFFERENCE.get(study.protocol)]
    most = telling.groupby(["listener", "response"]).size().groupby("listener").max() / rows.groupby("listener").size()
    enough = rows.groupby("listener").size() >= 3  # of two answers alike nothing follows
    return _named(most[enough.reindex(most.index)], study.exclusion.same_answer_share)


def _underruns(frame: pandas.DataFrame, sessions: pandas.DataFrame | None, study: Study) -> set[str]:
    trials = trials_of(main_rows(frame))
    return _named((trials["underruns"] > 0).groupby(trials["listener"]).mean(), study.exclusion.underrun_share)


def _too_quick(frame: pandas.DataFrame, sessions: pandas.DataFrame | None, study: Study) -> set[str]:
    trials = trials_of(main_rows(frame))
    mean = trials.groupby("listener")["elapsed_s"].mean()
    return set(mean.index[mean < (study.exclusion.mean_seconds_below or 0.0)])


def _screened(frame: pandas.DataFrame, study: Study) -> list:
    return screening(main_rows(frame), study.exclusion.hidden_reference_below, study.exclusion.anchor_above)


def _hidden_reference(frame: pandas.DataFrame, sessions: pandas.DataFrame | None, study: Study) -> set[str]:
    return {
        row.listener for row in _screened(frame, study) if row.reference_share > study.exclusion.hidden_reference_share
    }


def _anchor(frame: pandas.DataFrame, sessions: pandas.DataFrame | None, study: Study) -> set[str]:
    return {row.listener for row in _screened(frame, study) if row.anchor_share > study.exclusion.anchor_share}
