"""The tab that makes a study from a run."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import gradio

from harness.run import Run
from listening_tests.creating import CONTROLS, create_study
from listening_tests.errors import StudyError
from listening_tests.workspace import Workspace

from ...messages import told


def create_tab(
    workspace: Workspace, protocols: Mapping[str, Any], checks: Sequence[str], languages: Sequence[str],
    choice: gradio.Dropdown,
) -> gradio.Dropdown:  # fmt: skip
    """Draw the tab; ``choice`` is the list of studies, which gets the new one. Returns the list of runs."""
    with gradio.Row():
        run = gradio.Dropdown(workspace.run_names(), label="Run", value=None, info="Where the sounds come from.")
        protocol = gradio.Dropdown(
            list(protocols), label="Protocol", value="acr-naturalness", info=asks("acr-naturalness")
        )
    systems = gradio.CheckboxGroup([], label="Systems", info="To be rated. Listeners never see these names.")
    with gradio.Row():
        name = gradio.Textbox(label="Name", placeholder="naturalness-1", info="Of the folder; listeners do not see it.")
        title = gradio.Textbox(
            label="Title", placeholder="How natural does this speech sound?", info="Listeners see it."
        )
    with gradio.Row():
        listeners = gradio.Number(24, label="Listeners", precision=0, minimum=1)
        sentences = gradio.Number(12, label="Sentences", precision=0, minimum=1, info="At most; chosen by the seed.")
        trials = gradio.Number(0, label="Trials a listener", precision=0, minimum=0, info="0: one of each sentence.")
        seed = gradio.Number(0, label="Seed", precision=0)
    with gradio.Row():
        training = gradio.Number(2, label="Practice trials", precision=0, minimum=0)
        traps = gradio.Number(1, label="Traps", precision=0, minimum=0, info="Clips with beeps to be counted.")
        repeats = gradio.Number(0, label="Repeats", precision=0, minimum=0, info="Trials asked twice.")
    with gradio.Row():
        spoken = gradio.CheckboxGroup(list(languages), value=list(languages), label="Languages of the pages")
        headphones = gradio.CheckboxGroup(list(checks), value=[], label="Headphone checks")
    make = gradio.Button("Make the study", variant="primary")
    notice = gradio.Markdown(elem_classes="notice")

    protocol.change(lambda name: gradio.Dropdown(info=asks(name)), protocol, protocol, api_visibility="private")
    run.change(told(lambda name: system_choices(workspace, name)), run, systems, api_visibility="private")

    inputs = {
        "run": run, "protocol": protocol, "systems": systems, "name": name, "title": title, "design.listeners": listeners,
        "sentences": sentences, "design.trials": trials, "seed": seed, "screening.training": training,
        "screening.traps": traps, "screening.repeats": repeats, "languages": spoken, "screening.headphones": headphones,
    }  # fmt: skip

    def carry_out(*values: Any, progress: gradio.Progress = gradio.Progress()) -> Any:  # noqa: B008 (Gradio's way)
        given = dict(zip(inputs, values, strict=True))
        summary = told(make_study)(workspace, given, lambda done, total: progress((done, total), desc="sounds"))
        return f"{summary}. Open it in the tab *Study*.", gradio.Dropdown(
            workspace.names(), value=given["name"].strip()
        )

    make.click(carry_out, list(inputs.values()), [notice, choice], api_visibility="private", concurrency_limit=2)
    return run


def make_study(workspace: Workspace, given: dict[str, Any], progress: Callable[[int, int], None]) -> str:
    """Make a study as the form says; returns a line of what there is.

    Args:
        given: ``run``, ``name``, ``sentences``, and values of the study file by dotted name.
    """
    form = dict(given)
    run, name, sentences = form.pop("run"), form.pop("name").strip(), int(form.pop("sentences"))
    if not run:
        raise StudyError("no run is chosen; choose one, or make one with `streamflow compare`")
    changes = {key: _of_form(key, value) for key, value in form.items()}
    folder = workspace.new_path(name)
    return create_study(
        folder, run=workspace.runs / run, changes=changes, sentences=sentences, progress=progress
    ).summary()


def _of_form(key: str, value: Any) -> Any:
    """A form's value as the study file has it; empty is not given."""
    if isinstance(value, list):
        return tuple(value)
    if isinstance(value, str):
        return value.strip() or None
    return None if key == "design.trials" and not value else int(value)


def asks(protocol: str) -> str:
    """What a protocol asks, for the form."""
    from listening_tests.protocols import get_protocol

    return get_protocol(protocol).standard


def system_choices(workspace: Workspace, run: str | None) -> gradio.CheckboxGroup:
    """The systems of a run, all but its controls ticked."""
    if not run:
        return gradio.CheckboxGroup([], value=[])
    systems = Run(workspace.runs / run).systems
    return gradio.CheckboxGroup(systems, value=[system for system in systems if system not in CONTROLS])
