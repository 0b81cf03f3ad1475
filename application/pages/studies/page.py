"""The studies: a list of them all, one of them, a new one."""

from __future__ import annotations

import gradio
import pandas

from listening_tests.protocols import REGISTRY
from listening_tests.study import HEADPHONE_CHECKS, LANGUAGES
from listening_tests.workspace import Workspace

from ...site import Site
from .create import create_tab
from .study import study_tab

REFRESH_S = 5.0


def build(site: Site) -> None:
    """Draw the page."""
    workspace = site.workspace
    gradio.Markdown("# Listening tests")
    overview = gradio.Dataframe(label="Studies", interactive=False, wrap=True)
    with gradio.Tabs():
        with gradio.Tab("Study"):
            choice = study_tab(workspace, site.address)
        with gradio.Tab("New study"):
            run = create_tab(workspace, REGISTRY, HEADPHONE_CHECKS, LANGUAGES, choice)

    def refresh() -> pandas.DataFrame:
        return overview_table(workspace)

    def lists() -> tuple[gradio.Dropdown, gradio.Dropdown]:  # what was made since the server started
        return gradio.Dropdown(workspace.names()), gradio.Dropdown(workspace.run_names())

    page = gradio.context.Context.root_block
    quiet = {"show_progress": "hidden", "api_visibility": "private", "concurrency_limit": None}
    gradio.on([page.load, gradio.Timer(REFRESH_S).tick, choice.change], refresh, None, overview, **quiet)
    page.load(lists, None, [choice, run], **quiet)


def overview_table(workspace: Workspace) -> pandas.DataFrame:
    """One row a study."""
    columns = ["study", "protocol", "state", "started", "completed", "wanted"]
    return pandas.DataFrame(workspace.overview(), columns=columns)
