"""The first page: whether the candidate may ship, what runs, how studies go, what is new."""

from __future__ import annotations

from datetime import timedelta
from html import escape
from typing import Any

import gradio

from harness.gate.kept import KeptGate, kept_gates
from harness.run_index import RunFacts

from ..address import link
from ..site import Site
from .runs import choices
from .runs.jobs_panel import jobs_panel
from .runs.markup import anchor, badge, html, note, table
from .runs.run_markup import recent_runs
from .runs.verdict import verdict_card

REFRESH_S = 10.0
RUNS_SHOWN = 5
QUIET: dict[str, Any] = {"show_progress": "hidden", "api_visibility": "private", "concurrency_limit": None}


def build(site: Site) -> None:
    """Draw the page."""
    gradio.Markdown("# Overview")
    verdict = html(elem_id="overview-verdict")
    jobs_panel(over=False)
    rest = html(elem_id="overview-rest")

    def show() -> tuple[str, str]:
        runs, gates = site.index.runs(), kept_gates(site.runs)
        return verdict_of(site, runs, gates), studies_of(site) + runs_of(runs)

    page = gradio.context.Context.root_block
    gradio.on([page.load, gradio.Timer(REFRESH_S).tick], show, None, [verdict, rest], **QUIET)


def verdict_of(site: Site, runs: list[RunFacts], gates: list[KeptGate]) -> str:
    """The last gate's verdict, or what to press where there is none."""
    if not runs and not gates:
        return welcome()
    if not gates:
        promote = anchor(link("runs", tab="baselines"), "1. Promote a baseline", kind="rn-button")
        gate = anchor(link("runs", tab="gate"), "2. Gate a candidate", kind="rn-button")
        if choices.promoted(site):
            promote, gate = "", anchor(link("runs", tab="gate"), "Gate a candidate", kind="rn-button")
        return (
            '<section class="rn-verdict rn-plain"><h2>No candidate was gated yet</h2>'
            "<p>A gate says whether a new checkpoint may ship: it holds a run against a baseline and a policy of what may "
            f'be lost.</p><p class="rn-actions">{promote}{gate}</p></section>'
        )
    last = gates[0]
    return verdict_card(site, last, links=True) + _not_gated(site, runs, gates)


def _not_gated(site: Site, runs: list[RunFacts], gates: list[KeptGate]) -> str:
    """Decoded runs that are newer than the verdict: it says nothing about them."""
    gated = {gate.candidate_in(site.runs) for gate in gates}
    since = gates[0].created + timedelta(seconds=1)  # gates note whole seconds
    newer = [run for run in runs if run.made > since and run.name not in gated and run.state == "complete"]
    if not newer:
        return ""
    names = ", ".join(
        anchor(link("runs", tab="gate", candidate=f"run:{run.name}"), f"gate {run.name}") for run in newer[:3]
    )
    return f'<p class="rn-note rn-plain">Newer than this verdict and not gated: {names}.</p>'


def welcome() -> str:
    """For somebody who sees this for the first time."""
    steps = (
        (
            "compare",
            "Compare two decoders live",
            "Choose a sentence, press Decode, listen: nothing has to be prepared.",
        ),
        ("runs?new=1", "Start a comparison", "A whole corpus by several systems, scored, with a report."),
        ("studies", "Ask listeners", "A listening test made from a run, opened with a link."),
        ("help", "What the numbers mean", "Every metric with its unit, direction and source."),
    )
    cards = "".join(
        f'<li><a href="{where}"><strong>{escape(title)}</strong><span>{escape(text)}</span></a></li>'
        for where, title, text in steps
    )
    return (
        '<section class="rn-welcome"><h2>Nothing here yet: start with one of these</h2>'
        f'<ol class="rn-steps">{cards}</ol></section>'
    )


def studies_of(site: Site) -> str:
    """Open studies with how far they are."""
    rows = [row for row in site.workspace.overview() if row["state"] == "open"]
    if not rows:
        return ""
    body = [
        [
            anchor(link("studies", study=row["study"]), row["study"]),
            escape(row["protocol"]),
            badge(row["state"], "good"),
            f'<progress value="{row["completed"]}" max="{max(1, row["wanted"])}" aria-label="listeners of '
            f'{escape(row["study"])}"></progress> {row["completed"]} of {row["wanted"]}',
            str(row["started"]),
        ]
        for row in rows
    ]
    head = ("Study", "Protocol", "State", "Listeners who finished", "Started")
    return "<h2>Open studies</h2>" + table("Open studies", head, body, numeric=(4,), seen=False)


def runs_of(runs: list[RunFacts]) -> str:
    """The newest runs."""
    if not runs:
        return ""
    more = f"<p>{anchor(link('runs'), f'All {len(runs)} runs')}</p>" if len(runs) > RUNS_SHOWN else ""
    broken = [run for run in runs if run.problem]
    said = note(f"{len(broken)} cannot be read; the runs page says why.", "warn") if broken else ""
    return "<h2>Recent runs</h2>" + recent_runs(runs[:RUNS_SHOWN]) + more + said
