"""The tab that gates: a candidate, a baseline, and the policy edited in place."""

from __future__ import annotations

from html import escape
from pathlib import Path
from typing import Any

import gradio

from harness.gate.kept import KeptGate, kept_gates
from harness.gate.policy import READY, Policy, PolicyError, parse_policy
from harness.new_run import free_name, new_folder
from harness.storage import write_bytes
from streamflow.errors import StreamflowError

from ... import address
from ...messages import BACKGROUND, told
from ...site import Site
from . import choices
from .jobs_panel import CHANGED
from .markup import anchor, badge, framed, html, note, table, when
from .verdict import TONES, candidate_name, verdict_card

FOLDER = "gates"
VERDICTS = (0, 1, 3, 4)  # exit codes of `streamflow gate` that are answers
QUIET: dict[str, Any] = {"show_progress": "hidden", "api_visibility": "private", "concurrency_limit": None}
KEPT_POLICY = "streamflow-policy"  # in the browser's tab: a policy is too long for an address
READ_POLICY = f"() => [sessionStorage.getItem('{KEPT_POLICY}') ?? '']"
WRITE_POLICY = f"(text) => {{ sessionStorage.setItem('{KEPT_POLICY}', text); return [text]; }}"


def gate_tab(site: Site) -> None:
    """Draw the tab."""
    page = gradio.context.Context.root_block
    shown = html()
    gradio.Markdown(f"## New gate\nDoes a candidate lose more than the policy tolerates? {BACKGROUND}")
    with gradio.Row():
        candidate = gradio.Dropdown(
            [], label="Candidate", info="A run, or weights that decode the baseline's experiment."
        )
        baseline = gradio.Dropdown([], label="Baseline", info="A promoted run, or any other.")
        name = gradio.Textbox(label="Name", info="Of the gate.")
    pairs = gradio.Textbox(
        label="Systems", info="Separated by commas, NAME or NEW=OLD; empty for every decoder of the baseline."
    )
    measure = gradio.Checkbox(
        label="Measure the latency of both in turn, now",
        info="Decides over latency; recorded latencies only report it.",
    )
    with gradio.Accordion("Policy: what may be lost", open=False):
        policy = gradio.Code(language="yaml", label="Policy (TOML)", lines=14, max_lines=30, elem_id="gate-policy")
        reset = gradio.Button("Back to the default policy", size="sm")
    checked = html(elem_id="gate-policy-check")
    start = gradio.Button("Gate it", variant="primary", elem_id="gate-start")
    said = html(elem_classes=["notice"])

    def arrive(request: gradio.Request) -> list[Any]:
        new, old = choices.candidates(site), choices.baselines(site)
        return [
            gradio.Dropdown(new, value=_offered(new, address.read(request, "candidate"))),
            gradio.Dropdown(
                old, value=_offered(old, address.read(request, "baseline")) or (old[0][1] if old else None)
            ),
            free_name(site.runs / FOLDER, "gate"),
            address.read(request, "pairs"),
            bool(address.read(request, "measure")),
            gates_shown(site, address.read(request, "gate")),
        ]

    @told
    def begin(*values: Any) -> tuple[str, str]:
        return start_gate(site, *values), free_name(site.runs / FOLDER, "gate")

    page.load(arrive, None, [candidate, baseline, name, pairs, measure, shown], **QUIET)
    page.load(lambda kept: kept or default_policy(), policy, policy, js=READ_POLICY, **QUIET)
    written = [candidate, baseline, pairs, measure]
    names = ("candidate", "baseline", "pairs", "measure")
    gradio.on(
        [box.change for box in written],
        None,
        written,
        None,
        js=address.write(*names, seen="#gate-start"),
        api_visibility="private",
    )
    policy.change(policy_check, policy, checked, js=WRITE_POLICY, trigger_mode="always_last", **QUIET)
    reset.click(default_policy, None, policy, **QUIET)
    form = [candidate, baseline, name, pairs, measure, policy]
    start.click(begin, form, [said, name], **QUIET).success(None, js=CHANGED, api_visibility="private")


def _offered(offered: list[tuple[str, str]], value: str) -> str | None:
    return value if value in [one for _, one in offered] else None


def default_policy() -> str:
    """The ready policy's text, with what it says about itself."""
    return (READY / "default.toml").read_text(encoding="utf-8")


def policy_check(text: str) -> str:
    """What a policy asks, in a line, or what is wrong with it."""
    try:
        return f'<p class="rn-note rn-good">{escape(_in_words(parse_policy(text or "")))}</p>'
    except PolicyError as error:
        return note(str(error), "bad")


def _in_words(policy: Policy) -> str:
    needed = [name for name, rule in policy.metrics.items() if rule.required]
    parts = [f"The policy can be used: {len(needed)} metrics are required ({', '.join(needed)})"]
    if len(policy.metrics) > len(needed):
        parts.append(f"{len(policy.metrics) - len(needed)} more are gated where the baseline has them")
    parts.append("latency is gated" if policy.latency else "latency is not gated")
    parts.append(f"verdicts at {100 * policy.level:g} %")
    return "; ".join(parts) + "."


def start_gate(
    site: Site, candidate: str | None, baseline: str | None, name: str, pairs: str, measure: bool, policy: str
) -> str:
    """Write the policy and start the gate; returns what to say.

    Raises:
        StreamflowError: nothing chosen, a policy that cannot be used, systems that weights cannot have, a name that is none
            or taken.
    """
    parse_policy(policy or "")
    if not candidate or not baseline:
        raise StreamflowError("choose a candidate and a baseline; promote a run to have one")
    if candidate == baseline:
        raise StreamflowError("candidate and baseline are the same run; choose another")
    wanted = [part.strip() for part in (pairs or "").split(",") if part.strip()]
    renamed = next((part for part in wanted if "=" in part), None)
    if renamed and candidate.startswith(choices.WEIGHTS):
        raise StreamflowError(
            f"{renamed}: weights decode the baseline's systems under their own names; give NAME alone"
        )
    out = new_folder(site.runs / FOLDER, name)
    argv = ["gate", *_candidate(site, candidate), *_baseline(site, baseline), "--out", str(out)]
    argv += ["--policy", str(out / "policy.toml")]
    argv += [part for pair in wanted for part in ("--system", pair)]
    argv.append("--measure-latency" if measure else "--recorded-latency")
    try:
        write_bytes(out / "policy.toml", policy.encode())
    except OSError as error:
        raise StreamflowError(
            f"{error.filename}: {error.strerror}; make room, or let the folder be written to"
        ) from None
    facts = {"kind": "gate", "href": address.link("runs", tab="gate", gate=f"{FOLDER}/{out.name}")}
    site.jobs.start(argv, f"Gate {candidate.partition(':')[2]}", good=VERDICTS, facts=facts)
    return "<p>The gate was started; its verdict will be linked above.</p>"


def _candidate(site: Site, value: str) -> list[str]:
    kind, _, name = value.partition(":")
    if kind + ":" == choices.RUN:
        return ["--candidate", str(choices.run_path(site, name))]
    if value not in dict(map(reversed, choices.candidates(site))):
        raise StreamflowError(f"{name}: no such weights here; choose from the list")
    return ["--checkpoint", name]


def _baseline(site: Site, value: str) -> list[str]:
    kind, _, name = value.partition(":")
    if kind + ":" == choices.RUN:
        return ["--baseline", str(choices.run_path(site, name))]
    return ["--baseline", name, "--store", str(site.baselines)]


def gates_shown(site: Site, name: str) -> str:
    """The gate that is asked for, or the list of all that were carried out."""
    gates = kept_gates(site.runs)
    if name:
        chosen = next((gate for gate in gates if gate.name == name), None)
        back = f"<p>{anchor(address.link('runs', tab='gate'), '← All gates')}</p>"
        if chosen is None:
            return back + note(f"There is no gate {name} here; choose one of the list.", "bad")
        return back + verdict_card(site, chosen) + _page(site, chosen)
    if not gates:
        return note("Nothing was gated yet. Promote a run to baseline, then choose a candidate below.")
    rows = [_row(gate) for gate in gates]
    return table("Gates", ("Gate", "Verdict", "Candidate", "Baseline", "When"), rows)


def _row(gate: KeptGate) -> list[str]:
    return [
        anchor(address.link("runs", tab="gate", gate=gate.name), gate.name),
        badge(gate.verdict, TONES[gate.verdict]),
        candidate_name(gate),
        escape(Path(gate.baseline).name),
        when(gate.created),
    ]


def _page(site: Site, gate: KeptGate) -> str:
    if not gate.has_page:
        return ""
    return "<h3>Everything that was checked</h3>" + framed(site, gate.path, "index.html", f"Gate {gate.name}")
