"""The tab of runs: a list with filters, and one of them with its provenance and report."""

from __future__ import annotations

from typing import Any

import gradio

from harness.run_index import matching

from ... import address
from ...messages import BACKGROUND, told
from ...site import Site
from . import choices
from .jobs_panel import CHANGED
from .markup import html
from .run_markup import run_detail, runs_table

FILTERS = ("q", "corpus", "has", "weights")
QUIET: dict[str, Any] = {"show_progress": "hidden", "api_visibility": "private", "concurrency_limit": None}
REFRESH_S = 10.0


def browse_tab(site: Site) -> None:
    """Draw the tab."""
    page = gradio.context.Context.root_block
    with gradio.Column() as whole:
        with gradio.Row():
            text = gradio.Textbox(
                label="Find", info="words of name, system, corpus, commit", scale=2, elem_id="runs-find"
            )
            corpus = gradio.Dropdown([("all", "")], value="", label="Corpus", info="of the run")
            system = gradio.Dropdown([("all", "")], value="", label="System", info="that is in it")
            weights = gradio.Dropdown([("all", "")], value="", label="Checkpoint", info="that decoded it")
        listed = html()
    detail = html(visible=False)
    with gradio.Row(visible=False) as actions:
        report = gradio.Button("Write the report")
        proceed = gradio.Button("Go on with it", visible=False)
    said = html(elem_classes=["notice"])
    chosen = gradio.State("")
    filters = [text, corpus, system, weights]

    def show(text: str, corpus: str, system: str, weights: str) -> str:
        runs = site.index.runs()
        return runs_table(
            matching(runs, text=text or "", corpus=corpus or "", system=system or "", checkpoint=weights or ""),
            len(runs),
            [text, corpus, system, weights],
        )

    def arrive(request: gradio.Request) -> list[Any]:
        name = address.read(request, "run")
        given = [address.read(request, key) for key in FILTERS]
        lists = [choices.common(site, what) for what in ("corpus", "systems", "checkpoint")]
        boxes = [
            gradio.Dropdown(offered, value=value if value in [one for _, one in offered] else "")
            for offered, value in zip(lists, given[1:], strict=True)
        ]
        run = site.index.get(name) if name else None
        unfinished = run is not None and run.state == "unfinished" and run.kind == "decoded"
        write = "Write the report again" if run and run.has_report else "Write the report"
        return [
            gradio.Textbox(given[0]),
            *boxes,
            show(*given),
            gradio.Column(visible=not name),
            gradio.HTML(run_detail(site, name, run) if name else "", visible=bool(name)),
            gradio.Row(visible=run is not None and not run.problem),
            gradio.Button(write, visible=run is not None and run.state != "unfinished"),
            gradio.Button(visible=unfinished),
            name,
        ]

    @told
    def write_report(name: str) -> str:
        path = choices.run_path(site, name)
        facts = {"kind": "report", "run": name, "href": address.link("runs", run=name)}
        site.jobs.start(["report", str(path)], f"Report of {name}", facts=facts)
        return f"<p>The report is being written; see above. {BACKGROUND}</p>"

    @told
    def go_on(name: str) -> str:
        path = choices.run_path(site, name)
        facts = {"kind": "compare", "run": name, "href": address.link("runs", run=name)}
        argv = ["compare", "--experiment", str(path / "run.toml"), "--out", str(path)]
        site.jobs.start(argv, f"Compare {name}", facts=facts)
        return f"<p>It goes on; see above. {BACKGROUND}</p>"

    page.load(arrive, None, [*filters, listed, whole, detail, actions, report, proceed, chosen], **QUIET)
    # one event, so that neither a filter typed while an answer is on its way is passed over nor an older answer comes last
    triggers = [*(box.change for box in filters), gradio.Timer(REFRESH_S).tick]
    written = address.write(*FILTERS, seen="#runs-find")
    gradio.on(triggers, show, filters, listed, js=written, trigger_mode="always_last", **QUIET)
    report.click(write_report, chosen, said, **QUIET).success(None, js=CHANGED, api_visibility="private")
    proceed.click(go_on, chosen, said, **QUIET).success(None, js=CHANGED, api_visibility="private")
