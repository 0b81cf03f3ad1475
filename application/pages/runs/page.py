"""The runs page's frame: the background jobs, and a tab a task."""

from __future__ import annotations

from collections.abc import Callable

import gradio

from ... import address
from ...site import Site
from .baselines import baselines_tab
from .browse import browse_tab
from .compare import compare_tab
from .gate import gate_tab
from .jobs_panel import jobs_panel
from .merge import merge_tab
from .sweep import sweep_tab

TABS: tuple[tuple[str, str, Callable[[Site], None]], ...] = (
    ("runs", "Runs", browse_tab),
    ("new", "New comparison", compare_tab),
    ("sweep", "New sweep", sweep_tab),
    ("merge", "Merge", merge_tab),
    ("gate", "Gate", gate_tab),
    ("baselines", "Baselines", baselines_tab),
)


def build(site: Site) -> None:
    """Draw the page."""
    gradio.Markdown("# Runs")
    jobs_panel(over=True)
    with gradio.Tabs(elem_id="runs-tabs") as tabs:
        for name, title, draw in TABS:
            with gradio.Tab(title, id=name) as tab:
                draw(site)
            chosen = address.write_when_chosen(tab="" if name == "runs" else name, new="")
            tab.select(None, None, None, js=chosen, api_visibility="private")

    def arrive(request: gradio.Request) -> gradio.Tabs:
        return gradio.Tabs(selected=tab_of(request))

    page = gradio.context.Context.root_block
    read = page.load(arrive, None, tabs, show_progress="hidden", api_visibility="private", concurrency_limit=None)
    read.then(None, js=address.ARRIVED, api_visibility="private")


def tab_of(request: gradio.Request) -> str:
    """The tab that an address asks for; ``?new=1`` is how other pages say it."""
    wanted = "new" if address.read(request, "new") else address.read(request, "tab", "runs")
    return wanted if wanted in [name for name, *_ in TABS] else "runs"
