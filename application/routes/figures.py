"""What pages that show figures and tables of reports load beside their own scripts: the painter, plotly, the style.

All three are those of the reports, so that a figure looks the same here and there.
"""

from __future__ import annotations

import hashlib
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import gradio
from fastapi import FastAPI, HTTPException
from starlette.responses import Response

from ..assets import FRESH, KEPT, asset

if TYPE_CHECKING:
    from ..site import Site

PREFIX = "/app-figures"
PAINTING = ("painting.js", "tables.js")  # of the reports, which have them in one script
WAITING = '<div class="figures" aria-busy="true"><p class="lead" role="status">Reading the runs …</p></div>'
EXPORTS = "export { painted, sortable, exported };\n"


def figure_asset(name: str) -> str:
    """Where ``painting.js``, ``plotly.js`` or ``report.css`` is served; as :func:`application.assets.asset`."""
    return f"{PREFIX}/{hashlib.sha256(_content(name)).hexdigest()[:12]}/{name}"


def add_figure_routes(app: FastAPI, site: Site) -> None:
    """Serve them to the administrator, kept by the browser until they change."""
    kinds = {"painting.js": "text/javascript", "plotly.js": "text/javascript", "report.css": "text/css"}

    @app.get(PREFIX + "/{given}/{name}", response_model=None)
    def serve(given: str, name: str) -> Response:
        if name not in kinds:
            raise HTTPException(404)
        kept = KEPT if figure_asset(name) == f"{PREFIX}/{given}/{name}" else FRESH
        return Response(_content(name), media_type=kinds[name], headers=kept)


def figures(name: str) -> gradio.HTML:
    """A place on a page for figures and tables: give it the HTML of a report's template, or "" to leave it as it is.

    The HTML is not Gradio's to render, which would patch the nodes that plotly draws in.

    Args:
        name: the element's id.
    """
    addresses = ", ".join(f'{key}: at("{where}")' for key, where in _addresses().items())
    script = f"""
const at = (path) => new URL(".." + path, document.baseURI).href;
import(at("{asset("figures/figures.js")}")).then((module) =>
  module.mount(element.querySelector(".figures"), {{ {addresses} }},
    {{ content: () => props.value, onChange: (show) => watch("value", show) }}));
"""
    return gradio.HTML("", html_template=WAITING, js_on_load=script, elem_id=name, apply_default_css=False)


def _addresses() -> dict[str, str]:
    return {
        "painting": figure_asset("painting.js"),
        "plotly": figure_asset("plotly.js"),
        "style": figure_asset("report.css"),
    }


@cache
def _content(name: str) -> bytes:
    from plotly.offline import get_plotlyjs

    from reports.html import STATIC

    if name == "plotly.js":
        return get_plotlyjs().encode()
    if name == "report.css":  # nested, it holds inside the figures' place alone
        return f".figures {{\n{Path(STATIC / 'report.css').read_text(encoding='utf-8')}\n}}\n".encode()
    scripts = [(STATIC / part).read_text(encoding="utf-8") for part in PAINTING]
    return ("\n".join(scripts) + EXPORTS).encode()
