"""The tab that makes a study from a run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import gradio

from harness.run import Run

from ..creating import CONTROLS, create_study
from ..errors import StudyError
from ..workspace import Workspace
from .messages import told


def create_tab(
    workspace: Workspace, protocols: Mapping[str, Any], checks: Sequence[str], languages: Sequence[str],
    choice: gradio.Dropdown,
) -> None:  # fmt: skip
    """Draw the tab; ``choice`` is the list of studies, which gets the new one."""
    with gradio.Row():
        run = gradio.Dropdown(workspace.run_names(), label="Run", value=None, info="Where the sounds come from.")
        protocol = gradio.Dropdown(list(protocols), label="Protocol", value="acr-naturalness", info=asks("acr-naturalness"))
    systems = gradio.CheckboxGroup([], label="Systems", info="To be rated. Listeners never see these names.")
    with gradio.Row():
        name = gradio.Textbox(label="Name", placeholder="naturalness-1", info="Of the folder; listeners do not see it.")
        title = gradio.Textbox(label="Title", placeholder="How natural does this speech sound?", info="Listeners see it.")
    with gradio.Row():
        listeners = gradio.Number(24, label="Listeners", precision=0, minimum=1)
        sentences = gradio.Number(12, label="Sentences", precision=0, minimum=1, info="At most; chosen by the seed.")
        trials = gradio.Number(0, label="Trials a listener", precision=0, minimum=0, info="0: one of each sentence.")
        seed = gradio.Number(0, label="Seed", precision=0)
    with gradio.Row():
        spoken = gradio.CheckboxGroup(list(languages), value=list(languages), label="Languages of the pages")
        headphones = gradio.CheckboxGroup(list(checks), value=[], label="Headphone checks")
    make = gradio.Button("Make the study", variant="primary")
    notice = gradio.Markdown(elem_classes="notice")

    protocol.change(lambda name: gradio.Dropdown(info=asks(name)), protocol, protocol, api_visibility="private")
    run.change(told(lambda name: system_choices(workspace, name)), run, systems, api_visibility="private")

    def carry_out(run, protocol, systems, name, title, listeners, sentences, trials, seed, spoken, headphones, progress=None):  # type: ignore[no-untyped-def]
        if not run:
            raise StudyError("no run is chosen; choose one, or make one with `streamflow compare`")
        changes = {
            "protocol": protocol, "systems": tuple(systems), "title": title.strip() or None, "seed": int(seed),
            "languages": tuple(spoken), "design.listeners": int(listeners), "design.trials": int(trials) or None,
            "screening.headphones": tuple(headphones),
        }  # fmt: skip
        made = create_study(
            workspace.new_path(name.strip()), run=workspace.runs / run, changes=changes, sentences=int(sentences),
            progress=None if progress is None else lambda done, total: progress((done, total), desc="sounds"),
        )  # fmt: skip
        return made.summary() + ". Open it in the tab *Study*.", gradio.Dropdown(workspace.names(), value=name.strip())

    inputs = [run, protocol, systems, name, title, listeners, sentences, trials, seed, spoken, headphones]

    def with_progress(*values: Any, progress: gradio.Progress = gradio.Progress()) -> Any:  # noqa: B008 (Gradio's way)
        return told(lambda *given: carry_out(*given, progress=progress))(*values)

    make.click(with_progress, inputs, [notice, choice], api_visibility="private", concurrency_limit=2)


def asks(protocol: str) -> str:
    """What a protocol asks, for the form."""
    from ..protocols import get_protocol

    return get_protocol(protocol).standard


def system_choices(workspace: Workspace, run: str | None) -> gradio.CheckboxGroup:
    """The systems of a run, all but its controls ticked."""
    if not run:
        return gradio.CheckboxGroup([], value=[])
    systems = Run(workspace.runs / run).systems
    return gradio.CheckboxGroup(systems, value=[system for system in systems if system not in CONTROLS])
