"""A linear mixed model of ratings with crossed listeners and sentences, by statsmodels."""

from __future__ import annotations

import warnings
from dataclasses import dataclass

import numpy as np
import pandas
from scipy import stats
from statsmodels.regression.mixed_linear_model import MixedLM, VCSpec

from listening_tests.errors import StudyError

from .crossed_data import Ratings, read_ratings

LARGEST = 12_000  # ratings: statsmodels solves one dense system over all random effects

STRUCTURES = (
    ("listener", "sentence", "listener_system", "sentence_system"),
    ("listener", "sentence", "listener_system"),
    ("listener", "sentence"),
)
"""From the richest: intercepts and system effects of both, then fewer."""


@dataclass(frozen=True, slots=True, eq=False)
class MixedModel:
    """A fit.

    Attributes:
        means: columns ``system``, ``mean``, ``se``, ``low``, ``high``.
        covariance: float64 ``[systems, systems]``, of the means.
        components: standard deviations in points, ``error`` among them.
        structure: random effects that were fitted.
        freedom: of the intervals, the fewer of listeners and sentences less one: statsmodels' own normal quantiles are
            too narrow for few of either.
        note: what was left out and why; "" for nothing.
    """

    means: pandas.DataFrame
    covariance: np.ndarray
    components: dict[str, float]
    structure: tuple[str, ...]
    freedom: float
    note: str = ""

    def difference(self, a: str, b: str, level: float = 0.95) -> tuple[float, float, float, float]:
        """``a`` minus ``b``: difference, low, high, two-sided p value.

        Raises:
            StudyError: a system that was not fitted.
        """
        names = list(self.means["system"])
        for name in (a, b):
            if name not in names:
                raise StudyError(f"the model has no system {name!r}; it has {', '.join(names)}")
        goal = np.array([(name == a) - (name == b) for name in names], dtype=float)
        value, se = float(goal @ self.means["mean"].to_numpy()), float(np.sqrt(goal @ self.covariance @ goal))
        half = stats.t.ppf(0.5 + level / 2, self.freedom) * se
        return value, value - half, value + half, float(2 * stats.t.sf(abs(value) / se, self.freedom))


def mixed_model(frame: pandas.DataFrame, *, level: float = 0.95) -> MixedModel:
    """Fit ``value ~ system`` with crossed random intercepts of listeners and sentences and system effects of both (REML).

    Where the richest structure does not converge, effects are left out from the end of it and ``note`` says so; without the
    system effects of listeners and sentences intervals are too narrow (Barr and others, Journal of Memory and Language 68,
    2013), so :func:`crossed_bootstrap.difference` stays the analysis to report and this its check.

    Args:
        frame: columns ``listener``, ``sentence``, ``system``, ``value``.

    Raises:
        StudyError: too few listeners, sentences or ratings, too many ratings, or no structure that fits.
    """
    ratings = read_ratings(frame)
    counts = ratings.counts
    if min(counts["listeners"], counts["sentences"]) < 3 or np.ptp(ratings.value) == 0:
        raise StudyError(
            "a mixed model needs 3 listeners, 3 sentences and ratings that differ; use mean_opinion instead"
        )
    if counts["ratings"] > LARGEST:
        raise StudyError(
            f"{counts['ratings']} ratings are too many for the mixed model (at most {LARGEST}); use difference"
        )
    missed: list[str] = []
    for structure in STRUCTURES:
        try:
            fit = _fit(ratings, structure)
        except (np.linalg.LinAlgError, ValueError, FloatingPointError) as error:
            missed.append(f"{' + '.join(structure)}: {type(error).__name__}")
            continue
        if fit.converged and np.isfinite(fit.bse_fe).all():
            return _result(ratings, structure, fit, level, missed)
        missed.append(f"{' + '.join(structure)}: did not converge")
    raise StudyError(f"no mixed model fits these ratings ({'; '.join(missed)}); use difference, which needs no fit")


def _fit(ratings: Ratings, structure: tuple[str, ...]):
    systems = len(ratings.systems)
    codes = {
        "listener": ratings.listener,
        "sentence": ratings.sentence,
        "listener_system": ratings.listener * systems + ratings.system,
        "sentence_system": ratings.sentence * systems + ratings.system,
    }
    indicators = []
    for name in structure:
        where = np.unique(codes[name], return_inverse=True)[1]
        indicators.append(np.eye(int(where.max()) + 1)[where])
    names = [[[f"{name}{i}" for i in range(z.shape[1])]] for name, z in zip(structure, indicators, strict=True)]
    spec = VCSpec(list(structure), names, [[z] for z in indicators])
    fixed = np.eye(systems)[ratings.system]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # a component at 0 is no failure here; convergence is asked below
        one_group = np.zeros(len(ratings.value))  # crossed effects: all ratings are one group of statsmodels
        return MixedLM(ratings.value, fixed, groups=one_group, exog_vc=spec).fit(reml=True, method=["lbfgs", "bfgs"])


def _result(ratings: Ratings, structure: tuple[str, ...], fit, level: float, missed: list[str]) -> MixedModel:
    counts = ratings.counts
    freedom = float(min(counts["listeners"], counts["sentences"]) - 1)
    mean, se = np.asarray(fit.fe_params), np.asarray(fit.bse_fe)
    half = stats.t.ppf(0.5 + level / 2, freedom) * se
    means = pandas.DataFrame(
        {"system": ratings.systems, "mean": mean, "se": se, "low": mean - half, "high": mean + half}
    )
    covariance = np.asarray(fit.cov_params())[: len(mean), : len(mean)]
    components = dict(zip(structure, np.sqrt(np.maximum(fit.vcomp, 0.0)), strict=True)) | {"error": fit.scale**0.5}
    components = {name: float(value) for name, value in components.items()}
    note = f"left out: {'; '.join(missed)}" if missed else ""
    return MixedModel(means, covariance, components, structure, freedom, note)
