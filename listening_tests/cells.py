"""A table's cells as people read them, in the terminal and on the page."""

from __future__ import annotations

import math
from typing import Any

NONE = "–"
ZERO = 1e-9  # what is left of a sum that is zero


def cell_text(value: Any, column: str = "") -> str:
    """Three digits of a number, a dash for what is not there.

    >>> [cell_text(value) for value in (0.12345, 12, float("nan"), None, 1.2e-14, "full")]
    ['0.123', '12', '–', '–', '0', 'full']
    >>> [cell_text(1.2e-14, "p_holm"), cell_text(0.0412, "p_value"), cell_text(False)]
    ['<0.001', '0.041', 'no']
    """
    if value is None or (isinstance(value, float) and not math.isfinite(value)):
        return NONE
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float) and column.startswith("p_"):
        return "<0.001" if value < 0.001 else f"{value:.3f}"
    if isinstance(value, float):
        return "0" if abs(value) < ZERO else f"{value:.3g}"
    return str(value)
