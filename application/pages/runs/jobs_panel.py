"""What runs in the background, live: drawn by our own script, which asks the server as long as the page is looked at."""

from __future__ import annotations

import json

import gradio

from ...assets import asset

CHANGED = "() => { document.dispatchEvent(new Event('jobs-changed')); }"
"""JavaScript for after a job was started: the panel looks at once."""


def jobs_panel(*, over: bool) -> None:
    """Draw the panel.

    Args:
        over: whether it also shows the last jobs that are over; otherwise it is empty while nothing runs.
    """
    start = f"""
const script = new URL(".." + {json.dumps(asset("runs/jobs.js"))}, document.baseURI);
import(script).then((jobs) => jobs.mount(element.querySelector(".jobs"), {{ over: {json.dumps(over)} }}));
"""
    gradio.HTML(
        html_template=stylesheet() + '<section class="jobs" aria-label="Background jobs"></section>',
        js_on_load=start,
        apply_default_css=False,
        elem_classes="rn",
        elem_id="jobs",
    )


def stylesheet() -> str:
    """The link to the style of the overview and the runs page."""
    return f'<link rel="stylesheet" href="..{asset("runs/runs.css")}">'
