"""A list of runs and one run, as HTML."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from typing import Any

from harness.gate.kept import kept_gates
from harness.run_index import COMPLETE, UNFINISHED, UNREADABLE, WITH_FAILURES, WRITING, RunFacts

from ...address import link
from ...site import Site
from .markup import anchor, badge, facts, framed, note, table, when
from .sweep import sweep_link

TONES = {COMPLETE: "good", WITH_FAILURES: "warn", UNFINISHED: "warn", WRITING: "plain", UNREADABLE: "bad"}
SYSTEMS_SHOWN = 4
COMPACT = "rn-runs"  # how a phone sets the rows
HEAD = ("Run", "Made", "Corpus", "Systems", "Utterances", "Seeds", "Checkpoint", "State")


def runs_table(runs: Sequence[RunFacts], of: int, filters: Sequence[str] = ()) -> str:
    """The list; without any run what to press, without a fitting one that."""
    if not of:
        return note("No runs yet. Press “New comparison” above: the shipped corpus and weights are ready to use.")
    if not runs:
        return note(f"None of the {of} runs fits; take a filter out.")
    kept = dict(zip(("q", "corpus", "has", "weights"), filters, strict=False))
    caption = f"{len(runs)} run{'s' if len(runs) != 1 else ''}" + (f" of {of}" if len(runs) != of else "")
    return table(caption, HEAD, [_row(run, kept) for run in runs], numeric=(4, 5), kind=COMPACT)


def recent_runs(runs: Sequence[RunFacts]) -> str:
    """A short list without filters."""
    return table("Recent runs", HEAD, [_row(run, {}) for run in runs], numeric=(4, 5), seen=False, kind=COMPACT)


def _row(run: RunFacts, kept: dict[str, str]) -> list[str]:
    more = len(run.systems) - SYSTEMS_SHOWN
    systems = ", ".join(run.systems[:SYSTEMS_SHOWN]) + (f" and {more} more" if more > 0 else "")
    return [
        anchor(link("runs", run=run.name, **kept), run.name),
        when(run.made),
        escape(run.corpus or "–"),
        escape(systems or run.problem or "–"),
        str(run.utterances),
        str(len(run.seeds)),
        escape(run.checkpoint or "–"),
        _state(run),
    ]


def _state(run: RunFacts) -> str:
    text = f"{run.failures} failures" if run.state == WITH_FAILURES else run.state
    return badge(text, TONES[run.state])


def run_detail(site: Site, name: str, run: RunFacts | None) -> str:
    """One run: what can be done with it, where it comes from, its report."""
    back = f"<p>{anchor(link('runs'), '← All runs')}</p>"
    if run is None:
        return back + note(f"There is no run {name} here; choose one of the list.", "bad")
    head = f'{back}<h2 class="rn-title">{escape(run.name)} {_state(run)}</h2>'
    if run.problem:
        return head + note(run.problem, "bad")
    report = framed(site, run.path, "report/index.html", f"Report of {run.name}") if run.has_report else _no_report(run)
    return head + _actions(run) + _provenance(site, run) + f'<h3 id="report">Report</h3>{report}'


def _no_report(run: RunFacts) -> str:
    if run.state in (UNFINISHED, WRITING):
        return note("The run is not finished; there will be a report when it is.")
    return note("There is no report yet; press “Write the report” below.")


def _actions(run: RunFacts) -> str:
    links = [
        (link("runs", tab="gate", candidate=f"run:{run.name}"), "Gate it"),
        (link("runs", tab="merge", merge=run.name), "Merge with others"),
        (link("runs", tab="baselines", promote=run.name), "Promote to baseline"),
        (link("latency", run=run.name), "Latency"),
        (link("studies", tab="new", run=run.name), "Listening test"),
    ]
    if again := sweep_link(run.experiment):
        links.append((again, "Sweep otherwise"))
    buttons = [(where, text, "rn-button rn-primary" if text == "Gate it" else "rn-button") for where, text in links]
    return '<p class="rn-actions">' + "".join(anchor(where, text, kind=kind) for where, text, kind in buttons) + "</p>"


def _provenance(site: Site, run: RunFacts) -> str:
    told = run.provenance
    gates = [gate for gate in kept_gates(site.runs) if gate.candidate_in(site.runs) == run.name]
    verdicts = ", ".join(
        f"{anchor(link('runs', tab='gate', gate=gate.name), gate.verdict)} against {escape(gate.baseline)}"
        for gate in gates
    )
    hashes = (told.get("checkpoint") or {}).get("sha256") or {}
    pairs = [
        ("Made", when(run.made)),
        (
            "Corpus",
            escape(run.corpus) + (f' <span class="rn-quiet">{escape(run.manifest)}</span>' if run.manifest else ""),
        ),
        ("Size", _size(run)),
        ("Systems", escape(_systems(run))),
        ("Swept", "; ".join(map(_swept, run.experiment.get("sweep", {}).values()))),
        ("Checkpoint", escape(run.checkpoint) + _hash(hashes.get("bundle.json"))),
        ("Code", escape(run.commit)),
        ("Machine", escape(run.hardware)),
        ("Versions", escape(_versions(told.get("versions")))),
        ("Command", _command(told)),
        ("Gates", verdicts),
    ]
    return f"<h3>Where it comes from</h3>{facts(pairs)}"


def _systems(run: RunFacts) -> str:
    """Every system, those of sweeps counted: their names say their parameters, and are many."""
    swept = {name for table in run.experiment.get("sweep", {}).values() for name in table.get("systems", ())}
    others = [_system(name, run.experiment["systems"]) for name in run.systems if name not in swept]
    count = sum(name in swept for name in run.systems)
    return ", ".join([*others, *([f"{count} swept"] if count else [])])


def _system(name: str, specs: Any) -> str:
    spec = specs.get(name) if isinstance(specs, dict) else None
    if not isinstance(spec, dict):
        return name
    strategy = spec.get("strategy") or spec.get("object") or name
    parameters = [f"{key}={value}" for key, value in spec.items() if key not in ("strategy", "object")]
    own = [strategy] if strategy != name else []
    return f"{name} ({', '.join(own + parameters)})" if own or parameters else name


def _swept(table: Any) -> str:
    axes = [f"{name} {', '.join(map(str, values))}" for name, values in table.get("vary", {}).items()]
    return escape(f"{', '.join(axes)} of {', '.join(table.get('strategy', ()))}")


def _hash(digest: Any) -> str:
    return f' <code title="{escape(str(digest))}">{escape(str(digest)[:12])}</code>' if digest else ""


def _versions(versions: Any) -> str:
    if not isinstance(versions, dict):
        return ""
    wanted = ("streamflow-harness", "torch", "numpy", "scipy")
    return ", ".join(f"{name} {versions[name]}" for name in wanted if versions.get(name))


def _command(told: Any) -> str:
    command = told.get("command")
    if not isinstance(command, list):
        return ""
    return f"<code>{escape(' '.join(map(str, command)))}</code>"


def _size(run: RunFacts) -> str:
    """Utterances, speakers and seeds in words."""
    counted = [
        f"{n} {word}{'' if n == 1 else 's'}" for n, word in ((run.utterances, "utterance"), (run.speakers, "speaker"))
    ]
    seeds = f"seed{'' if len(run.seeds) == 1 else 's'} {', '.join(map(str, run.seeds))}"
    return f"{counted[0]} of {counted[1]}, {seeds}"
