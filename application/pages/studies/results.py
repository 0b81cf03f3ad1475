"""The tab of a study's results: the report, how far objective metrics follow the ratings, the ratings to take away."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import gradio

from harness.storage import read_json
from listening_tests.analysing import analyse_study, export_study
from listening_tests.errors import StudyError
from reports.handbook import anchor_of
from reports.study_figures import objective_figures
from reports.study_report import appearances_of

from ...messages import told
from ...routes.figures import figures
from ...routes.files import files_link
from ...site import Site
from .address import sets, writes
from .figure import NONE, drawn
from .preview import frame_of
from .tables import note, table

WARNING = (
    "Results show systems by name; looking is written down in the study's log. Look when the study is complete: who looks "
    "early, stops early."
)
NO_RELATION = (
    "No metric can be set against these ratings: that takes ratings of single systems, the run that the sounds came from, "
    "and at least five recordings with scores."
)
COLUMNS = (
    "metric", "level", "n", "spearman", "spearman_low", "spearman_high", "pearson", "pearson_low", "pearson_high", "kendall"
)  # fmt: skip


def results_tab(site: Site, choice: gradio.Dropdown) -> list[Any]:
    """Draw the tab; returns the outputs of :func:`restored` and :func:`cleared`."""
    gradio.Markdown(WARNING)
    with gradio.Row():
        analyse = gradio.Button("Analyse", variant="primary")
        show = gradio.Button("Show the last analysis")
        export = gradio.Button("Export the ratings")
    files = gradio.HTML(apply_default_css=False)
    report = gradio.HTML(elem_id="study-report", apply_default_css=False)
    relation = gradio.Markdown("", elem_id="study-relation")
    metric = gradio.Dropdown([], label="Metric", visible=False)
    figure, told_as_table = figures("relation"), gradio.HTML(apply_default_css=False)
    outputs = [files, report, relation, metric, figure, told_as_table]

    def analysed(name: str | None) -> list[Any]:
        analyse_study(site.workspace.opened(_named(name)), by="administration")
        return [gradio.skip(), *shown(site, name, "")]

    def looked(name: str | None) -> list[Any]:
        opened = site.workspace.opened(_named(name))
        if not (opened.folder / "analysis" / "report.html").is_file():
            raise StudyError(f"{name} has not been analysed; press Analyse first")
        opened.store.audit("administration", "look at the analysis", opened.study_id)
        return [gradio.skip(), *shown(site, name, "")]

    def exported(name: str | None) -> str:
        study = site.workspace.opened(_named(name))
        folder = study.folder / "export"
        return downloads(site, folder, export_study(study, folder, by="administration"))

    quiet = {"api_visibility": "private", "concurrency_limit": 1}
    analyse.click(told(analysed), choice, outputs, **quiet).success(None, None, None, js=sets(shown="1"))
    show.click(told(looked), choice, outputs, **quiet).success(None, None, None, js=sets(shown="1"))
    export.click(told(exported), choice, files, **quiet)
    drawn_anew = told(lambda name, chosen: shown(site, name, chosen)[3])
    metric.input(drawn_anew, [choice, metric], figure, trigger_mode="always_last", **quiet)
    metric.input(None, metric, None, js=writes({"metric": ""}))
    choice.input(None, None, None, js=sets(shown="", metric=""))
    # not on any change: the choice also changes when the page's address is read, and the results with it
    choice.input(cleared, None, outputs, **quiet)
    return outputs


def restored(site: Site, name: str | None, said: dict[str, str]) -> list[Any]:
    """The results again where the address says that they were shown."""
    try:
        if name and said.get("shown") == "1":
            return ["", *shown(site, name, said.get("metric", ""))]
        return cleared()
    except StudyError:
        return cleared()


def cleared() -> list[Any]:
    """Nothing of a study."""
    return ["", *_nothing()]


def _nothing() -> list[Any]:
    return ["", "", gradio.Dropdown([], visible=False), NONE, ""]


def shown(site: Site, name: str | None, metric: str) -> list[Any]:
    """The last analysis: the report in a frame, and metrics against ratings."""
    folder = site.workspace.path(_named(name)) / "analysis"
    content = read_json(folder / "analysis.json")
    if not isinstance(content, dict) or not (folder / "report.html").is_file():
        return _nothing()
    report = frame_of(".." + files_link(site, folder, "report.html"), f"Report of {name}")
    rows = content.get("correlations") or []
    if not rows:
        return [report, f"## Objective metrics against ratings\n\n{NO_RELATION}", *_nothing()[2:]]
    found = objective_figures(content["points"], rows, appearances_of(content))
    chosen = metric if metric in found else next(iter(found))
    label = (
        f"Mean rating of each recording against its {chosen}, a colour and marker a system; the correlations are below"
    )
    return [
        report,
        "## Objective metrics against ratings",
        gradio.Dropdown(list(found), value=chosen, visible=True),
        drawn(found[chosen], "relation-figure", label),
        table("Correlation of metrics with ratings, 95 % intervals", [{key: row[key] for key in COLUMNS} for row in rows],
              {str(row["metric"]): f"help#{anchor_of(str(row['metric']))}" for row in rows}),
    ]  # fmt: skip


def downloads(site: Site, folder: Path, paths: list[Path]) -> str:
    """Links to exported files of kinds that are handed out."""
    links = []
    for path in paths:
        if path.suffix in (".csv", ".parquet", ".json", ".md"):
            address = ".." + files_link(site, folder, path.name, download=True)
            links.append(f'<li><a href="{address}" download="{path.name}">{path.name}</a></li>')
    return note("The ratings, with a codebook; nothing that names a person.") + f"<ul>{''.join(links)}</ul>"


def _named(name: str | None) -> str:
    if not name:
        raise StudyError("no study is chosen; make one in the tab New study")
    return name
