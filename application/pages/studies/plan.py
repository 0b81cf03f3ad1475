"""The tab that says how many listeners and sentences a difference takes, and what they cost, before anybody is asked."""

from __future__ import annotations

from typing import Any

import gradio

from listening_tests.analysing import plan_from
from listening_tests.errors import StudyError
from listening_tests.planning import Effort, Plan, curve
from reports.planning_figure import planning_figure

from ...messages import told
from ...routes.figures import figures
from ...site import Site
from .address import parameters, writes
from .figure import NONE, drawn
from .tables import note, table

USUAL = {
    "systems": 3,
    "difference": 0.3,
    "power": 0.8,
    "sentences": 0,
    "longest": 25,
    "seconds": 12,
    "pay": 12,
    "pilot": "",
}
PARAMETERS = {f"plan.{name}": value for name, value in USUAL.items()}
ASSUMED = "assumed, as no pilot is chosen"


def plan_tab(site: Site) -> tuple[list[Any], list[Any]]:
    """Draw the tab; returns its fields in the order of USUAL, and the outputs of :func:`planned`."""
    with gradio.Row():
        fields: list[Any] = [
            gradio.Slider(2, 8, 3, step=1, label="Systems", info="Every two of them are compared."),
            gradio.Slider(
                0.05, 1.0, 0.3, step=0.05, label="Difference (points)", info="To be told apart, of the scale."
            ),
            gradio.Slider(0.5, 0.95, 0.8, step=0.05, label="Power", info="Chance of finding it."),
        ]
    with gradio.Row():
        fields += [
            gradio.Number(0, label="Sentences", precision=0, minimum=0, info="That there are; 0: the cheapest number."),
            gradio.Number(25, label="Longest session (min)", minimum=5, maximum=120),
            gradio.Number(12, label="A trial (s)", minimum=1, maximum=600, info="Listening and answering."),
            gradio.Number(12, label="Pay an hour", minimum=0, info="In any currency; fees of a third come on top."),
        ]
    fields.append(gradio.Dropdown([], label="Pilot", info="Take the spread from this study's ratings.", value=None))
    said, figure, rows = (
        gradio.HTML(elem_id="plan-said", apply_default_css=False),
        figures("plan-curve"),
        gradio.HTML(apply_default_css=False),
    )
    outputs = [said, figure, rows]
    quiet = {"api_visibility": "private", "concurrency_limit": None, "show_progress": "hidden"}
    gradio.on(
        [field.change for field in fields], of_form(site), fields, outputs, trigger_mode="always_last", **quiet
    )  # fmt: skip
    gradio.on([field.input for field in fields], None, fields, None, js=writes(PARAMETERS))
    return fields, outputs


def of_form(site: Site) -> Any:
    """:func:`planned` as an event's function."""
    return told(lambda *values: planned(site, *values))


def restored(site: Site, request: gradio.Request) -> list[Any]:
    """The fields as the page's address says, in the order of USUAL."""
    said, found = parameters(request), []
    for name, usual in USUAL.items():
        text = said.get(f"plan.{name}", str(usual))
        if name == "pilot":
            names = site.workspace.frozen_names()
            found.append(gradio.Dropdown(["", *names], value=text if text in names else ""))
            continue
        try:
            found.append(gradio.update(value=float(text)))
        except ValueError:
            found.append(gradio.skip())
    return found


def planned(site: Site, *values: Any) -> list[str]:
    """The plan in words, its curve, and the tables; what cannot be planned is said in the first of them."""
    given = dict(zip(USUAL, values, strict=True))
    systems, target, power = int(given["systems"]), float(given["difference"]), float(given["power"])
    comparisons = systems * (systems - 1) // 2
    times = {"trial_s": given["seconds"], "most_min": given["longest"], "pay_per_hour": given["pay"]}
    try:
        pilot = site.workspace.opened(given["pilot"]) if given["pilot"] else None
        effort = Effort(**{name: float(value or 0) for name, value in times.items()})
        found, components = plan_from(
            pilot, systems, target, power=power, sentences=int(given["sentences"] or 0) or None, effort=effort
        )
    except StudyError as error:
        return [note(str(error), "bad"), NONE, ""]
    rows = curve(systems, components=components, power=power, comparisons=comparisons, effort=effort)
    label = "Smallest difference seen against the number of listeners, a line a number of sentences; the table is below"
    picture = drawn(
        planning_figure(rows, target=target, chosen=(found.listeners, found.detectable)), "plan-figure", label
    )
    spread = "of the pilot" if pilot else ASSUMED
    below = (
        table("Other ways to see the same difference", found.options)
        + table("Smallest difference seen (points), by sentences and listeners", _wide(rows))
        + table(f"Spread, {spread} (standard deviations, points)", [components.table()])
    )
    return [note(sentence(found)), picture, below]


def sentence(plan: Plan) -> str:
    """The plan in words."""
    return (
        f"{plan.listeners} listeners ({plan.invited} invited, as some will be lost), {plan.sentences} sentences, {plan.trials} "
        f"trials each: {plan.minutes:.0f} minutes a listener, {plan.ratings} ratings, {plan.cost:.0f} in pay and fees. A true "
        f"difference of {plan.target:g} points between any two of {plan.systems} systems is found with chance "
        f"{100 * plan.power:.0f} %; its 95 % interval reaches {plan.precision.half_width:.2f} points to either side."
    )


def _wide(rows: list[dict[str, float]]) -> list[dict[str, Any]]:
    """A row a number of listeners, a column a number of sentences."""
    found: dict[int, dict[str, Any]] = {}
    for row in rows:
        line = found.setdefault(int(row["listeners"]), {"listeners": int(row["listeners"])})
        line[f"{int(row['sentences'])} sentences"] = row["detectable"]
    return list(found.values())
