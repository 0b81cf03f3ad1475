"""The tab that puts several runs of one corpus into one report."""

from __future__ import annotations

from collections import Counter
from html import escape
from typing import Any

import gradio

from harness.new_run import free_name, new_folder
from reports.joined import open_runs
from streamflow.errors import StreamflowError

from ... import address
from ...messages import BACKGROUND, told
from ...site import Site
from . import choices
from .jobs_panel import CHANGED
from .markup import anchor, framed, html, note

FOLDER = "merged"
QUIET: dict[str, Any] = {"show_progress": "hidden", "api_visibility": "private", "concurrency_limit": None}


def merge_tab(site: Site) -> None:
    """Draw the tab."""
    page = gradio.context.Context.root_block
    gradio.Markdown(
        f"One report of several runs of the same corpus, side by side on the utterances that they share. {BACKGROUND}"
    )
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
        StreamflowError: fewer than two runs, runs that share no utterance, such as those of different corpora, a system
            that none of them has, a name that is none or taken.
    """
    if len(names) < 2:
        raise StreamflowError("choose two runs or more, of the same corpus")
    paths = [str(choices.run_path(site, one)) for one in names]
    _check_common(site, names, baseline)
    out = new_folder(site.runs / FOLDER, name)
    out.mkdir(parents=True)  # so that the next one is not called the same while this one waits
    argv = ["report", *paths, "--out", str(out / "index.html"), *(["--baseline", baseline] if baseline else [])]
    facts = {"kind": "merge", "href": address.link("runs", tab="merge", merged=out.name)}
    site.jobs.start(argv, f"Report of {', '.join(names)}", facts=facts)
    return "<p>The report is being written; see above.</p>"


def _check_common(site: Site, names: list[str], baseline: str) -> None:
    """Refuse at once what the report's job would refuse later."""
    corpora = {run.name: run.corpus or "an unknown corpus" for run in site.index.runs() if run.name in names}
    try:
        joined = open_runs([site.runs / name for name in names])
    except StreamflowError as error:
        if len(set(corpora.values())) == 1:
            raise
        told = ", ".join(f"{name} is of {corpora.get(name)}" for name in names)
        raise StreamflowError(f"these runs have no utterance in common ({told}); choose runs of one corpus") from error
    if baseline and baseline not in joined.systems:
        raise StreamflowError(f"{baseline}: not a system of these runs; there are {', '.join(joined.systems)}")


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
    return gradio.Dropdown([("full, if it is there", ""), *((one, one) for one in systems_of(site, names))], value="")


def systems_of(site: Site, names: list[str]) -> list[str]:
    """The systems of a joined report by their names there: with the run's before them where several runs have one."""
    known = {run.name: run.systems for run in site.index.runs()}
    counts = Counter(system for name in names for system in known.get(name, ()))
    return [f"{name}:{system}" if counts[system] > 1 else system for name in names for system in known.get(name, ())]
