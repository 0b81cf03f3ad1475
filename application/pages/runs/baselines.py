"""The tab of baselines: what was promoted when, and promoting a run, which has to be confirmed."""

from __future__ import annotations

from html import escape
from pathlib import Path
from typing import Any

import gradio

from harness.gate.baseline import NAME, history, promote
from streamflow.errors import StreamflowError

from ... import address
from ...messages import told
from ...site import Site
from . import choices
from .markup import html, note, table

CLOSED = '() => [{ __type__: "update", visible: false }]'
QUIET: dict[str, Any] = {"show_progress": "hidden", "api_visibility": "private", "concurrency_limit": None}


def baselines_tab(site: Site) -> None:
    """Draw the tab."""
    page = gradio.context.Context.root_block
    gradio.Markdown(
        "A baseline is a run that candidates are held against; promoting keeps a copy of it, audio included."
    )
    listed = html()
    with gradio.Row():
        run = gradio.Dropdown([], label="Run to promote", info="It must have scores.")
        name = gradio.Textbox(
            "main", label="Name of the baseline", info="What gates ask for unless told otherwise: main."
        )
        why = gradio.Textbox(label="Why", info="For the history.")
    anchor = gradio.Checkbox(label="Measure slow drift from this run on", info="Otherwise from the first one promoted.")
    failures = gradio.Checkbox(label="Even if renderings of it failed")
    ask = gradio.Button("Promote …", elem_id="promote-ask")
    with gradio.Column(visible=False) as confirm:
        question = html()
        with gradio.Row():
            yes = gradio.Button("Yes, promote it", variant="primary", elem_id="promote-yes")
            no = gradio.Button("No")
    said = html(elem_classes=["notice"], elem_id="promote-said")

    def arrive(request: gradio.Request) -> list[Any]:
        names = choices.run_names(site)
        wanted = address.read(request, "promote")
        return [gradio.Dropdown(names, value=wanted if wanted in names else None), promotions(site)]

    @told
    def doubt(run: str | None, name: str) -> list[Any]:
        return [gradio.Column(visible=True), consequence(site, run or "", name or "")]

    @told
    def carry_out(run: str, name: str, why: str, anchor: bool, failures: bool) -> list[Any]:
        held = promote(
            choices.run_path(site, run),
            name.strip(),
            site.baselines,
            new_anchor=anchor,
            with_failures=failures,
            note=why,
        )
        text = f"{run} is the baseline {name.strip()} now (sha256 {held.sha256[:12]})."
        return [note(text, "good"), gradio.Column(visible=False), promotions(site)]

    page.load(arrive, None, [run, listed], **QUIET)
    run.change(None, run, None, js=address.write("promote", seen="#promote-ask"), api_visibility="private")
    ask.click(doubt, [run, name], [confirm, question], **QUIET)
    # in the browser: an answer that came after the next press would close what that has opened
    triggers = [no.click, run.change, name.change]
    gradio.on(triggers, None, None, confirm, js=CLOSED, trigger_mode="multiple", api_visibility="private")
    yes.click(carry_out, [run, name, why, anchor, failures], [said, confirm, listed], **QUIET)


def consequence(site: Site, run: str, name: str) -> str:
    """What promoting would change, in words.

    Raises:
        StreamflowError: no run, or a name that cannot be one.
    """
    choices.run_path(site, run)
    if not NAME.fullmatch(name.strip()):
        raise StreamflowError(f"baseline name {name!r}: use letters, digits, '-', '_', '.', '+'")
    last = dict(choices.promoted(site)).get(name.strip())
    now = f"now it is {Path(str(last['run'])).name}, promoted {last['promoted'][:10]}" if last else "there is none yet"
    return (
        f"<p>From now on every gate of <strong>{escape(name.strip())}</strong> holds candidates against "
        f"<strong>{escape(run)}</strong> ({escape(now)}). Promote it?</p>"
    )


def promotions(site: Site) -> str:
    """Every promotion, the last of each name being in force."""
    rows = []
    for name, last in choices.promoted(site):
        for entry in reversed(history(name, site.baselines)):
            rows.append(
                [
                    escape(name) + (" (in force)" if entry == last else ""),
                    escape(Path(str(entry.get("run", ""))).name),
                    escape(str(entry.get("promoted", ""))[:16].replace("T", " ") + " UTC"),
                    escape(str(entry.get("by", ""))),
                    escape(str(entry.get("note") or "")),
                    f"<code>{escape(str(entry.get('sha256', ''))[:12])}</code>",
                ]
            )
    if not rows:
        return note(
            "No baseline yet. Choose a run below and promote it; gates hold candidates against it from then on."
        )
    return table("Promotions", ("Baseline", "From run", "When", "By", "Why", "sha256"), rows)
