"""The tab that starts a comparison: what is decoded by what, how long that will take, and whether it can be done."""

from __future__ import annotations

from html import escape
from typing import Any

import gradio

from harness.forecast import Forecast, forecast
from harness.new_run import comparison, free_name, new_folder
from streamflow.errors import StreamflowError

from ... import address
from ...messages import BACKGROUND, told
from ...site import Site
from .jobs_panel import CHANGED
from .markup import duration, html, note
from .new_form import (
    QUIET,
    common_values,
    corpus_column,
    ended_stages,
    experiment_of,
    metrics_box,
    offered,
    waiting_text,
)

NAMES = ("name", "manifest", "split", "limit", "system", "checkpoint", "seed", "metrics")
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
            boxes |= corpus_column("new")
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
    last = {**QUIET, "trigger_mode": "always_last"}  # what is ticked while an answer is on its way counts, too
    boxes["ticked"].input(add, [boxes["ticked"], boxes["system"]], boxes["system"], **last)
    written = address.write(*NAMES, seen="#new-start", new="", tab="new")
    gradio.on([box.change for box in inputs], check, inputs, expected, js=written, trigger_mode="always_last", **QUIET)
    start.click(begin, inputs, [said, boxes["name"]], **QUIET).success(None, js=CHANGED, api_visibility="private")


def _systems_column() -> dict[str, Any]:
    return {
        "ticked": gradio.CheckboxGroup(
            _strategies(), label="Strategies", info="Ticking one adds it with its usual parameters."
        ),
        "system": gradio.Textbox(label="Systems", info=SYSTEMS_HELP, lines=5, elem_id="new-systems"),
        "metrics": metrics_box(),
    }


def _strategies() -> list[str]:
    from streamflow.strategies import STRATEGIES

    return list(STRATEGIES)


def _arrive(site: Site, request: gradio.Request) -> list[Any]:
    lines = address.read_all(request, "system") or list(USUAL)
    values = common_values(site, request, NAME) | {"system": "\n".join(lines)}
    lists = offered(site)
    updates = [
        gradio.update(value=values[name], **({"choices": lists[name]} if name in lists else {})) for name in NAMES
    ]
    return [*updates, [name for name in lines if name in _strategies()], _checked(site, values)]


def _checked(site: Site, form: dict[str, Any]) -> str:
    """What is to be expected of the form as it is, or what is wrong with it."""
    try:
        experiment = experiment_of(site, form, form["system"] or "")
        new_folder(site.runs, form["name"] or "")
        return _expected(forecast(experiment, site.index.runs(), ended_stages(site)), waiting_text(site))
    except StreamflowError as error:
        return note(str(error), "warn")


def _expected(found: Forecast, waiting: str) -> str:
    size = f"{found.utterances} utterances, {found.speech_s / 60:.1f} minutes of speech, {found.renderings} renderings."
    known = f"Decoding takes about {duration(found.decode_s)}" if found.decode_s else "Decoding"
    if found.unknown:
        also = " and" if found.decode_s else " takes"
        known += f"{also} a time that no run here tells for {', '.join(found.unknown)}"
    score = "scoring takes what no comparison here has measured yet" if found.score_s is None else (
        f"scoring about {duration(found.score_s)}" if found.score_s else "nothing is scored"
    )  # fmt: skip
    source = " Real-time factors are of another machine." if found.elsewhere else ""
    return f'<p class="rn-note rn-plain">{escape(f"{size} {known}; {score}.{source}{waiting}")}</p>'


def _begin(site: Site, form: dict[str, Any]) -> str:
    experiment = experiment_of(site, form, form["system"] or "")
    name = (form["name"] or "").strip()
    argv = comparison(experiment, site.runs, name)
    facts = {"kind": "compare", "run": name, "href": address.link("runs", run=name)}
    site.jobs.start(argv, f"Compare {name}", facts=facts)
    return f"<p>{escape(name)} was started; how far it is stands above.</p>"
