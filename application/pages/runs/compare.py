"""The tab that starts a comparison: what is decoded by what, how long that will take, and whether it can be done."""

from __future__ import annotations

from html import escape
from typing import Any

import gradio

from harness.experiment import Experiment
from harness.forecast import Forecast, forecast
from harness.metrics import REGISTRY, standard_metrics
from harness.new_run import comparison, free_name, new_folder, read_form
from streamflow.errors import StreamflowError

from ... import address
from ...messages import BACKGROUND, told
from ...site import Site
from . import choices
from .jobs_panel import CHANGED
from .markup import duration, html, note

NAMES = ("name", "manifest", "split", "limit", "system", "checkpoint", "seed", "metrics")
QUIET: dict[str, Any] = {"show_progress": "hidden", "api_visibility": "private", "concurrency_limit": None}
NAME = "comparison"
USUAL = ("full", "streamflow-sr", "streamflow-lr")
SYSTEMS_HELP = (
    "One a line: a strategy; NAME:STRATEGY,PARAMETER=VALUE, such as fast:streamflow-sr,nfe=2; or "
    "NAME=package.module:attribute, a decoder of your own."
)


def compare_tab(site: Site) -> None:
    """Draw the tab."""
    page = gradio.context.Context.root_block
    gradio.Markdown(f"Decode a corpus with several systems, score them, and write a report. {BACKGROUND}")
    with gradio.Row():
        with gradio.Column(scale=2, min_width=280):
            boxes = _systems_column()
        with gradio.Column(scale=1, min_width=280):
            boxes |= _corpus_column()
    expected = html(elem_id="new-forecast")
    start = gradio.Button("Start the comparison", variant="primary", elem_id="new-start")
    said = html(elem_classes=["notice"])
    inputs = [boxes[name] for name in NAMES]

    def arrive(request: gradio.Request) -> list[Any]:
        return _arrive(site, request)

    def check(*values: Any) -> str:
        return _checked(site, dict(zip(NAMES, values, strict=True)))

    def add(strategies: list[str], lines: str) -> str:
        there = [line.strip() for line in (lines or "").splitlines() if line.strip()]
        plain = [line for line in there if line not in _strategies() or line in strategies]
        return "\n".join([*plain, *(name for name in strategies if name not in plain)])

    @told
    def begin(*values: Any) -> tuple[str, str]:
        said = _begin(site, dict(zip(NAMES, values, strict=True)))
        return said, free_name(site.runs, NAME)

    page.load(arrive, None, [*inputs, boxes["ticked"], expected], **QUIET)
    boxes["ticked"].input(add, [boxes["ticked"], boxes["system"]], boxes["system"], **QUIET)
    written = address.write(*NAMES, seen="#new-start", new="", tab="new")
    gradio.on([box.change for box in inputs], check, inputs, expected, js=written, trigger_mode="always_last", **QUIET)
    start.click(begin, inputs, [said, boxes["name"]], **QUIET).success(None, js=CHANGED, api_visibility="private")


def _systems_column() -> dict[str, Any]:
    return {
        "ticked": gradio.CheckboxGroup(
            _strategies(), label="Strategies", info="Ticking one adds it with its usual parameters."
        ),
        "system": gradio.Textbox(label="Systems", info=SYSTEMS_HELP, lines=5, elem_id="new-systems"),
        "metrics": gradio.Dropdown(
            _metrics(), value=[], multiselect=True, label="Metrics", info="None chosen: the standard ones."
        ),
    }


def _corpus_column() -> dict[str, Any]:
    return {
        "name": gradio.Textbox(label="Name of the run", info="Letters, digits, dashes; no spaces.", elem_id="new-name"),
        "manifest": gradio.Dropdown(
            [], label="Corpus", info="Or type the path of a manifest on the server.", allow_custom_value=True
        ),
        "split": gradio.Textbox(label="Part", info="A split of the corpus; empty for all of it."),
        "limit": gradio.Number(
            label="First so many utterances", info="0 for all of them.", value=0, precision=0, minimum=0
        ),
        "checkpoint": gradio.Dropdown(
            [], label="Checkpoint", info="Or type the path of a folder on the server.", allow_custom_value=True
        ),
        "seed": gradio.Textbox("0", label="Seeds", info="Of the decoders' noise: 0 or more, separated by commas."),
    }


def _strategies() -> list[str]:
    from streamflow.strategies import STRATEGIES

    return list(STRATEGIES)


def _metrics() -> list[tuple[str, str]]:
    standard = standard_metrics()
    named = [(f"{name}{'' if name in standard else ' (not standard)'}", name) for name in REGISTRY]
    return [("every one that there is", "all"), ("none, decode only", "none"), *named]


def _arrive(site: Site, request: gradio.Request) -> list[Any]:
    lines = address.read_all(request, "system") or list(USUAL)
    corpora, weights = choices.manifests(site), choices.checkpoints(site)
    limit = address.read(request, "limit", "0")
    values = {
        "name": address.read(request, "name") or free_name(site.runs, NAME),
        "manifest": address.read(request, "manifest") or str(site.corpus),
        "split": address.read(request, "split"),
        "limit": int(limit) if limit.isdecimal() else 0,
        "system": "\n".join(lines),
        "checkpoint": address.read(request, "checkpoint") or "small",
        "seed": ",".join(address.read_all(request, "seed")) or "0",
        "metrics": [name for name in address.read_all(request, "metrics") if name in (*REGISTRY, "all", "none")],
    }
    offered = {"manifest": corpora, "checkpoint": weights}
    updates = [
        gradio.update(value=values[name], **({"choices": offered[name]} if name in offered else {})) for name in NAMES
    ]
    return [*updates, [name for name in lines if name in _strategies()], _checked(site, values)]


def _experiment(site: Site, form: dict[str, Any]) -> Experiment:
    weights = dict(choices.checkpoints(site)).get(form["checkpoint"] or "", form["checkpoint"] or "small")
    return read_form(
        corpus=form["manifest"] or "",
        systems=form["system"] or "",
        split=form["split"] or "",
        checkpoint=weights,
        seeds=form["seed"] or "",
        metrics=form["metrics"] or (),
        limit=form["limit"],
    )


def _checked(site: Site, form: dict[str, Any]) -> str:
    """What is to be expected of the form as it is, or what is wrong with it."""
    try:
        experiment = _experiment(site, form)
        new_folder(site.runs, form["name"] or "")
        ended = [job.stages for job in site.jobs.list() if job.state == "done" and job.facts.get("kind") == "compare"]
        return _expected(forecast(experiment, site.index.runs(), ended), len(site.jobs.active()))
    except StreamflowError as error:
        return note(str(error), "warn")


def _expected(found: Forecast, waiting: int) -> str:
    size = f"{found.utterances} utterances, {found.speech_s / 60:.1f} minutes of speech, {found.renderings} renderings."
    known = f"Decoding takes about {duration(found.decode_s)}" if found.decode_s else "Decoding"
    if found.unknown:
        also = " and" if found.decode_s else " takes"
        known += f"{also} a time that no run here tells for {', '.join(found.unknown)}"
    score = "scoring takes what no comparison here has measured yet" if found.score_s is None else (
        f"scoring about {duration(found.score_s)}" if found.score_s else "nothing is scored"
    )  # fmt: skip
    source = " Real-time factors are of another machine." if found.elsewhere else ""
    line = f" It waits for {waiting} job{'s' if waiting > 1 else ''} before it." if waiting else ""
    return f'<p class="rn-note rn-plain">{escape(f"{size} {known}; {score}.{source}{line}")}</p>'


def _begin(site: Site, form: dict[str, Any]) -> str:
    experiment = _experiment(site, form)
    name = (form["name"] or "").strip()
    argv = comparison(experiment, site.runs, name)
    facts = {"kind": "compare", "run": name, "href": address.link("runs", run=name)}
    site.jobs.start(argv, f"Compare {name}", facts=facts)
    return f"<p>{escape(name)} was started; how far it is stands above.</p>"
