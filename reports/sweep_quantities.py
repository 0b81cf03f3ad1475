"""What a sweep is plotted in: scores, seams and waiting, each a mean with its interval for every system."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import pandas as pd

from reports.comparison import Comparison, MetricColumn
from reports.estimates import Estimate, mean
from reports.formatting import decimals_for, significant
from reports.seam_tables import rows_of, seam_measures

FIRST = ("pesq_wb", "stoi", "speaker_similarity", "f0_median_cents", "f0_frame_error")  # the others follow
FLUX = "mel_flux"
WAITS = ("first-packet", "algorithmic", "rtf")


@dataclass(frozen=True)
class Quantity:
    """One thing that is plotted.

    Attributes:
        key: unique among the quantities of a report.
        name: in headings.
        axis: its title, with the unit.
        arrow: ↑ or ↓ where one is better.
        estimates: by system; of one that has none, no entry. Bounds are NaN where there is no interval.
        decimals: after the point, in tables.
        metric: the score that it is, None for seams and waiting.
        chance: what the quantity would be where nothing is the matter, as a band; None for none.
    """

    key: str
    name: str
    axis: str
    arrow: str
    estimates: Mapping[str, Estimate]
    decimals: int
    metric: MetricColumn | None = None
    chance: tuple[float, float] | None = None

    @property
    def from_zero(self) -> bool:
        """Whether its axis begins at nothing: waiting and work, where a share of the whole is what one sees."""
        return self.key in WAITS

    def of(self, system: str) -> Estimate | None:
        """The estimate of a system, None where there is none."""
        return self.estimates.get(system)


def quantities(comparison: Comparison) -> list[Quantity]:
    """Scores, then seams, then waiting; what no system has is left out."""
    metrics = [metric for metric in comparison.metrics if metric.direction]
    metrics.sort(key=lambda metric: FIRST.index(metric.name) if metric.name in FIRST else len(FIRST))
    found = [_score(comparison, metric) for metric in metrics]
    found += [*_seams(comparison), *_waiting(comparison)]
    return [quantity for quantity in found if quantity.estimates]


def _score(comparison: Comparison, metric: MetricColumn) -> Quantity:
    estimates = {system: comparison.estimate(system, metric) for system in comparison.systems}
    kept = {system: estimate for system, estimate in estimates.items() if estimate.n}
    return _quantity(metric.identity, metric.name, metric.axis_title, metric.arrow, kept, metric)


def _seams(comparison: Comparison) -> list[Quantity]:
    """z of the spectral flux at the seams, and the flux there over that at matched places of the same file."""
    unit = dict(seam_measures(comparison)).get(FLUX)
    if unit is None:
        return []
    rows = {row.system: row for row in rows_of(comparison, FLUX)}
    z = {name: Estimate(row.z, math.nan, math.nan, row.n) for name, row in rows.items() if math.isfinite(row.z)}
    effects = {
        name: Estimate(row.effect.mean, row.effect.low, row.effect.high, comparison_n(comparison, name))
        for name, row in rows.items()
        if math.isfinite(row.effect.mean)
    }
    name = "mel flux at seams"
    return [
        _quantity("seam-z", "seam z (mel flux)", "z of the mel flux (1)", "↓", z, chance=(-2.0, 2.0)),
        _quantity("seam-flux", name, f"seam minus inside ({unit})", "↓", effects),
    ]


def comparison_n(comparison: Comparison, system: str) -> int:
    """Utterances of a system whose seams were measured."""
    return int(comparison.seams.loc[comparison.seams["system"] == system, "utterance"].nunique())


def _waiting(comparison: Comparison) -> list[Quantity]:
    """First packet, algorithmic latency (exact, so without an interval) and real-time factor."""
    rows = comparison.latency
    if rows.empty:
        return []
    exact = {system: comparison.algorithmic_latency(system) for system in comparison.systems}
    algorithmic = {s: Estimate(v, math.nan, math.nan, 1) for s, v in exact.items() if math.isfinite(v)}
    return [
        _quantity("first-packet", "first packet", "first packet (s)", "↓",
                  _per_utterance(comparison, "first_packet_s")),
        _quantity("algorithmic", "algorithmic latency", "algorithmic latency (s)", "↓", algorithmic),
        _quantity("rtf", "real-time factor", "real-time factor (1)", "↓",
                  _per_utterance(comparison, "rtf")),
    ]  # fmt: skip


def _per_utterance(comparison: Comparison, column: str) -> dict[str, Estimate]:
    """Means over utterances of a column of the latency table, seeds averaged first."""
    rows = comparison.latency.assign(value=pd.to_numeric(comparison.latency[column], errors="coerce"))
    means = rows.dropna(subset=["value"]).groupby(["system", "utterance"], sort=False)["value"].mean()
    found = {}
    for system in comparison.systems:
        if system in means.index.get_level_values("system"):
            own = means.loc[system]
            found[system] = mean(own.to_numpy(), comparison.clusters(own.index))
    return found


def _quantity(
    key: str,
    name: str,
    axis: str,
    arrow: str,
    estimates: Mapping[str, Estimate],
    metric: MetricColumn | None = None,
    chance: tuple[float, float] | None = None,
) -> Quantity:
    digits = significant(estimate.mean for estimate in estimates.values())
    widths = [estimate.half_width for estimate in estimates.values() if estimate.has_interval]
    decimals = max(min(digits, 3), decimals_for(widths)) if widths else min(digits, 2)
    return Quantity(key, name, axis, arrow, estimates, decimals, metric, chance)
