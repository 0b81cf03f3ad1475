"""A gate's verdict for somebody who decides: in words, with what fell by how much against what may be lost."""

from __future__ import annotations

import math
from collections.abc import Sequence
from html import escape
from pathlib import Path

from harness.gate.checks import Check, figure
from harness.gate.kept import KeptGate, share_used
from harness.run import Run
from streamflow.errors import StreamflowError
from reports.handbook import anchor_of

from ...address import link
from ...site import Site
from .markup import ago, anchor, badge, table, when

TONES = {"PASS": "good", "FAIL": "bad", "INCONCLUSIVE": "warn", "BROKEN": "bad"}
WORDS = {
    "PASS": "The candidate may ship",
    "FAIL": "The candidate must not ship",
    "INCONCLUSIVE": "It cannot be told yet whether the candidate may ship",
    "BROKEN": "There is no verdict: the evaluation itself is broken",
}
MOST = 6
DECODED = "candidate"  # in a gate's folder: what `streamflow gate --checkpoint` decoded


def verdict_card(site: Site, gate: KeptGate, *, links: bool = False) -> str:
    """The verdict, about what, why.

    Args:
        site: whose runs the gate is about.
        gate: a gate that was carried out.
        links: whether to add the ways to the whole gate and to the audio of what fell.
    """
    tone = TONES[gate.verdict]
    against = f"{candidate_name(gate)} against the baseline {_name(gate.baseline)}"
    return (
        f'<section class="rn-verdict rn-{tone}" aria-labelledby="verdict">'
        f'<p class="rn-kicker">{badge(gate.verdict, tone)} {when(gate.created)}, {ago(gate.created)}</p>'
        f'<h2 id="verdict">{escape(WORDS[gate.verdict])}</h2>'
        f"<p><strong>{against}</strong>: {escape(gate.meaning)}.</p>"
        f"{_why(gate)}{_ways(site, gate) if links else ''}</section>"
    )


def candidate_name(gate: KeptGate) -> str:
    """What was gated, as HTML: a run, or the weights that were decoded for the gate and lie in its folder."""
    if Path(gate.candidate).name == DECODED and (gate.path / DECODED / "run.toml").is_file():
        try:
            weights = Run(gate.path / DECODED).experiment.get("checkpoint")
        except StreamflowError:
            weights = None
        return f"weights {escape(Path(str(weights)).name)}" if weights else "weights"
    return _name(gate.candidate)


def _name(run: str) -> str:
    """A run's folder, or a baseline's name with its hash."""
    return escape(Path(run).name if "/" in run else run)


def _why(gate: KeptGate) -> str:
    if gate.verdict == "BROKEN":
        return "<ul>" + "".join(f"<li>{escape(reason)}</li>" for reason in gate.reasons[:MOST]) + "</ul>"
    if gate.holding:
        return _table("What holds it back", gate.holding)
    nearest = gate.closest()
    return _table("Nearest to what may be lost", nearest) if nearest else "<p>Nothing that decides got worse.</p>"


def _table(caption: str, checks: Sequence[Check]) -> str:
    more = len(checks) - MOST
    rows = [
        [
            _what(check), escape(check.system), _change(check), _interval(check), _margin(check), _used(check),
            badge(check.verdict, TONES[check.verdict]),
        ]
        for check in checks[:MOST]
    ]  # fmt: skip
    head = ("What", "System", "Change", "95 % bounds", "May be lost", "Share used", "Verdict")
    text = table(caption, head, rows, numeric=(2, 3, 4, 5), kind="rn-checks")
    return text + (f"<p>And {more} more; the whole gate lists them.</p>" if more > 0 else "")


def _what(check: Check) -> str:
    label = anchor(f"help#{anchor_of(check.metric)}", check.metric)
    return label + escape(check.name[len(check.metric) :])


def _unit(check: Check) -> str:
    return f" {check.unit}" if check.unit else ""


def _change(check: Check) -> str:
    return escape(figure(check.estimate, check.kind == "quality") + _unit(check))


def _interval(check: Check) -> str:
    if check.low is None or check.high is None:
        return "–"
    signed = check.kind == "quality"
    return f"{figure(check.low, signed)} to {figure(check.high, signed)}"


def _margin(check: Check) -> str:
    if check.kind == "quality":
        return escape(f"−{check.margin:g}{_unit(check)}")
    return escape(f"up to {check.margin:g}")


def _used(check: Check) -> str:
    share = share_used(check)
    return "all" if math.isinf(share) else f"{share:.0%}".replace("%", " %")


def _ways(site: Site, gate: KeptGate) -> str:
    run = gate.candidate_in(site.runs)
    heard = "Listen to what fell" if gate.verdict == "FAIL" else "See every check"
    ways = [(link("runs", tab="gate", gate=gate.name), heard)]
    ways += [(link("runs", run=run), f"Report of {run}")] if run else []
    return '<p class="rn-actions">' + "".join(anchor(where, text, kind="rn-button") for where, text in ways) + "</p>"
