"""Write TOML; the standard library only reads it."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

BARE_KEY = re.compile(r"[A-Za-z0-9_-]+")


def dumps(table: Mapping[str, Any], prefix: str = "") -> str:
    """Write a mapping of strings, numbers, booleans, lists and mappings; None is left out, as TOML has none.

    >>> print(dumps({"seed": 0, "systems": {"full": {"nfe": 10}}}))
    seed = 0
    <BLANKLINE>
    [systems.full]
    nfe = 10
    <BLANKLINE>
    """
    plain = {key: value for key, value in table.items() if value is not None and not isinstance(value, Mapping)}
    tables = {key: value for key, value in table.items() if isinstance(value, Mapping)}
    text = "".join(f"{_key(key)} = {_value(value)}\n" for key, value in plain.items())
    for key, value in tables.items():
        name = f"{prefix}{_key(key)}"
        body = dumps(value, f"{name}.")
        has_own_lines = not value or any(not isinstance(item, Mapping) for item in value.values())
        text += (f"\n[{name}]\n" if has_own_lines else "") + body
    return text


def _key(key: str) -> str:
    return key if BARE_KEY.fullmatch(key) else _string(key)


def _value(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(value)
    if isinstance(value, float):
        return repr(value)  # inf and nan are written as TOML writes them
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(_value, value))}]"
    if isinstance(value, Mapping):
        return "{ " + ", ".join(f"{_key(key)} = {_value(item)}" for key, item in value.items()) + " }"
    return _string(str(value))


def _string(text: str) -> str:
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")
