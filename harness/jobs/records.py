"""The JSON files of a job's folder, read with distrust: a full disk, or somebody's hand, may have left anything there."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from harness.storage import read_json


def _text(value: Any) -> bool:
    return isinstance(value, str)


def _number(value: Any) -> bool:
    return isinstance(value, int | float) and math.isfinite(value)


def _texts(value: Any) -> bool:
    return isinstance(value, list) and all(map(_text, value))


def _numbers(value: Any) -> bool:
    return isinstance(value, list) and all(map(_number, value))


def _table(value: Any) -> bool:
    return isinstance(value, dict)


def _stages(value: Any) -> bool:
    return _table(value) and all(
        _table(one) and all(_number(one.get(name)) for name in TIMES) for one in value.values()
    )


def _perhaps(kind: Callable[[Any], bool]) -> Callable[[Any], bool]:
    return lambda value: value is None or kind(value)


TIMES = ("since", "first", "at", "done", "total")
_PROCESS = {"process": _perhaps(_text), "at": _number}
SHAPES: Mapping[str, Mapping[str, Callable[[Any], bool]]] = {
    "job.json": {
        "title": _text, "argv": _texts, "facts": _perhaps(_table), "good": _perhaps(_numbers), "made": _number, "cwd": _text,
        "running": _number, "grace_s": _number,
    },
    "begun.json": _PROCESS,
    "running.json": _PROCESS,
    "verb.json": {"process": _perhaps(_text)},
    "end.json": {"exit_code": _perhaps(_number), "at": _number},
    "progress.json": {"stage": _text, "detail": _text, "stages": _stages} | dict.fromkeys(TIMES, _number),
}  # fmt: skip
"""Of each file, by name, what it must hold."""


def record(path: Path) -> dict[str, Any]:
    """What a file of a job holds; nothing where it is missing, half-written, or not of its shape."""
    found = read_json(path)
    if not isinstance(found, dict) or not all(fits(found.get(name)) for name, fits in SHAPES[path.name].items()):
        return {}
    return found


def is_broken(path: Path) -> bool:
    """Whether a file is there and cannot be used."""
    return path.exists() and not record(path)
