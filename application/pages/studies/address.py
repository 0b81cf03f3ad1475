"""The page's state in its address: which study, which tab, what the forms say. Refresh, back and a copied link keep it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import gradio

TABS = {
    "listeners": "Listeners", "monitor": "How it goes", "results": "Results", "preview": "Preview",
    "simulate": "Simulate", "new": "New study", "plan": "Plan the size",
}  # fmt: skip
OF_A_STUDY = ("listeners", "monitor", "results", "preview", "simulate")

_WRITE = """(...values) => {
  const names = NAMES, usual = USUAL, address = new URL(location.href);
  names.forEach((name, index) => {
    const value = values[index], text = Array.isArray(value) ? value.join(",") : String(value ?? "");
    if (text === usual[index]) address.searchParams.delete(name);
    else address.searchParams.set(name, text);
  });
  history.replaceState(history.state, "", address);
  return [];
}"""


def parameters(request: gradio.Request) -> dict[str, str]:
    """What the page's address says."""
    return {str(name): str(value) for name, value in dict(request.query_params or {}).items()}


def writes(usual: Mapping[str, Any]) -> str:
    """JavaScript for an event: puts the event's inputs into the address, leaving out those that are as usual.

    Args:
        usual: parameter -> value that needs no saying, in the order of the event's inputs.
    """
    texts = [_text(one) for one in usual.values()]
    return _WRITE.replace("NAMES", json.dumps(list(usual))).replace("USUAL", json.dumps(texts))


CAME_UP = "() => { window.studiesCameUp = true; return []; }"


def selects(tab: str) -> str:
    """JavaScript for a tab's event: puts the tab into the address, but not while the page comes up.

    Gradio selects the first tab then, before it has heard which one the address wants.
    """
    return f"() => {{ if (window.studiesCameUp) ({sets(tab=tab)})(); return []; }}"


def sets(**values: str) -> str:
    """JavaScript for an event: puts these into the address; an empty one is taken out."""
    return (
        f"() => {{ const address = new URL(location.href); for (const [name, value] of Object.entries({json.dumps(values)})) "
        "value ? address.searchParams.set(name, value) : address.searchParams.delete(name); "
        'history.replaceState(history.state, "", address); return []; }'
    )


def _text(value: Any) -> str:
    """As JavaScript's String() has it."""
    if isinstance(value, bool):
        return str(value).lower()
    return ",".join(map(str, value)) if isinstance(value, list | tuple) else str(value)
