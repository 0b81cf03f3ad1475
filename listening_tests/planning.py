"""How many listeners and sentences a study needs before its first rating is given."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np
import pandas
from scipy import optimize, stats

from .analysis.variance_components import Components, variance_components
from .errors import StudyError

MOST_LISTENERS = 2000
CANDIDATE_SENTENCES = (8, 10, 12, 16, 20, 24, 30, 36, 40, 48, 60, 80, 100, 120, 160, 200)
CURVE_SENTENCES = (8, 12, 24, 48, 100)
CURVE_LISTENERS = (6, 8, 12, 16, 24, 36, 48, 72, 100, 150, 200)

__all__ = [
    "Components",
    "Effort",
    "Plan",
    "Precision",
    "curve",
    "detectable_difference",
    "plan",
    "precision",
    "variance_components",
]


@dataclass(frozen=True, kw_only=True, slots=True)
class Effort:
    """What a trial and a listener take.

    Attributes:
        trial_s: seconds a trial, listening and answering.
        overhead_min: consent, level, headphone check, training, comments.
        most_min: longest session; where there are more sentences, each listener hears some of them.
        pay_per_hour: in any currency. fee: of the platform, as a share of the pay.
        lost: share of listeners expected to be excluded or to drop out; so many more are invited.
    """

    trial_s: float = 12.0
    overhead_min: float = 4.0
    most_min: float = 25.0
    pay_per_hour: float = 12.0
    fee: float = 0.33
    lost: float = 0.1

    def __post_init__(self) -> None:
        if not self.trial_s > 0 or not self.most_min > self.overhead_min >= 0:
            raise StudyError(
                "effort: trial_s must be above 0 and most_min longer than overhead_min; mend the plan's times"
            )
        if not 0 <= self.lost < 1:
            raise StudyError(f"effort: lost = {self.lost} is a share of listeners; give 0 up to below 1")


@dataclass(frozen=True, slots=True)
class Precision:
    """What a design can see of a difference between two systems.

    Attributes:
        se: standard error, points. freedom: Satterthwaite's. half_width: of the 95 % interval.
    """

    se: float
    freedom: float
    half_width: float


@dataclass(frozen=True, slots=True)
class Plan:
    """A study that can see the difference asked for.

    Attributes:
        listeners: whose data are needed; ``invited`` counts those who will be lost.
        sentences: of the study. trials: main trials a listener.
        ratings: in all. minutes: a session. cost: of all who are invited, pay and fees.
        target, power, alpha: what was asked; ``alpha`` after correction for ``comparisons``.
        detectable: difference seen with that power; at most the target.
        precision: of a difference.
        options: other numbers of sentences that would do, each a row of the same figures.
    """

    systems: int
    listeners: int
    invited: int
    sentences: int
    trials: int
    ratings: int
    minutes: float
    cost: float
    target: float
    power: float
    alpha: float
    detectable: float
    precision: Precision
    components: Components
    options: tuple[dict[str, Any], ...] = field(default=())

    def table(self) -> dict[str, Any]:
        """As JSON."""
        return asdict(self)


def precision(
    components: Components,
    listeners: int,
    sentences: int,
    systems: int,
    *,
    trials: int | None = None,
    crossed: bool = False,
) -> Precision:
    """Of a difference of two systems in a balanced design; ratings that clip at the scale's ends are not thought of.

    Variance is ``2 listener_system^2 / L + 2 sentence_system^2 / S + 2 error^2 / n`` with ``n`` ratings a system; where each
    listener hears a sentence once, what listener and sentence share does not cancel and counts as error.

    Args:
        trials: stimuli a listener rates; None for all sentences (times all systems, if ``crossed``).
        crossed: every listener hears every system in each sentence that is heard at all.

    Raises:
        StudyError: fewer than two listeners, sentences or systems, or fewer trials than systems.
    """
    for name, count in (("listeners", listeners), ("sentences", sentences), ("systems", systems)):
        if count < 2:
            raise StudyError(f"{name} = {count}: a difference needs at least 2 {name}")
    trials = trials or sentences * (systems if crossed else 1)
    if trials < systems:
        raise StudyError(f"{trials} trials a listener for {systems} systems: give at least as many trials as systems")
    error = components.error**2 + (0.0 if crossed else components.listener_sentence**2)
    each = listeners * trials / systems  # ratings a system
    shared = 2 * error / each
    by_listener = 2 * components.listener_system**2 / listeners
    by_sentence = 2 * components.sentence_system**2 / sentences
    variance = by_listener + by_sentence + shared
    if not variance > 0:
        raise StudyError("all variances are 0, which no pilot of people gives; check the components")
    spread = (by_listener + shared) ** 2 / (listeners - 1) + (by_sentence + shared) ** 2 / (sentences - 1)
    spread += shared**2 / max((listeners - 1) * (trials / systems - 1), 1)
    freedom = variance**2 / spread
    se = math.sqrt(variance)
    return Precision(se, freedom, float(stats.t.ppf(0.975, freedom)) * se)


def power_of(difference: float, of: Precision, alpha: float = 0.05) -> float:
    """Chance that a true ``difference`` is found by the two-sided t test at ``alpha`` (noncentral t)."""
    limit = stats.t.ppf(1 - alpha / 2, of.freedom)
    shift = abs(difference) / of.se
    wrong_side = stats.nct.cdf(-limit, of.freedom, shift) if shift < 5 else 0.0  # scipy's is NaN far out, where it is 0
    return min(float(stats.nct.sf(limit, of.freedom, shift) + wrong_side), 1.0)


def detectable_difference(of: Precision, power: float = 0.8, alpha: float = 0.05) -> float:
    """Smallest true difference that is found with chance ``power``.

    Raises:
        StudyError: a power not above alpha or not below 1.
    """
    if not alpha < power < 1:
        raise StudyError(f"power {power} must lie between alpha ({alpha:g}) and 1, such as 0.8")
    top = of.se
    while power_of(top, of, alpha) < power:
        top *= 1.5
    return float(optimize.brentq(lambda d: power_of(d, of, alpha) - power, 0.0, top))


def plan(
    systems: int,
    target: float,
    *,
    components: Components | None = None,
    pilot: pandas.DataFrame | None = None,
    sentences: int | None = None,
    power: float = 0.8,
    alpha: float = 0.05,
    comparisons: int = 1,
    crossed: bool = False,
    effort: Effort | None = None,
) -> Plan:
    """The cheapest study that finds a difference of ``target`` points with chance ``power``.

    Args:
        systems: how many are compared.
        target: points of the scale.
        components: of the ratings; None to take the pilot's, or without one the assumed ones.
        pilot: ratings of an earlier study, columns ``listener``, ``sentence``, ``system``, ``value``.
        sentences: that there are; None to choose.
        comparisons: tests that will be corrected for (Bonferroni, which is Holm's first step).
        crossed: each listener hears all systems in each sentence; else one of them, balanced over listeners.

    Raises:
        StudyError: no number of listeners is enough, because sentences limit the precision; the line says how many would.
    """
    if not target > 0:
        raise StudyError(f"target {target} must be above 0, in points of the scale, such as 0.2")
    if comparisons < 1:
        raise StudyError(f"comparisons = {comparisons} must be at least 1")
    if components is None:
        components = variance_components(pilot) if pilot is not None else Components()
    corrected, effort = alpha / comparisons, effort or Effort()
    chosen = [sentences] if sentences else [n for n in CANDIDATE_SENTENCES if crossed or n >= systems]
    found = [p for n in chosen if (p := _smallest(systems, target, components, n, power, corrected, crossed, effort))]
    if not found:
        raise StudyError(_hopeless(systems, target, components, max(chosen), power, corrected))
    found.sort(key=lambda p: (p.cost, p.ratings, p.sentences))
    rows = [{key: getattr(p, key) for key in ("sentences", "listeners", "trials", "minutes", "cost")} for p in found]
    best = found[0]
    return Plan(**{name: getattr(best, name) for name in Plan.__slots__ if name != "options"}, options=tuple(rows))


def curve(
    systems: int,
    *,
    components: Components | None = None,
    sentences: Sequence[int] = CURVE_SENTENCES,
    listeners: Sequence[int] = CURVE_LISTENERS,
    power: float = 0.8,
    alpha: float = 0.05,
    comparisons: int = 1,
    effort: Effort | None = None,
) -> list[dict[str, float]]:
    """What difference more listeners, or more sentences, would show: rows of sentences, listeners, detectable, half_width.

    Sessions are as long as ``effort`` allows. Where a row would have fewer sentences than systems it is left out.

    Args:
        as of :func:`plan`.
    """
    components, effort, rows = components or Components(), effort or Effort(), []
    for count in (one for one in sentences if one >= systems):
        trials = trials_of(count, systems, effort)
        for heads in (one for one in listeners if one >= systems):
            of = precision(components, heads, count, systems, trials=trials)
            found = detectable_difference(of, power, alpha / comparisons)
            rows.append({"sentences": count, "listeners": heads, "detectable": found, "half_width": of.half_width})
    return rows


def trials_of(wanted: int, systems: int, effort: Effort) -> int:
    """Main trials that a session has room for, a multiple of the systems; at most ``wanted``."""
    room = int((effort.most_min - effort.overhead_min) * 60 / effort.trial_s)
    return min(wanted, max(room // systems, 1) * systems)


def _smallest(
    systems: int,
    target: float,
    components: Components,
    sentences: int,
    power: float,
    alpha: float,
    crossed: bool,
    effort: Effort,
) -> Plan | None:
    """The fewest listeners with so many sentences, in whole blocks of the balanced design; None if none is enough."""
    wanted = sentences * (systems if crossed else 1)
    trials = trials_of(wanted, systems, effort)
    block = 1 if crossed else systems

    def seen(blocks: int) -> float:
        of = precision(components, max(blocks * block, 2), sentences, systems, trials=trials, crossed=crossed)
        return power_of(target, of, alpha)

    low, high = 1, max(MOST_LISTENERS // block, 1)
    if seen(high) < power:
        return None
    while low < high:
        middle = (low + high) // 2
        low, high = (low, middle) if seen(middle) >= power else (middle + 1, high)
    listeners = max(low * block, 2)
    of = precision(components, listeners, sentences, systems, trials=trials, crossed=crossed)
    minutes = effort.overhead_min + trials * effort.trial_s / 60
    invited = math.ceil(listeners / (1 - effort.lost))
    cost = invited * minutes / 60 * effort.pay_per_hour * (1 + effort.fee)
    return Plan(
        systems, listeners, invited, sentences, trials, listeners * trials, minutes, round(cost, 2), target, power, alpha,
        detectable_difference(of, power, alpha), of, components,
    )  # fmt: skip


def _hopeless(systems: int, target: float, components: Components, sentences: int, power: float, alpha: float) -> str:
    """Say what limits: with ever more listeners the sentences' own part remains."""
    quantiles = stats.norm.ppf(1 - alpha / 2) + stats.norm.ppf(power)
    needed = math.ceil(2 * (components.sentence_system * quantiles / target) ** 2) + 1
    limit = float(np.sqrt(2) * components.sentence_system / math.sqrt(sentences) * quantiles)
    if needed > sentences:
        return (
            f"{sentences} sentences cannot resolve {target:g} points with any number of listeners (limit about {limit:.2f}); "
            f"use more than {needed} sentences, or a larger target"
        )
    return (
        f"{target:g} points need more than {MOST_LISTENERS} listeners with {sentences} sentences; use more sentences, longer "
        f"sessions, fewer systems ({systems} now) or a larger target"
    )
