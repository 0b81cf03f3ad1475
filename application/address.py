"""The state of a page in its address: a link, a reload and the way back show the same."""

from __future__ import annotations

import json
from urllib.parse import urlencode

import gradio

LINES = "\n"


def read(request: gradio.Request, name: str, default: str = "") -> str:
    """The first value of a name in the address."""
    return str(request.query_params.get(name, default))


def read_all(request: gradio.Request, name: str) -> list[str]:
    """Every value of a name in the address, in its order."""
    params = request.query_params
    if hasattr(params, "getlist"):
        return [str(value) for value in params.getlist(name)]
    value = params.get(name, [])  # Gradio rebuilds them as a plain mapping where a request came through its queue
    return [str(one) for one in (value if isinstance(value, list) else [value])]


def write(*names: str, seen: str = "", **fixed: str) -> str:
    """JavaScript for an event's ``js``: the inputs, in order, become these names' values; the inputs go on unchanged.

    Lists become a value each, and so do lines of a text. What is empty, false or null is taken out of the address.

    Args:
        names: of the event's inputs; "" for one that is not part of the address.
        seen: a selector; nothing is written while what it selects is not shown, as in a tab that is not the chosen one.
            Gradio reports changes of such a tab, too, while it draws the page.
        fixed: names and values that are set, too; "" to take one out.
    """
    return (
        f"(...inputs) => {{ const seen = {json.dumps(seen)};"
        "if (seen && !document.querySelector(seen)?.checkVisibility()) return inputs;"
        "const page = new URL(location.href), query = page.searchParams;"
        f"const names = {json.dumps(names)}, fixed = {json.dumps(fixed)};"
        "names.forEach((name, i) => { if (!name) return; query.delete(name); const value = inputs[i];"
        "const each = Array.isArray(value) ? value : typeof value === 'string' ? value.split('\\n') : [value];"
        "for (const one of each) if (one !== '' && one !== null && one !== undefined && one !== false)"
        "  query.append(name, String(one)); });"
        "for (const [name, value] of Object.entries(fixed)) value ? query.set(name, value) : query.delete(name);"
        "history.replaceState(history.state, '', page); return inputs; }"
    )


ARRIVED = "() => { window.pageArrived = true; }"
"""JavaScript for after a page's state was read from its address; see :func:`write_when_chosen`."""


def write_when_chosen(**fixed: str) -> str:
    """As :func:`write`, of fixed values, for an event that Gradio also reports while it draws the page.

    Before :data:`ARRIVED` it writes nothing, or what the page was opened with would be lost before it is read.
    """
    return f"() => {{ if (window.pageArrived) ({write(**fixed)})(); }}"


def link(page: str, **query: str | list[str]) -> str:
    """The address of a page of the application, relative to any of them; what is empty is left out."""
    pairs = [(name, value) for name, value in query.items() if value]
    return f"{page}?{urlencode(pairs, doseq=True)}" if pairs else page or "./"
