"""The studies: a list of them all, and tabs for one of them, a new one, and the size of the next."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import quote

import gradio
import pandas

from listening_tests.workspace import Workspace

from ...assets import asset
from ...site import Site
from . import create, plan, results
from .address import CAME_UP, OF_A_STUDY, TABS, parameters, selects, writes
from .listeners import describe, link_of, listeners_tab
from .monitor import monitor_tab, watched
from .preview import preview_tab
from .simulate import jobs_of, simulate_tab
from .tables import note, table

REFRESH_S = 5.0
QUIET = {"show_progress": "hidden", "api_visibility": "private", "concurrency_limit": None}
NONE_YET = (
    "<p>No study yet. Make the first one in the tab <strong>New study</strong>; it takes a run to make it from.</p>"
)


def build(site: Site) -> None:
    """Draw the page."""
    gradio.HTML(f'<link rel="stylesheet" href="..{asset("studies/studies.css")}">', apply_default_css=False)
    gradio.Markdown("# Listening tests")
    overview = gradio.HTML(elem_id="studies", apply_default_css=False)
    choice = gradio.Dropdown([], label="Study", info="The tabs below are about this one.")
    said = gradio.HTML(elem_id="study-said", elem_classes=["notice"], apply_default_css=False)
    facts = gradio.HTML(elem_id="study", apply_default_css=False)
    with gradio.Tabs() as tabs:
        drawn: dict[str, Any] = {}
        headers: dict[str, gradio.Tab] = {}
        for name, title in TABS.items():
            with gradio.Tab(title, id=name) as headers[name]:
                drawn[name] = _tab(site, name, choice, facts)
            headers[name].select(None, None, None, js=selects(name))
    make, new = drawn["new"]
    create.wire(site, make, new, {"choice": choice, "said": said, "tabs": tabs, "results": drawn["results"]})
    _when_it_comes_up(site, choice, said, tabs, drawn)
    choice.input(lambda: "", None, said, **QUIET)
    _as_time_goes_by(site, choice, [overview, facts, drawn["listeners"], drawn["simulate"]])
    _when_looked_at(site, choice, headers, drawn)


def _tab(site: Site, name: str, choice: gradio.Dropdown, facts: gradio.HTML) -> Any:
    if name == "listeners":
        return listeners_tab(site, choice, facts)
    if name == "new":
        return create.create_tab(site)
    if name == "plan":
        return plan.plan_tab(site)
    makers = {
        "monitor": monitor_tab, "results": results.results_tab, "preview": preview_tab, "simulate": simulate_tab
    }  # fmt: skip
    return makers[name](site, choice)


def _when_it_comes_up(
    site: Site, choice: gradio.Dropdown, notice: gradio.HTML, tabs: gradio.Tabs, drawn: dict[str, Any]
) -> None:
    """Everything as the page's address says."""
    page = gradio.context.Context.root_block
    fields, planned = drawn["plan"]

    def came(request: gradio.Request) -> list[Any]:  # in one answer: the page is filled in as a whole, or not yet
        said, names = parameters(request), site.workspace.names()
        name, tab = shown_of(said, names)
        watching = watched(site, name) if tab == "monitor" else ""
        picked = [gradio.Dropdown(names, value=name), missing(site, said, names), gradio.Tabs(selected=tab), watching]
        form = [*create.restored(site, request), *plan.restored(site, request)]
        return [*picked, *results.restored(site, name, said), *form]

    shown = [choice, notice, tabs, drawn["monitor"], *drawn["results"]]
    filled = page.load(came, None, [*shown, *drawn["new"][1]["fields"], *fields], **QUIET)
    filled.then(None, None, None, js=CAME_UP)
    filled.then(plan.of_form(site), fields, planned, **QUIET)


def _as_time_goes_by(site: Site, choice: gradio.Dropdown, parts: list[Any]) -> None:
    """The list and what is cheap to know of the chosen study; only what has changed, so that nobody loses their place."""
    page, seen = gradio.context.Context.root_block, gradio.State(())

    def refresh(name: str | None, before: tuple[str, ...]) -> list[Any]:
        now = (overview_html(site.workspace), *study_parts(site, name))
        old = [*before, *[None] * len(now)]
        return [gradio.skip() if one == last else one for one, last in zip(now, old, strict=False)] + [now]

    triggers = [page.load, gradio.Timer(REFRESH_S).tick, choice.change]
    # the last of them: an answer about the study before may still be on its way when another one is chosen
    gradio.on(triggers, refresh, [choice, seen], [*parts, seen], trigger_mode="always_last", **QUIET)
    choice.input(None, choice, None, js=writes({"study": ""}))


def _when_looked_at(site: Site, choice: gradio.Dropdown, headers: dict[str, gradio.Tab], drawn: dict[str, Any]) -> None:
    """What takes a moment to work out waits until its tab is opened, and is worked out anew each time."""

    def look(name: str | None) -> str:
        return watched(site, name)

    triggers = [headers["monitor"].select, choice.input]
    gradio.on(triggers, look, choice, drawn["monitor"], trigger_mode="always_last", **QUIET)


def shown_of(said: Mapping[str, str], names: Sequence[str]) -> tuple[str | None, str]:
    """The study and the tab that an address means; the first study, and what can be done with one, where it says none.

    A study that is not there is no other one: none is chosen then, see :func:`missing`.
    """
    wanted = said.get("study")
    name = (wanted if wanted in names else None) if wanted else names[0] if names else None
    tab = said.get("tab", "")
    if tab not in TABS:
        tab = "listeners"
    return name, "new" if tab in OF_A_STUDY and not names else tab


def missing(site: Site, said: Mapping[str, str], names: Sequence[str]) -> str:
    """A line where an address means a study that is not there."""
    wanted = said.get("study")
    if not wanted or wanted in names:
        return ""
    other = "choose one above" if names else "there is none yet"
    return note(
        f"There is no study {wanted} in {site.workspace.folder}; {other}, or make it in the tab New study.", "bad"
    )


def study_parts(site: Site, name: str | None) -> tuple[str, str, str]:
    """What the tabs say of a study and keep up to date: facts, link, simulations."""
    return (describe(site, name), link_of(site, name), jobs_of(site, name)) if name else ("", "", "")


def overview_html(workspace: Workspace) -> str:
    """All studies, each a link."""
    rows = overview_table(workspace).to_dict("records")
    if not rows:
        return NONE_YET
    return table("Studies", rows, {row["study"]: f"studies?study={quote(row['study'])}" for row in rows})


def overview_table(workspace: Workspace) -> pandas.DataFrame:
    """One row a study."""
    columns = ["study", "protocol", "state", "started", "completed", "wanted"]
    return pandas.DataFrame(workspace.overview(), columns=columns)
