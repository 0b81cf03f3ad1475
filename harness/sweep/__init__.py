"""``streamflow sweep``: the parameters of strategies varied over a corpus, as one run like any other.

``axes`` reads what is varied, ``points`` makes the combinations, ``planned`` asks the strategies which of them they take
and adds to what a folder holds, ``carry_out`` decodes and scores them by ``harness.compare``. ``run.toml`` keeps the
sweep beside the systems (``[sweep.NAME]``), so that reports read axes and values, never names.
"""

from __future__ import annotations

from .axes import Axis, AxisError, parse_axes, parse_axis, values_of
from .kept import SweptRun, swept_runs
from .planned import PlannedSweep, plan_sweeps, refuse_too_many
from .points import Point, points_of
from .sweep import Sweep, SweepError, read_sweeps

__all__ = [
    "Axis",
    "AxisError",
    "PlannedSweep",
    "Point",
    "Sweep",
    "SweepError",
    "SweptRun",
    "parse_axes",
    "parse_axis",
    "plan_sweeps",
    "points_of",
    "read_sweeps",
    "refuse_too_many",
    "swept_runs",
    "values_of",
]
