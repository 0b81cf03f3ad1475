"""The visual language as one style sheet: the tokens of static/visual.css and the systems' colours.

A token is written once, ``light-dark(a, b)``. Here that becomes one block a colour scheme, as scripts that draw read the
custom properties and have to get a colour, and as it shall hold in browsers from before 2024 too. The dark scheme is the
system's choice, or the page's: ``<html data-scheme="light">`` or ``"dark"``. Paper is always light.
"""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

from reports.colours import DARK, LIGHT

SOURCE = Path(__file__).parent / "static" / "visual.css"
_COMMENT = re.compile(r"/\*.*?\*/", re.DOTALL)
_TOKEN = re.compile(r"--([\w-]+):\s*([^;]+);")
_PAIR = re.compile(r"light-dark\(\s*([^,()]+?)\s*,\s*([^,()]+?)\s*\)")


@cache
def tokens() -> dict[str, tuple[str, str]]:
    """Every token by name, without the dashes: its value on a light page and on a dark one.

    The systems' colours are among them, ``system-SLOT``.
    """
    text = _COMMENT.sub("", SOURCE.read_text(encoding="utf-8"))
    found = {
        name: (_PAIR.sub(r"\1", " ".join(value.split())), _PAIR.sub(r"\2", " ".join(value.split())))
        for name, value in _TOKEN.findall(text)
    }
    return found | {f"system-{slot}": pair for slot, pair in enumerate(zip(LIGHT, DARK, strict=True))}


@cache
def style() -> str:
    """The style sheet that all pages begin with: all tokens, for both colour schemes."""
    light = "".join(f"--{name}:{value};" for name, (value, _) in tokens().items())
    dark = "".join(f"--{name}:{value};" for name, (other, value) in tokens().items() if value != other)
    return (
        f":root{{{light}color-scheme:light}}"
        f'@media screen and (prefers-color-scheme:dark){{:root:not([data-scheme="light"]){{{dark}color-scheme:dark}}}}'
        f'@media screen{{:root[data-scheme="dark"]{{{dark}color-scheme:dark}}}}\n'
    )
