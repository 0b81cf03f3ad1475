"""The tab that starts a sweep: what is varied over which values, what comes of it, and how long that will take."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from html import escape
from typing import Any

import gradio

from harness.experiment import Experiment
from harness.live.parameters import CHOICE, PARAMETERS, SWITCH
from harness.new_run import comparison, free_name, new_folder
from harness.sweep import PlannedSweep, Sweep, parse_axes, plan_sweeps, refuse_too_many
from harness.sweep.expected import expected
from harness.sweep.limits import DEFAULT_NAME, MOST_SYSTEMS
from streamflow.checkpoints import load_bundle
from streamflow.errors import StreamflowError
from streamflow.strategies import STRATEGIES, parameters_of_strategy

from ... import address
from ...messages import BACKGROUND, told
from ...site import Site
from .jobs_panel import CHANGED
from .markup import html, note
from .new_form import (
    COMMON,
    QUIET,
    common_values,
    corpus_column,
    ended_stages,
    experiment_of,
    metrics_box,
    offered,
    waiting_text,
)

NAMES = ("strategy", "vary", "set", "apart", "baseline", *COMMON)
NAME = "sweep"
USUAL = ("naive",)
RANGES = {
    "block": "10:60:10", "hop": "1,2,4", "back": "0:8:2", "ahead": "0:2", "crossfade": "0:0.2:0.05", "nfe": "2,4,8",
    "solver": "euler,midpoint,heun", "guidance": "0,0.7,1.4", "backward": "trained,no,0+1", "forward": "trained,no",
    "overlap": "0:10:2", "fade": "0,17,34",
}  # fmt: skip
VARY_HELP = (
    "One a line: PARAMETER=VALUES, such as block=10:60:10 (start:stop:step, both ends included) or crossfade=0,0.1,0.2. "
    "Layers are joined by a plus: backward=no,0+7."
)


def sweep_tab(site: Site) -> None:
    """Draw the tab."""
    page = gradio.context.Context.root_block
    gradio.Markdown(
        "Vary parameters of strategies over a corpus, and plot quality, seams and latency against them. "
        f"{BACKGROUND}"
    )
    with gradio.Row():
        with gradio.Column(scale=2, min_width=280):
            boxes = _varied_column()
        with gradio.Column(scale=1, min_width=280):
            boxes |= corpus_column("sweep")
    plan = html(elem_id="sweep-plan")
    start = gradio.Button("Start the sweep", variant="primary", elem_id="sweep-start")
    said = html(elem_classes=["notice"])
    inputs = [boxes[name] for name in NAMES]

    def arrive(request: gradio.Request) -> list[Any]:
        return _arrive(site, request)

    def check(*values: Any) -> str:
        return _checked(site, dict(zip(NAMES, values, strict=True)))

    def strategies(chosen: list[str], lines: str) -> Any:
        offers = _parameters(chosen)
        return gradio.update(choices=offers, value=[name for name in _varied(lines) if name in offers])

    @told
    def begin(*values: Any) -> tuple[str, str]:
        said = _begin(site, dict(zip(NAMES, values, strict=True)))
        return said, free_name(site.runs, NAME)

    page.load(arrive, None, [*inputs, boxes["ticked"], plan], **QUIET)
    last = {**QUIET, "trigger_mode": "always_last"}  # what is ticked while an answer is on its way counts, too
    boxes["ticked"].input(_ticked, [boxes["ticked"], boxes["vary"]], boxes["vary"], **last)
    boxes["strategy"].input(strategies, [boxes["strategy"], boxes["vary"]], boxes["ticked"], **last)
    written = address.write(*NAMES, seen="#sweep-start", new="", tab="sweep")
    gradio.on([box.change for box in inputs], check, inputs, plan, js=written, trigger_mode="always_last", **QUIET)
    start.click(begin, inputs, [said, boxes["name"]], **QUIET).success(None, js=CHANGED, api_visibility="private")


def _varied_column() -> dict[str, Any]:
    return {
        "strategy": gradio.Dropdown(_strategies(), value=[], multiselect=True, label="Strategies"),
        "ticked": gradio.CheckboxGroup([], label="Parameters", info="Ticking one adds it with its usual values."),
        "vary": gradio.Textbox(label="What is varied", info=VARY_HELP, lines=3, elem_id="sweep-vary"),
        "apart": gradio.Checkbox(
            label="One at a time", info="Each parameter from the defaults, instead of every combination."
        ),
        "set": gradio.Textbox(
            label="The same everywhere", info="Parameters other than at their defaults in all points: nfe=8.", lines=1
        ),
        "baseline": gradio.Dropdown(
            [("each strategy's default", ""), *((name, name) for name in STRATEGIES)],
            value="",
            label="Compared with",
        ),
        "metrics": metrics_box(),
    }


def _strategies() -> list[str]:
    return [name for name in STRATEGIES if parameters_of_strategy(name)]


def _parameters(strategies: Sequence[str]) -> list[str]:
    """What some of the strategies take, in the order of forms."""
    taken = {name for strategy in strategies if strategy in STRATEGIES for name in parameters_of_strategy(strategy)}
    return [name for name in PARAMETERS if name in taken]


def _usual(name: str) -> str:
    """``block=10:60:10``: a line to begin with."""
    parameter = PARAMETERS[name]
    values = {CHOICE: ",".join(parameter.choices), SWITCH: "false,true"}.get(parameter.kind, "")
    return f"{name}={RANGES.get(name) or values}"


def _lines(text: str | None) -> list[str]:
    return [line.strip() for line in (text or "").splitlines() if line.strip()]


def _varied(text: str | None) -> list[str]:
    """The parameters that the lines begin with."""
    return [line.partition("=")[0].strip() for line in _lines(text)]


def _ticked(names: list[str], text: str) -> str:
    """The lines with what was ticked, and without what no longer is."""
    kept = [line for line in _lines(text) if (name := line.partition("=")[0].strip()) not in PARAMETERS or name in names]
    there = _varied("\n".join(kept))
    return "\n".join([*kept, *(_usual(name) for name in names if name not in there)])


def _arrive(site: Site, request: gradio.Request) -> list[Any]:
    given = address.read_all(request, "strategy")
    values = common_values(site, request, NAME) | {
        "strategy": [name for name in given if name in _strategies()] or list(USUAL),
        "vary": "\n".join(address.read_all(request, "vary") or [_usual("block")]),
        "set": "\n".join(address.read_all(request, "set")),
        "apart": address.read(request, "apart") == "true",
        "baseline": one if (one := address.read(request, "baseline")) in STRATEGIES else "",
    }
    lists = offered(site)
    updates = [
        gradio.update(value=values[name], **({"choices": lists[name]} if name in lists else {})) for name in NAMES
    ]
    offers = _parameters(values["strategy"])
    ticked = gradio.update(choices=offers, value=[name for name in _varied(values["vary"]) if name in offers])
    return [*updates, ticked, _checked(site, values)]


def _planned(site: Site, form: dict[str, Any]) -> tuple[Experiment, PlannedSweep]:
    """What the form comes to.

    Raises:
        StreamflowError: it comes to nothing, to too much, or something in it is unknown.
    """
    if not form["strategy"]:
        raise StreamflowError("no strategy: choose one or several")
    if not _lines(form["vary"]):
        raise StreamflowError("nothing is varied: tick a parameter, or write PARAMETER=VALUES, such as block=10:60:10")
    table = {
        "strategy": list(form["strategy"]),
        "vary": parse_axes(_lines(form["vary"])),
        "fixed": parse_axes(_lines(form["set"])),
        "one_at_a_time": bool(form["apart"]),
        "baseline": form["baseline"] or None,
    }
    sweeps = {DEFAULT_NAME: Sweep.from_table(DEFAULT_NAME, table)}
    refuse_too_many(sweeps, MOST_SYSTEMS)
    experiment = experiment_of(site, form, "full")  # a stand-in, until the weights have been asked
    planned = plan_sweeps(sweeps, load_bundle(experiment.checkpoint))
    if len(planned.systems) > MOST_SYSTEMS:
        raise StreamflowError(f"{len(planned.systems)} systems are more than {MOST_SYSTEMS}; vary less, or one at a time")
    return replace(experiment, systems=planned.systems, sweep=planned.tables), planned


def _checked(site: Site, form: dict[str, Any]) -> str:
    """The plan of the form as it is, or what is wrong with it."""
    try:
        new_folder(site.runs, form["name"] or "")
        experiment, planned = _planned(site, form)
        lines = expected(experiment, site.index.runs(), ended_stages(site))
        return _plan(lines, planned, waiting_text(site))
    except StreamflowError as error:
        return note(str(error), "warn")


def _plan(lines: Sequence[str], planned: PlannedSweep, waiting: str) -> str:
    """Size and time, what is left out and why, what is to be known, every system by name."""
    text = note(". ".join(line[:1].upper() + line[1:] for line in lines) + f".{waiting}")
    left_out = [f"{name}: {why}" for name, why in planned.left_out.items()]
    text += "".join(note(f"{line}.", "warn") for line in (*planned.notes, *planned.otherwise))
    text += _folded(f"Left out: {len(left_out)}", left_out) if left_out else ""
    return text + _folded(f"Systems: {len(planned.systems)}", [spec.name for spec in planned.systems])


def _folded(title: str, lines: Sequence[str]) -> str:
    entries = "".join(f"<li>{escape(line)}</li>" for line in lines)
    return f'<details class="rn-more"><summary>{escape(title)}</summary><ul tabindex="0">{entries}</ul></details>'


def _begin(site: Site, form: dict[str, Any]) -> str:
    experiment, _ = _planned(site, form)
    name = (form["name"] or "").strip()
    argv = comparison(experiment, site.runs, name)
    facts = {"kind": "sweep", "run": name, "href": address.link("runs", run=name)}
    site.jobs.start(argv, f"Sweep {name}", facts=facts)
    return f"<p>{escape(name)} was started; how far it is stands above.</p>"


def sweep_link(experiment: dict[str, Any]) -> str:
    """The form filled in as the first sweep of a run was; "" for a run without.

    Args:
        experiment: ``run.toml``.
    """
    tables = experiment.get("sweep")
    table = next(iter(tables.values()), None) if isinstance(tables, dict) else None
    if not isinstance(table, dict) or not isinstance(table.get("vary"), dict):
        return ""
    vary = [f"{name}={','.join(map(_word, values))}" for name, values in table["vary"].items()]
    fixed = [f"{name}={_word(value)}" for name, value in (table.get("fixed") or {}).items()]
    return address.link(
        "runs",
        tab="sweep",
        strategy=list(table.get("strategy", ())),
        vary=vary,
        set=fixed,
        apart="true" if table.get("one_at_a_time") else "",
        baseline=str(table.get("baseline") or ""),
        manifest=str(experiment.get("corpus") or ""),
        split=str(experiment.get("split") or ""),
        limit=str(experiment.get("limit") or ""),
    )


def _word(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
