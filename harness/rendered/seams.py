"""Where a foreign decoder's chunks meet, as far as anybody says: a sidecar beside the file, or a period."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

from streamflow.audio import SAMPLE_RATE

from .errors import RenderedError

SHORTEST_PERIOD_S = 0.005  # below this every position is a seam


def check_period(name: str, period_s: float) -> float:
    """A period that seams can have.

    Raises:
        RenderedError: not finite or below 5 ms.
    """
    if not math.isfinite(period_s) or period_s < SHORTEST_PERIOD_S:
        raise RenderedError(f"{name}: a seam every {period_s:g} s; give seconds, at least {SHORTEST_PERIOD_S}")
    return float(period_s)


def periodic_seams(period_s: float, samples: int) -> list[int]:
    """Samples at 16 kHz of a seam every ``period_s`` seconds from the start, within ``samples``; rounded each alone."""
    count = int(samples / (period_s * SAMPLE_RATE)) + 1
    return [s for s in (round(k * period_s * SAMPLE_RATE) for k in range(1, count + 1)) if 0 < s < samples]


def read_sidecar(path: Path) -> list[int]:
    """Samples at 16 kHz of the seams that ``NAME.seams.json`` lists.

    It holds ``{"seams_s": [0.32, 0.64]}`` in seconds, or ``{"seams": [7680, 15360], "sample_rate": 24000}`` in samples
    of the rate named. The first chunk's start is no seam, and is dropped where it is listed.

    Raises:
        RenderedError: not that.
    """
    try:
        content = json.loads(path.read_bytes())
    except (OSError, ValueError) as error:
        raise RenderedError(f"{path}: not readable as JSON ({error}); mend or remove it") from None
    seconds = _seconds(content)
    if seconds is None:
        raise RenderedError(
            f'{path}: holds no seams; write {{"seams_s": [0.32, 0.64]}} or '
            '{"seams": [7680, 15360], "sample_rate": 24000}'
        )
    seams = sorted({round(second * SAMPLE_RATE) for second in seconds})
    return [seam for seam in seams if seam > 0]


def within(path: Path, seams: list[int], samples: int) -> list[int]:
    """The seams, if all lie within the file; one at its very end is the end of the last chunk, and dropped.

    Raises:
        RenderedError: one lies beyond the end: the sidecar is another file's, or of another rate.
    """
    beyond = [seam for seam in seams if seam > samples + 1]
    if beyond:
        raise RenderedError(
            f"{path}: a seam at {beyond[0] / SAMPLE_RATE:.3f} s, but the file lasts {samples / SAMPLE_RATE:.3f} s; "
            "give the seams of this file, with its sample_rate"
        )
    return [seam for seam in seams if seam < samples]


def _seconds(content: Any) -> list[float] | None:
    if not isinstance(content, dict):
        return None
    if "seams_s" in content:
        values, rate = content["seams_s"], 1
    else:
        values, rate = content.get("seams"), content.get("sample_rate")
    if not isinstance(values, list) or not all(map(_is_time, [*values, rate])) or not rate:
        return None
    return [value / rate for value in values]


def _is_time(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value) and value >= 0
