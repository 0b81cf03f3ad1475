"""The tab of one study: open, link, watch blind, analyse, export."""

from __future__ import annotations

from typing import Any

import gradio
import pandas

from listening_tests.analysing import analyse_study, export_study
from listening_tests.cells import cell_text
from listening_tests.errors import StudyError
from listening_tests.monitoring import monitor_study
from listening_tests.study import load_study
from listening_tests.workspace import Workspace

from ...messages import told

EMPTY = "*Make a study in the other tab first.*"


def study_tab(workspace: Workspace, address: str) -> gradio.Dropdown:
    """Draw the tab; returns the list of studies, for the tab that makes them."""
    names = workspace.names()
    choice = gradio.Dropdown(names, value=names[0] if names else None, label="Study")
    facts = gradio.Markdown(describe_or_empty(workspace, names[0] if names else None, address))
    with gradio.Row():
        open_ = gradio.Button("Open", variant="primary")
        close = gradio.Button("Close")
    with gradio.Row():
        count = gradio.Number(10, label="Invitations", info="Personal links.", precision=0, minimum=1, maximum=10_000)
        invite = gradio.Button("Make invitations", scale=0, min_width=200)
    links = gradio.Textbox(label="Invitations", lines=4, visible=False, buttons=["copy"])
    with gradio.Accordion("How it goes (blind)", open=True):
        unlock = gradio.Checkbox(label="Show the systems' names (written down in the study's log)", value=False)
        look = gradio.Button("Look")
        watched = gradio.Markdown()
    with gradio.Accordion("Analysis", open=True):
        gradio.Markdown("The analysis shows systems by name; it is written down in the study's log.")
        with gradio.Row():
            analyse = gradio.Button("Analyse")
            export = gradio.Button("Export")
        results = gradio.Markdown()
        files = gradio.Files(label="Files", visible=False, interactive=False)

    def show(name: str | None) -> str:
        return describe_or_empty(workspace, name, address)

    def opened(name: str) -> str:
        workspace.open(name)
        return show(name)

    def closed(name: str) -> str:
        workspace.close(name)
        return show(name)

    def invited(name: str, number: float) -> Any:
        study = workspace.opened(name)
        tokens = study.store.create_invitations(study.study_id, int(number))
        lines = [f"{link(address, study.token)}?invitation={token}" for token in tokens]
        return gradio.Textbox("\n".join(lines), visible=True)

    def watch(name: str, unlocked: bool) -> str:
        return tables(monitor_study(workspace.opened(name), unlock=unlocked))

    def analysed(name: str) -> Any:
        written = analyse_study(workspace.opened(name), by="administration")
        return tables(written.tables()), gradio.Files([str(path) for path in written.files()], visible=True)

    def exported(name: str) -> Any:
        paths = export_study(workspace.opened(name), workspace.path(name) / "export", by="administration")
        return gradio.Files([str(path) for path in paths], visible=True)

    quiet = {"api_visibility": "private", "concurrency_limit": None}
    choice.change(told(show), choice, facts, **quiet)
    open_.click(told(opened), choice, facts, **quiet)
    close.click(told(closed), choice, facts, **quiet)
    invite.click(told(invited), [choice, count], links, **quiet)
    look.click(told(watch), [choice, unlock], watched, **quiet)
    analyse.click(told(analysed), choice, [results, files], **quiet)
    export.click(told(exported), choice, files, **quiet)
    return choice


def describe_or_empty(workspace: Workspace, name: str | None, address: str) -> str:
    """The same, or what to do where there is no study, or why it cannot be read: the page must come up all the same."""
    try:
        return describe(workspace, name, address) if name else EMPTY
    except StudyError as error:
        return f"**{name}** cannot be read: {error}"


def describe(workspace: Workspace, name: str, address: str) -> str:
    """What a study is and where its listeners go, as Markdown."""
    study = load_study(workspace.path(name))
    lines = [
        f"**{study.title}** · {study.protocol} · {len(study.systems)} systems · {study.design.listeners} listeners wanted",
    ]
    if workspace.is_frozen(name):
        opened = workspace.opened(name)
        lines.append(f"State: **{opened.state}**, frozen as `{opened.identity[:12]}`")
        lines.append(f"Listeners: <{link(address, opened.token)}>")
    else:
        lines.append("State: **draft**. Opening freezes the file and its sounds; nothing can be changed afterwards.")
    return "\n\n".join(lines)


def link(address: str, token: str) -> str:
    """Where listeners go."""
    return f"{address.rstrip('/')}/s/{token}"


def tables(named: Any) -> str:
    """Titled tables as Markdown."""
    parts = []
    for title, rows in named:
        body = "nothing yet" if not rows else markdown_table(pandas.DataFrame(rows))
        parts.append(f"### {title}\n\n{body}")
    return "\n\n".join(parts)


def markdown_table(frame: pandas.DataFrame) -> str:
    """A table in Markdown; cells' pipes escaped, numbers to three digits."""

    def cell(value: Any, column: str) -> str:
        return cell_text(value, column).replace("|", "\\|").replace("\n", " ")

    head = [" | ".join(frame.columns), " | ".join("---" for _ in frame.columns)]
    body = [" | ".join(map(cell, row, frame.columns)) for row in frame.itertuples(index=False)]
    return "\n".join(f"| {line} |" for line in head + body)
