"""The editor: a strategy with its parameters as sliders, drawn as they move, added to the list of systems."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import gradio

from harness.live.parameters import CHOICE, LAYERS, PARAMETERS, SWITCH, Parameter, parameters_of
from reports.attention_figure import attention_svg
from streamflow.strategies import STRATEGIES

from ...messages import told
from .view_form import edited, strategies, variant

QUIET = {"api_visibility": "private", "show_progress": "hidden", "concurrency_limit": None}
FIRST = "streamflow-sr"


class Editor:
    """Controls of one system: ``add`` is pressed where it is to join the list.

    Args:
        describe: what a strategy with such parameters of such a checkpoint is; the picture is drawn from it.
    """

    def __init__(self, describe: Callable[[str, dict[str, Any], str], dict[str, Any]]) -> None:
        self.describe = describe
        self.strategy = gradio.Dropdown(list(strategies()), value=FIRST, label="Strategy", info=STRATEGIES[FIRST])
        taken = parameters_of(FIRST)
        with gradio.Row():
            self.sliders = {name: _control(one, taken.get(name)) for name, one in PARAMETERS.items()}
        with gradio.Row():
            self.name = gradio.Textbox(
                label="Name", info="Of this variant; left empty, one is made.", max_length=60, elem_classes="cmp-name"
            )
            self.add = gradio.Button("Add to the systems")
        self.figure = gradio.HTML(elem_classes="cmp-attention")

    @property
    def inputs(self) -> list[Any]:
        """What :meth:`entry` is given."""
        return [self.name, self.strategy, *self.sliders.values()]

    def connect(self, checkpoint: Any) -> None:
        """The figure follows the sliders; another strategy brings its own ones."""
        moved = [checkpoint, self.strategy, *self.sliders.values()]
        last = {**QUIET, "trigger_mode": "always_last"}  # of what was done while an answer was on its way
        redraws = [control.input for control in (*self.sliders.values(), checkpoint)]
        gradio.on(redraws, told(self.draw), moved, self.figure, **last)
        changed = self.strategy.input(
            self.other_strategy, self.strategy, [self.strategy, *self.sliders.values()], **last
        )
        changed.then(told(self.draw), moved, self.figure, **QUIET)
        gradio.context.Context.root_block.load(told(self.draw), moved, self.figure, **QUIET)

    def other_strategy(self, strategy: str) -> list[Any]:
        """The sliders that this strategy takes, at their defaults."""
        taken = parameters_of(strategy)
        updates = [_update(one, taken.get(name)) for name, one in PARAMETERS.items()]
        return [gradio.update(info=STRATEGIES[strategy]), *updates]

    def entry(self, name: str, strategy: str, *values: Any) -> str:
        """The system as a link says it; a ViewError where something is wrong."""
        return variant(name or "", strategy, _given(strategy, values))

    def draw(self, checkpoint: str, strategy: str, *values: Any) -> str:
        """The attention pattern, receptive field and algorithmic latency of what the sliders say."""
        spec = edited(strategy, _given(strategy, values))
        return attention_svg(self.describe(strategy, dict(spec.parameters), checkpoint)).html()


def _given(strategy: str, values: tuple[Any, ...]) -> dict[str, Any]:
    """Values of the parameters that the strategy has; -1 of an optional one is the strategy's own."""
    given = dict(zip(PARAMETERS, values, strict=True))
    taken = parameters_of(strategy)
    return {name: None if _is_own(taken[name], given[name]) else given[name] for name in taken}


def _is_own(taken: tuple[Parameter, Any], value: Any) -> bool:
    return taken[1] is None and taken[0].low is not None and (value is None or value < taken[0].low)


def _facts(parameter: Parameter, taken: tuple[Parameter, Any] | None) -> dict[str, Any]:
    """What a control shows; a slider of an optional parameter starts one step below: as trained."""
    if taken is None:
        return {"visible": False}
    default = taken[1]
    if parameter.kind in (CHOICE, SWITCH, LAYERS):
        return {"visible": True, "value": default, "info": parameter.help}
    own = default is None
    low = parameter.low - parameter.step if own else parameter.low
    info = f"{parameter.help} {low:g}: as the weights were trained." if own else parameter.help
    return {"visible": True, "minimum": low, "value": low if own else default, "info": info}


def _control(parameter: Parameter, taken: tuple[Parameter, Any] | None) -> Any:
    label = f"{parameter.label} ({parameter.unit})" if parameter.unit else parameter.label
    facts = _facts(parameter, taken)
    if parameter.kind == SWITCH:
        return gradio.Checkbox(label=label, min_width=240, **facts)
    if parameter.kind == CHOICE:
        return gradio.Dropdown(list(parameter.choices), label=label, min_width=240, **facts)
    if parameter.kind == LAYERS:
        return gradio.Textbox(label=label, min_width=240, max_length=80, **facts)
    span = {"minimum": parameter.low, "maximum": parameter.high, "step": parameter.step}
    return gradio.Slider(label=label, min_width=240, **(span | facts))


def _update(parameter: Parameter, taken: tuple[Parameter, Any] | None) -> Any:
    return gradio.update(**_facts(parameter, taken))
