"""The tab that makes a study from a run, with a preview of every screen before it is made."""

from __future__ import annotations

from typing import Any

import gradio

from listening_tests.preview import preview_of_form
from listening_tests.protocols import REGISTRY
from listening_tests.study import HEADPHONE_CHECKS, LANGUAGES

from ...messages import told
from ...site import Site
from .address import parameters, sets, writes
from .form import USUAL, asks, changes_of, make_study, read, run_of, systems_of
from .preview import GONE, framed
from .results import cleared
from .tables import note

QUIET = {"api_visibility": "private", "concurrency_limit": None}
CLEARED = sets(systems="")
MADE = sets(tab="listeners", shown="", metric="", name="")  # the name is taken now


def create_tab(site: Site) -> tuple[gradio.Button, dict[str, Any]]:
    """Draw the tab; returns the button that makes the study, with what it needs: see :func:`wire`."""
    form = {**_what(site), **_who(), **_screening()}
    with gradio.Accordion("More settings", open=False):
        form |= _more()
    with gradio.Row():
        look = gradio.Button("Preview")
        make = gradio.Button("Make the study", variant="primary")
    notice = gradio.Markdown(elem_classes="notice")
    shown = gradio.HTML("", elem_id="form-preview", apply_default_css=False)
    fields = [form[name] for name in USUAL]

    def previewed(*values: Any, progress: gradio.Progress = gradio.Progress()) -> str:  # noqa: B008 (Gradio's way)
        given = dict(zip(USUAL, values, strict=True))
        step = lambda done, total: progress((done, total), desc="sounds")  # noqa: E731
        walk = told(lambda: preview_of_form(run_of(site.workspace, given), changes_of(given), progress=step))()
        return framed(site, walk)

    look.click(previewed, fields, shown, api_visibility="private", concurrency_limit=2)
    last = {**QUIET, "trigger_mode": "always_last"}  # of two that follow each other quickly
    form["protocol"].input(
        lambda name: (gradio.Dropdown(info=asks(name)), GONE), form["protocol"], [form["protocol"], shown], **last
    )
    form["run"].input(told(lambda name: _choices(site, name)), form["run"], form["systems"], **last)
    form["run"].input(None, None, None, js=CLEARED)
    gradio.on([field.input for field in fields], None, fields, None, js=writes(USUAL))
    return make, {"form": form, "notice": notice, "fields": fields}


def wire(site: Site, make: gradio.Button, tab: dict[str, Any], page: dict[str, Any]) -> None:
    """Have the button make the study, and the page turn to it.

    Args:
        site: where it is made.
        make, tab: see :func:`create_tab`.
        page: ``choice`` of the study, ``said`` above the tabs, the ``tabs``, and ``results`` of the study before.
    """

    def carry_out(*values: Any, progress: gradio.Progress = gradio.Progress()) -> Any:  # noqa: B008 (Gradio's way)
        given = dict(zip(USUAL, values, strict=True))
        summary = told(make_study)(site.workspace, given, lambda done, total: progress((done, total), desc="sounds"))
        name = str(given["name"]).strip()
        said = note(f"{summary}. Look at it in Preview, try it in Simulate, open it in Listeners.", "good")
        choice = gradio.Dropdown(site.workspace.names(), value=name)
        return ["", said, choice, gradio.Tabs(selected="listeners"), *cleared()]

    outputs = [tab["notice"], page["said"], page["choice"], page["tabs"], *page["results"]]
    made = make.click(
        carry_out, tab["fields"], outputs, show_progress_on=tab["notice"], api_visibility="private", concurrency_limit=2
    )
    made.success(None, page["choice"], None, js=writes({"study": ""})).success(None, None, None, js=MADE)


def restored(site: Site, request: gradio.Request) -> list[Any]:
    """The form's fields as the page's address says, in the order of USUAL."""
    said = {name: read(name, text) for name, text in parameters(request).items() if name in USUAL}
    names = site.workspace.run_names()
    run = said.get("run") if said.get("run") in names else None
    found: list[Any] = []
    for name in USUAL:
        if name == "run":
            found.append(gradio.Dropdown(names, value=run))
        elif name == "systems":
            found.append(_choices(site, run, said.get("systems")))
        elif name == "protocol":
            protocol = said.get("protocol") if said.get("protocol") in REGISTRY else USUAL["protocol"]
            found.append(gradio.Dropdown(value=protocol, info=asks(protocol)))
        else:
            found.append(gradio.update(value=said[name]) if name in said else gradio.skip())
    return found


def _choices(site: Site, run: str | None, ticked: list[str] | None = None) -> gradio.CheckboxGroup:
    """The systems of a run, all but its controls ticked."""
    systems, usual = systems_of(site.workspace, run)
    return gradio.CheckboxGroup(systems, value=[name for name in ticked or () if name in systems] or usual)


def _what(site: Site) -> dict[str, Any]:
    form: dict[str, Any] = {}
    with gradio.Row():
        form["run"] = gradio.Dropdown(
            site.workspace.run_names(), label="Run", value=None, info="Where the sounds come from."
        )
        usual = USUAL["protocol"]
        form["protocol"] = gradio.Dropdown(list(REGISTRY), label="Protocol", value=usual, info=asks(usual))
    form["systems"] = gradio.CheckboxGroup([], label="Systems", info="To be rated. Listeners never see these names.")
    with gradio.Row():
        form["name"] = gradio.Textbox(
            label="Name", placeholder="naturalness-1", info="Of the folder; listeners do not see it."
        )
        form["title"] = gradio.Textbox(
            label="Title", placeholder="How natural does this speech sound?", info="Listeners see it."
        )
    return form


def _who() -> dict[str, Any]:
    with gradio.Row():
        return {
            "design.listeners": _number("design.listeners", "Listeners", "Wanted.", least=1),
            "sentences": _number("sentences", "Sentences", "At most; chosen by the seed.", least=1),
            "design.trials": _number("design.trials", "Trials a listener", "0: one of each sentence."),
            "seed": _number("seed", "Seed", "Of every random choice."),
        }


def _screening() -> dict[str, Any]:
    with gradio.Row():
        form: dict[str, Any] = {
            "screening.training": _number("screening.training", "Practice trials", "Before the first that counts."),
            "screening.traps": _number("screening.traps", "Traps", "Clips with beeps to be counted."),
            "screening.repeats": _number("screening.repeats", "Repeats", "Trials asked twice."),
            "screening.identical": _number("screening.identical", "Identical pairs", "The same sound twice."),
        }
    with gradio.Row():
        form["languages"] = gradio.CheckboxGroup(
            list(LANGUAGES), value=list(LANGUAGES), label="Languages of the pages", info="The first is the default."
        )
        form["screening.headphones"] = gradio.CheckboxGroup(
            list(HEADPHONE_CHECKS), value=[], label="Headphone checks", info="Made anew for every listener."
        )
    return form


def _more() -> dict[str, Any]:
    form: dict[str, Any] = {}
    with gradio.Row():
        form["analysis.margin"] = gradio.Number(
            0, label="Equivalence margin", minimum=0, info="Points of the scale that do not matter; 0: no such test."
        )
        form["access.invitation"] = gradio.Checkbox(label="Only with an invitation", value=False)
    with gradio.Row():
        form["recruitment"] = gradio.Textbox(label="Recruitment", info="For the methods text: how found, how paid.")
        form["consent.contact"] = gradio.Textbox(label="Contact", info="Who answers listeners' questions.")
    with gradio.Row():
        form["completion.code"] = gradio.Textbox(
            "signed", label="Completion code", info="signed: one a listener; else this fixed text, as Prolific has it."
        )
        form["completion.return_url"] = gradio.Textbox(
            label="Return address", info="Where the end leads; {code} becomes the code."
        )
    form["more"] = gradio.Code(
        "", language=None, label="Anything else of study.toml, in TOML, such as break_every = 10", lines=3
    )
    return form


def _number(name: str, label: str, info: str, least: int = 0) -> gradio.Number:
    return gradio.Number(USUAL[name], label=label, precision=0, minimum=least, info=info)
