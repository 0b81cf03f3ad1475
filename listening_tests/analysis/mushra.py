"""MUSHRA: post-screening of ITU-R BS.1534-3, medians with quartiles, Friedman's test over listeners."""

from __future__ import annotations

from dataclasses import dataclass

import pandas
from scipy import stats

from listening_tests.model import ANCHOR_MID, REFERENCE

CROWD_SHARE = 0.25  # an item whose anchor so many listeners rate above the limit does not count against anyone


@dataclass(frozen=True, slots=True)
class Screened:
    """How a listener did.

    Attributes:
        items: trials. reference_share: of them with the hidden reference rated below the limit.
        anchor_share: of the trials that count, with the mid anchor rated above its limit.
    """

    listener: str
    items: int
    reference_share: float
    anchor_share: float


def screening(frame: pandas.DataFrame, reference_below: float = 90.0, anchor_above: float = 90.0) -> list[Screened]:
    """What BS.1534-3 section 4.1.2 looks at, a row a listener; the study's exclusion rules compare the shares with limits.

    The share is of a listener's own trials: one bad reference among many is no reason (pyMUSHRA drops listeners for it).

    Args:
        frame: main MUSHRA ratings, hidden reference and anchors among them.
    """
    low = frame[frame["system"] == REFERENCE].assign(missed=lambda rows: rows["value"] < reference_below)
    mid = frame[frame["system"] == ANCHOR_MID].assign(missed=lambda rows: rows["value"] > anchor_above)
    crowd = mid.groupby("sentence")["missed"].mean()
    mid = mid[~mid["sentence"].isin(crowd[crowd > CROWD_SHARE].index)]
    reference_share, anchor_share = low.groupby("listener")["missed"].mean(), mid.groupby("listener")["missed"].mean()
    items = low.groupby("listener").size()
    return [
        Screened(str(listener), int(items.get(listener, 0)), float(reference_share.get(listener, 0.0)),
                 float(anchor_share.get(listener, 0.0)))
        for listener in dict.fromkeys(frame["listener"])
    ]  # fmt: skip


def quartiles(frame: pandas.DataFrame) -> pandas.DataFrame:
    """Columns system, ratings, median, q1, q3, low, high (whiskers of Tukey: the last rating within 1.5 IQR)."""
    rows = []
    for system, values in frame.groupby("system", sort=False)["value"]:
        q1, median, q3 = values.quantile([0.25, 0.5, 0.75])
        reach = 1.5 * (q3 - q1)
        inside = values[(values >= q1 - reach) & (values <= q3 + reach)]
        rows.append({"system": system, "ratings": len(values), "median": float(median), "q1": float(q1), "q3": float(q3),
                     "low": float(inside.min()), "high": float(inside.max())})  # fmt: skip
    return pandas.DataFrame(rows)


def friedman(frame: pandas.DataFrame) -> dict[str, float] | None:
    """Friedman's test that systems rank alike, a listener's mean of each system as one value (ratings are not independent).

    Returns:
        chi2, p_value, systems, listeners, kendall_w; None below three systems or two listeners who rated all.
    """
    wide = frame.groupby(["listener", "system"])["value"].mean().unstack().dropna()
    listeners, systems = wide.shape
    if systems < 3 or listeners < 2:
        return None
    chi2, p_value = stats.friedmanchisquare(*(wide[system] for system in wide))
    agreement = float(chi2) / (listeners * (systems - 1))
    return {
        "chi2": float(chi2),
        "p_value": float(p_value),
        "systems": systems,
        "listeners": listeners,
        "kendall_w": agreement,
    }
