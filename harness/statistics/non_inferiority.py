"""Non-inferiority: that a candidate is worse by less than a margin, is worse by more, or that nobody can say."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from typing import Literal

import numpy as np

from .equivalence import check_margin
from .location import Location, locate_sample
from .power import detectable, needed
from .samples import Clusters, Sample, StatisticsError, Values, fewest, read_sample, speaker_clusters
from .spreadless import sign_p
from .trimmed import TRIM

Verdict = Literal["PASS", "FAIL", "INCONCLUSIVE"]


@dataclass(frozen=True, slots=True)
class NonInferiority:
    """Result of :func:`non_inferiority`.

    Attributes:
        verdict: ``PASS`` (low above minus the margin), ``FAIL`` (high below it), else ``INCONCLUSIVE``.
        estimate: trimmed mean (or mean) of the differences; NaN without any.
        low, high: bounds, each of the one-sided level; None where the spread cannot be estimated.
        margin: as given.
        n: utterances that both have.
        needed_n: utterances at which a candidate that is truly as good as the baseline would pass with a chance of
            0.8; None where the spread cannot be estimated.
        speakers: clusters; 0 where the utterances are taken as independent.
        mdd: the worsening that would be seen with a chance of 0.8, one-sided; NaN where it cannot be estimated.
        p_pass: that the true difference is minus the margin or worse (small: PASS); NaN where no test can be made.
        p_fail: that it is minus the margin or better (small: FAIL), for Holm's correction; NaN likewise.
        note: what a reader must know, such as why it is inconclusive; "" for nothing.
    """

    verdict: Verdict
    estimate: float
    low: float | None
    high: float | None
    margin: float
    n: int
    needed_n: int | None
    speakers: int = 0
    mdd: float = float("nan")
    p_pass: float = float("nan")
    p_fail: float = float("nan")
    note: str = ""

    @property
    def underpowered(self) -> bool:
        """Whether even a candidate as good as the baseline would mostly not pass with so few utterances."""
        return self.needed_n is not None and self.needed_n > self.n


def non_inferiority(
    differences_oriented: Values,
    margin: float,
    clusters: Clusters = None,
    level: float = 0.95,
    trim: float = TRIM,
) -> NonInferiority:
    """Judge candidate minus baseline, oriented so that higher is better, against a margin.

    The rule is that of clinical trials (Piaggio et al., JAMA 308, 2012): the margin is chosen before the data and is
    never widened to what the data could show. PASS and FAIL are each wrong with a chance of at most ``1 - level``
    where the trimmed mean of the population is minus the margin. For a release that needs *every* metric to PASS,
    PASS needs no correction (intersection-union); FAIL claims over many metrics and slices do: give ``p_fail`` to
    ``holm``.

    Args:
        differences_oriented: ``[n]``, seeds averaged within the utterance; NaN is left out.
        margin: the worsening that just does not matter, in their unit, above 0.
        clusters: ``[n]``, the speakers. Where all are one speaker's, utterances are taken as independent, and the
            claim is about that speaker alone; ``note`` says so.
        level: one-sided.
        trim: share cut at each end, 0 for the mean.

    Returns:
        INCONCLUSIVE below 5 utterances (at 0.95), of which nothing that assumes no distribution could say more. Where
        all differences are the same, as of a system from itself, the sign test decides and there is no interval.

    Raises:
        StatisticsError: a margin or level that cannot be, infinite values, or lengths that differ.
    """
    check_margin(margin)
    if not 0.5 < level < 1:
        raise StatisticsError(f"level {level} must lie between 0.5 and 1, such as 0.95")
    values = np.asarray(differences_oriented, dtype=np.float64)
    if not np.isfinite(values).any() and not np.isinf(values).any():
        return NonInferiority("INCONCLUSIVE", np.nan, None, None, margin, 0, None, note="no utterance that both have")
    sample, one_speaker = _independent_if_one(values, clusters)
    location = locate_sample(sample, trim)
    estimate, low, high = location.interval(2 * level - 1)
    test = location.p_value if location.has_spread else partial(sign_p, sample)
    p_pass, p_fail = test(-margin, "greater"), test(-margin, "less")
    verdict = _verdict(sample.n, p_pass, p_fail, 1 - level)
    needed_n = needed(location, margin, alpha=1 - level, sides=1)
    if needed_n is not None:
        needed_n = max(needed_n, fewest(1 - level, sides=1))
    return NonInferiority(
        verdict,
        estimate,
        low,
        high,
        margin,
        sample.n,
        needed_n,
        speakers=0 if clusters is None or one_speaker else sample.clusters,
        mdd=detectable(location, alpha=1 - level, sides=1),
        p_pass=p_pass,
        p_fail=p_fail,
        note="; ".join(filter(None, _notes(sample, location, verdict, needed_n, one_speaker, 1 - level))),
    )


def _verdict(n: int, p_pass: float, p_fail: float, alpha: float) -> Verdict:
    if n < fewest(alpha, sides=1):
        return "INCONCLUSIVE"
    return "PASS" if p_pass < alpha else "FAIL" if p_fail < alpha else "INCONCLUSIVE"


def _notes(
    sample: Sample, location: Location, verdict: Verdict, needed_n: int | None, one_speaker: bool, alpha: float
) -> Iterator[str]:
    """What a reader must know beside the verdict."""
    if one_speaker:
        yield "one speaker: it says nothing of others"
    if sample.n < fewest(alpha, sides=1):
        yield f"{sample.n} utterances are too few for any verdict"
    elif not location.has_spread and not np.isnan(sign_p(sample)):
        yield "all differences are the same; judged by the sign test"
    elif not location.has_spread:
        yield "the spread cannot be estimated: most differences are the same"
    elif verdict == "INCONCLUSIVE" and needed_n is not None and needed_n > sample.n:
        yield f"underpowered: {needed_n} utterances are needed"
    elif verdict == "INCONCLUSIVE":
        yield "the difference lies near the margin; there are utterances enough for a candidate that is as good"


def _independent_if_one(values: np.ndarray, clusters: Clusters) -> tuple[Sample, bool]:
    """The sample, and whether a single speaker was taken as no cluster."""
    sample = read_sample(values, clusters)
    if clusters is None or speaker_clusters(np.asarray(clusters, dtype=object)[~np.isnan(values)]) is not None:
        return sample, False
    return read_sample(values), True
