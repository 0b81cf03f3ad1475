"""What each number means, and how to bring one's own: the handbook, with a search."""

from __future__ import annotations

import gradio

from listening_tests.protocols import REGISTRY
from reports.handbook import Protocol, handbook_html

from ..assets import asset
from ..routes.figures import figure_asset
from ..site import Site


def build(site: Site) -> None:
    """Draw the page."""
    gradio.Markdown("# Help")
    styles = ", ".join(f'at("{address}")' for address in (figure_asset("report.css"), asset("help/help.css")))
    script = f"""
const at = (path) => new URL(".." + path, document.baseURI).href;
import(at("{asset("help/help.js")}")).then((module) => module.mount(element, [{styles}]));
"""
    gradio.HTML(handbook_html(protocols()), js_on_load=script, elem_id="handbook", apply_default_css=False)


def protocols() -> tuple[Protocol, ...]:
    """What the handbook tells of the protocols."""
    return tuple((name, protocol.value_range, protocol.standard) for name, protocol in REGISTRY.items())
