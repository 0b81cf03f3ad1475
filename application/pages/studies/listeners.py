"""The tab of a study's listeners: open it, its link, invitations, completion codes."""

from __future__ import annotations

import html
from typing import Any

import gradio

from listening_tests.errors import StudyError
from listening_tests.service.completion import check_codes
from listening_tests.study import load_study
from listening_tests.workspace import Workspace

from ...messages import told
from ...site import Site
from .tables import note, table

# Of another study; done in the page at once, as an answer of the server could come after what somebody does then.
GONE = '() => [false, {__type__: "update", value: "", visible: false}, ""]'
FREEZES = "Opening freezes the file and its sounds; nothing can be changed afterwards."


def listeners_tab(site: Site, choice: gradio.Dropdown, facts: gradio.HTML) -> gradio.Textbox:
    """Draw the tab; returns the box with the listeners' link, which follows the study as ``facts`` does."""
    sure = gradio.Checkbox(label="I have looked at the preview; freeze it", info=FREEZES, value=False)
    with gradio.Row():
        open_ = gradio.Button("Open", variant="primary")
        close = gradio.Button("Close")
    address = gradio.Textbox(
        label="The listeners' link", interactive=False, buttons=["copy"], info="There once the study is open."
    )
    gradio.Markdown("## Invitations\n\nPersonal links that work on any device and come back to the same place.")
    with gradio.Row():
        count = gradio.Number(10, label="How many", precision=0, minimum=1, maximum=10_000)
        invite = gradio.Button("Make invitations", scale=0, min_width=200)
    links = gradio.Textbox(label="Invitations", lines=4, visible=False, buttons=["copy"], interactive=False)
    gradio.Markdown("## Completion codes")
    codes = gradio.Textbox(label="Codes as listeners sent them", lines=3, info="One a line, or separated by commas.")
    check = gradio.Button("Check the codes")
    checked = gradio.HTML(apply_default_css=False)

    def opened(name: str | None, agreed: bool) -> tuple[str, str]:
        if not site.workspace.is_frozen(_named(name)) and not agreed:
            raise StudyError("opening freezes the study; tick the box above the button first")
        site.workspace.open(_named(name))
        return describe(site, _named(name)), link_of(site, name)

    def closed(name: str | None) -> tuple[str, str]:
        site.workspace.close(_named(name))
        return describe(site, _named(name)), link_of(site, name)

    def invited(name: str | None, number: float) -> Any:
        study = site.workspace.opened(_named(name))
        tokens = study.store.create_invitations(study.study_id, int(number))
        lines = [f"{link(site.address, study.token)}?invitation={token}" for token in tokens]
        return gradio.Textbox("\n".join(lines), visible=True)

    def verified(name: str | None, text: str) -> str:
        found = check_codes(site.workspace.opened(_named(name)), text)
        return note(found.summary(), "bad" if found.wrong else "good") + table("Codes", found.rows)

    quiet = {"api_visibility": "private", "concurrency_limit": None}
    open_.click(told(opened), [choice, sure], [facts, address], **quiet)
    close.click(told(closed), choice, [facts, address], **quiet)
    invite.click(told(invited), [choice, count], links, **quiet)
    check.click(told(verified), [choice, codes], checked, **quiet)
    choice.change(None, None, [sure, links, checked], js=GONE)
    return address


def _named(name: str | None) -> str:
    if not name:
        raise StudyError("no study is chosen; make one in the tab New study")
    return name


def describe(site: Site, name: str) -> str:
    """What a study is and how far, as HTML; of one that cannot be read why, as the page must come up all the same."""
    try:
        rows = _facts(site.workspace, name)
    except StudyError as error:
        return note(f"{name} cannot be read: {error}", "bad")
    body = "".join(f"<dt>{html.escape(what)}</dt><dd>{said}</dd>" for what, said in rows)
    return f'<dl class="study-facts" aria-label="The study">{body}</dl>'


def _facts(workspace: Workspace, name: str) -> list[tuple[str, str]]:
    """Pairs of a word and HTML."""
    study = load_study(workspace.path(name))
    wanted = study.design.listeners
    rows = [
        ("Title", html.escape(study.title)),
        ("Asks", html.escape(f"{study.protocol}, {len(study.systems)} systems")),
    ]
    if study.simulated:
        rows.append(("Ratings", "of simulated listeners: nobody's"))
    if not workspace.is_frozen(name):
        return [*rows, ("State", f"<strong>draft</strong>. {FREEZES}"), ("Listeners", f"{wanted} wanted")]
    opened = workspace.opened(name)
    complete = opened.store.counts(opened.study_id).complete
    bar = f'<progress max="{wanted}" value="{min(complete, wanted)}" aria-label="complete"></progress>'
    state = f"<strong>{html.escape(opened.state)}</strong>, frozen as <code>{opened.identity[:12]}</code>"
    return [*rows, ("State", state), ("Listeners", f"{bar} {complete} of {wanted} complete")]


def link_of(site: Site, name: str | None) -> str:
    """The listeners' link of a study that was opened, else nothing."""
    try:
        return link(site.address, site.workspace.opened(name).token) if name and site.workspace.is_frozen(name) else ""
    except StudyError:  # described above it
        return ""


def link(address: str, token: str) -> str:
    """Where listeners go."""
    return f"{address.rstrip('/')}/s/{token}"
