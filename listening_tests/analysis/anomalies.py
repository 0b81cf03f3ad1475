"""What a careful experimenter looks at by hand. Nobody is left out for it: that only the registered rules do."""

from __future__ import annotations

import pandas

from .reliability import listener_table
from .rows import NEUTRAL, judged, main_rows, trials_of

QUICK, SLOW = 1 / 3, 4.0  # times the median listener's time a trial
CHANCE = 0.05  # an honest listener's correlation with the others is so negative no oftener than this


def anomalies(frame: pandas.DataFrame, sessions: pandas.DataFrame | None = None) -> list[dict[str, str]]:
    """Rows of listener, what, detail: times, underruns, coverage, duplicate participants or answers, inverted scales."""
    rows = main_rows(frame)
    trials = trials_of(rows)
    found = [*_times(trials), *_audio(trials), *_same_person(sessions), *_same_answers(rows)]
    return found + (_against(rows) if len(rows) else [])


def _against(rows: pandas.DataFrame) -> list[dict[str, str]]:
    """Listeners who may have read the scale upside down."""
    protocol = str(rows["protocol"].iloc[0])
    table = listener_table(judged(rows, protocol), NEUTRAL.get(protocol))
    return [
        _row(row["listener"], "against the others", f"correlation −{-row['correlation']:.2f} over {row['shared']} stimuli "
             f"(by chance in {max(1, round(100 * row['against_p']))} of 100 listeners)")
        for row in table.to_dict("records")
        if row["against_p"] < CHANCE
    ]  # fmt: skip


def _row(listener: str, what: str, detail: str) -> dict[str, str]:
    return {"listener": str(listener), "what": what, "detail": detail}


def _times(trials: pandas.DataFrame) -> list[dict[str, str]]:
    own = trials.groupby("listener", sort=False)["elapsed_s"].median()
    usual = own.median()
    return [
        _row(listener, "quick" if seconds < usual else "slow", f"median {seconds:.1f} s a trial, usual {usual:.1f} s")
        for listener, seconds in own.items()
        if seconds < QUICK * usual or seconds > SLOW * usual
    ]


def _audio(trials: pandas.DataFrame) -> list[dict[str, str]]:
    found = []
    for listener, of in trials.groupby("listener", sort=False):
        if count := int((of["underruns"] > 0).sum()):
            found.append(_row(listener, "audio underruns", f"in {count} of {len(of)} trials"))
        if count := int((of["coverage"] < 0.99).sum()):
            found.append(_row(listener, "heard in part", f"{count} of {len(of)} trials below 99 % of the sound"))
    return found


def _same_person(sessions: pandas.DataFrame | None) -> list[dict[str, str]]:
    """``participant``: a keyed hash of the panel's id, so that it names nobody."""
    if sessions is None or "participant" not in sessions:
        return []
    known = sessions[sessions["participant"].fillna("") != ""]
    groups = known.groupby("participant")["listener"].agg(list)
    return [
        _row(listener, "participant again", f"{len(names)} sessions of one participant")
        for names in groups
        if len(names) > 1
        for listener in names
    ]


def _same_answers(rows: pandas.DataFrame) -> list[dict[str, str]]:
    """Listeners who answered the same trials alike throughout."""
    ordered = rows.sort_values(["position", "label"])
    answers = ordered.groupby("listener", sort=False)[["sentence", "system", "response"]].apply(
        lambda of: tuple(of.itertuples(index=False, name=None))
    )
    same = answers[answers.map(len) >= 8] if len(answers) else answers
    groups = same.groupby(same).groups.values() if len(same) else []
    return [
        _row(listener, "same answers", f"{len(names)} listeners gave the same answers to the same trials")
        for names in groups
        if len(names) > 1
        for listener in names
    ]
