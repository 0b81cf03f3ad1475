"""Numbers as people read them: as many digits as the uncertainty warrants, a true minus sign, units with a thin space."""

from __future__ import annotations

import math
from collections.abc import Iterable

MINUS, THIN_SPACE, EN_DASH = "\u2212", "\u2009", "\u2013"


def decimals_for(half_widths: Iterable[float], most: int = 4) -> int:
    """Digits after the point so that the typical interval half width is written as 3 to 30 units of the last one."""
    widths = sorted(abs(width) for width in half_widths if width and math.isfinite(width))
    if not widths:
        return 2
    typical = widths[len(widths) // 2]
    return min(most, max(0, math.ceil(-math.log10(typical / 3))))


def significant(values: Iterable[float], digits: int = 3, most: int = 3) -> int:
    """Digits after the point so that the typical value keeps ``digits`` significant ones, as far as ``most`` allows."""
    sizes = sorted(abs(value) for value in values if value and math.isfinite(value))
    if not sizes:
        return 0
    return min(most, max(0, digits - 1 - math.floor(math.log10(sizes[len(sizes) // 2]))))


def number(value: float, decimals: int = 2, signed: bool = False) -> str:
    """``-1.234`` -> ``−1.23``. Never writes a negative zero; not finite gives ``∞`` or an em dash."""
    if value is None or math.isnan(value):
        return "\u2014"
    if math.isinf(value):
        return f"{MINUS if value < 0 else ''}\u221e"
    text = f"{abs(value):,.{decimals}f}".replace(",", THIN_SPACE)
    if float(text.replace(THIN_SPACE, "")) == 0:
        return text
    return f"{MINUS if value < 0 else '+' if signed else ''}{text}"


def interval(low: float, high: float, decimals: int = 2, signed: bool = False) -> str:
    """``0.81 to 0.85``: an en dash would hide a minus sign."""
    return f"{number(low, decimals, signed)} to {number(high, decimals, signed)}"


def seconds(value: float) -> str:
    """A duration with the unit that suits it: ``87 ms``, ``0.96 s``, ``12.3 s``."""
    if value is None or not math.isfinite(value):
        return number(value)
    if abs(value) < 0.1:
        return f"{number(value * 1000, 1 if abs(value) < 0.01 else 0)}{THIN_SPACE}ms"
    return f"{number(value, 2 if abs(value) < 10 else 1)}{THIN_SPACE}s"


def size(count: int) -> str:
    """Bytes as ``12.3 MB`` (10^6)."""
    return f"{number(count / 1e6, 1)}{THIN_SPACE}MB"


def join(words: Iterable[str]) -> str:
    """``a, b and c``."""
    words = list(words)
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}" if words else "none"


def count(n: int, noun: str, plural: str | None = None) -> str:
    """``1 utterance``, ``24 utterances``."""
    return f"{n:,} {noun if n == 1 else plural or noun + 's'}".replace(",", THIN_SPACE)
