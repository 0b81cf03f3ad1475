"""The tab that puts several runs of one corpus into one report."""

from __future__ import annotations

from html import escape
from typing import Any

import gradio

from harness.new_run import free_name, new_folder
from harness.run_index import RunIndex
from streamflow.errors import StreamflowError

from ... import address
from ...messages import told
from ...site import Site
from . import choices
from .jobs_panel import CHANGED
from .markup import anchor, framed, html, note

FOLDER = "merged"
QUIET: dict[str, Any] = {"show_progress": "hidden", "api_visibility": "private", "concurrency_limit": None}


def merge_tab(site: Site) -> None:
    """Draw the tab."""
    page = gradio.context.Context.root_block
    gradio.Markdown("One report of several runs of the same corpus, side by side on the utterances that they share.")
    with gradio.Row():
        runs = gradio.Dropdown([], multiselect=True, label="Runs", info="Two or more.", scale=2)
        baseline = gradio.Dropdown(
            [], label="System that others are compared with", info="Empty: full, if it is there."
        )
        name = gradio.Textbox(label="Name", info="Of the report.")
    start = gradio.Button("Write the joined report", variant="primary", elem_id="merge-start")
    said = html(elem_classes=["notice"])
    shown = html()

    def arrive(request: gradio.Request) -> list[Any]:
        names = choices.run_names(site)
        given = [one for one in address.read_all(request, "merge") if one in names]
        return [
            gradio.Dropdown(names, value=given),
            _systems(site, given),
            free_name(site.runs / FOLDER, "merged"),
            merged_reports(site, address.read(request, "merged")),
        ]

    @told
    def begin(names: list[str], baseline: str | None, name: str) -> tuple[str, str]:
        return start_merge(site, names or [], baseline or "", name), free_name(site.runs / FOLDER, "merged")

    page.load(arrive, None, [runs, baseline, name, shown], **QUIET)
    runs.change(
        lambda names: _systems(site, names or []),
        runs,
        baseline,
        js=address.write("merge", seen="#merge-start"),
        **QUIET,
    )
    start.click(begin, [runs, baseline, name], [said, name], **QUIET).success(
        None, js=CHANGED, api_visibility="private"
    )


def start_merge(site: Site, names: list[str], baseline: str, name: str) -> str:
    """Start the report; returns what to say.

    Raises:
        StreamflowError: fewer than two runs, a name that is none or taken.
    """
    if len(names) < 2:
        raise StreamflowError("choose two runs or more, of the same corpus")
    paths = [str(choices.run_path(site, one)) for one in names]
    out = new_folder(site.runs / FOLDER, name)
    out.mkdir(parents=True)  # so that the next one is not called the same while this one waits
    argv = ["report", *paths, "--out", str(out / "index.html"), *(["--baseline", baseline] if baseline else [])]
    facts = {"kind": "merge", "href": address.link("runs", tab="merge", merged=out.name)}
    site.jobs.start(argv, f"Report of {', '.join(names)}", facts=facts)
    return "<p>The report is being written; see above.</p>"


def merged_reports(site: Site, name: str) -> str:
    """The reports that are there, and the one that is asked for."""
    there = sorted((path.parent for path in (site.runs / FOLDER).glob("*/index.html")), key=lambda path: path.name)
    links = ", ".join(anchor(address.link("runs", tab="merge", merged=path.name), path.name) for path in there)
    text = f"<p>Joined reports: {links}</p>" if there else ""
    if not name:
        return text
    chosen = next((path for path in there if path.name == name), None)
    if chosen is None:
        return text + note(f"There is no joined report {name}; write it above.", "bad")
    return f"{text}<h2>{escape(name)}</h2>" + framed(site, chosen, "index.html", f"Joined report {name}")


def _systems(site: Site, names: list[str]) -> gradio.Dropdown:
    index: RunIndex = site.index
    found = {system: None for run in index.runs() if run.name in names for system in run.systems}
    return gradio.Dropdown([("full, if it is there", ""), *((name, name) for name in found)], value="")
