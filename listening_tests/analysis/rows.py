"""Which rows of a ratings frame an analysis reads, and what a row is about."""

from __future__ import annotations

from collections.abc import Sequence

import pandas

from listening_tests.errors import StudyError
from listening_tests.model import RATING_COLUMNS

PAIR_PROTOCOLS = frozenset({"ab", "ccr", "abx", "abx-offline", "same-different"})
ABX_PROTOCOLS = frozenset({"abx", "abx-offline"})
SLIDER_PROTOCOLS = frozenset({"mushra", "multi-stimulus"})
NEUTRAL = {"ab": 0.5, "abx": 0.5, "abx-offline": 0.5, "ccr": 0.0, "same-different": 0.5}
"""Value, as :func:`judged` gives it, that says nothing either way."""


def check_frame(frame: pandas.DataFrame, columns: Sequence[str] = tuple(RATING_COLUMNS)) -> pandas.DataFrame:
    """The frame itself.

    Raises:
        StudyError: a column is missing.
    """
    missing = [column for column in columns if column not in frame.columns]
    if missing:
        raise StudyError(f"the ratings lack the columns {', '.join(missing)}; make them with Store.ratings_frame")
    return frame


def main_rows(frame: pandas.DataFrame) -> pandas.DataFrame:
    """The ratings that count: of main trials, with a value."""
    return frame[(frame["role"] == "main") & frame["value"].notna()]


def with_subject(frame: pandas.DataFrame) -> pandas.DataFrame:
    """A copy whose ``system`` says what is estimated: the system, or ``other − base`` for one judged against another."""
    pair = frame["against"].fillna("").astype(str)
    subject = frame["system"].astype(str).where(pair == "", frame["system"].astype(str) + " against " + pair)
    return frame.assign(system=subject)


def judged(frame: pandas.DataFrame, protocol: str) -> pandas.DataFrame:
    """Main rows as means are taken of them: :func:`with_subject`, and a value of one meaning.

    Same-different: 1 for a right answer (how often "different" was said of same and different pairs together means nothing).
    Seam locating: the real seams alone, 1 for a hit.
    """
    rows = with_subject(frame)
    if protocol == "same-different":
        return rows.assign(value=(rows["response"] == rows["truth"]).astype(float))
    return rows[rows["truth"] == "seam"] if protocol == "seam-locating" else rows


def trials_of(frame: pandas.DataFrame) -> pandas.DataFrame:
    """One row a trial (a MUSHRA screen has several ratings): the first rating's columns."""
    return frame.drop_duplicates(["listener", "position"])
