"""The tab that watches a study while it runs: blind, until somebody unlocks it, which is written down."""

from __future__ import annotations

import gradio

from listening_tests.errors import StudyError
from listening_tests.monitoring import log_of, monitor_study

from ...messages import told
from ...site import Site
from .tables import note, table, tables

DRAFT = "The study has not been opened, so there is nothing to watch yet."
BLIND = (
    "Letters stand for systems, in an order that says nothing. Whoever sees who is ahead stops when it pleases; the width "
    "of the intervals is all that a decision to go on needs."
)


def monitor_tab(site: Site, choice: gradio.Dropdown) -> gradio.HTML:
    """Draw the tab; returns what :func:`watched` fills."""
    gradio.Markdown(BLIND)
    look = gradio.Button("Look again")
    shown = gradio.HTML(elem_id="study-watched", apply_default_css=False)
    with gradio.Accordion("Unlock", open=False):
        reason = gradio.Textbox(label="Why", info="Goes into the study's log, with the time.")
        unlock = gradio.Button("Show the systems' names and means", variant="stop")
        named = gradio.HTML(apply_default_css=False)

    def unlocked(name: str | None, why: str) -> str:
        if not why.strip():
            raise StudyError("unlocking is written down with its reason; say why first")
        if not name or not site.workspace.is_frozen(name):
            return note(DRAFT)
        opened = site.workspace.opened(name)
        found = monitor_study(opened, unlock=True, by="administration", reason=why.strip())
        return tables(list(found)[-1:]) + table("The study's log", log_of(opened))

    quiet = {"api_visibility": "private", "concurrency_limit": None}
    look.click(told(lambda name: watched(site, name)), choice, shown, **quiet)
    unlock.click(told(unlocked), [choice, reason], named, **quiet)
    choice.change(None, None, [named, reason], js='() => ["", ""]')  # at once, not after what somebody types then
    return shown


def watched(site: Site, name: str | None) -> str:
    """How the study goes, blind, as HTML; of one that cannot be read why."""
    if not name:
        return ""
    try:
        if not site.workspace.is_frozen(name):
            return note(DRAFT)
        opened = site.workspace.opened(name)
        return tables(monitor_study(opened)) + table("The study's log", log_of(opened))
    except StudyError as error:
        return note(f"{name} cannot be read: {error}", "bad")
