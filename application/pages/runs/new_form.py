"""What the forms of a new comparison and a new sweep have in common: the corpus, the weights, the noise, what is measured."""

from __future__ import annotations

from typing import Any

import gradio

from harness.experiment import Experiment
from harness.metrics import REGISTRY, standard_metrics
from harness.new_run import free_name, read_form

from ... import address
from ...site import Site
from . import choices

COMMON = ("name", "manifest", "split", "limit", "checkpoint", "seed", "metrics")
KINDS = ("compare", "sweep")  # of jobs that decode and score
QUIET: dict[str, Any] = {"show_progress": "hidden", "api_visibility": "private", "concurrency_limit": None}


def corpus_column(kind: str) -> dict[str, Any]:
    """Boxes of all that is common but the metrics; ``kind`` begins the id of the name's."""
    return {
        "name": gradio.Textbox(
            label="Name of the run", info="Letters, digits, dashes; no spaces.", elem_id=f"{kind}-name"
        ),
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


def metrics_box() -> gradio.Dropdown:
    """What is measured."""
    return gradio.Dropdown(
        _metrics(), value=[], multiselect=True, label="Metrics", info="None chosen: the standard ones."
    )


def common_values(site: Site, request: gradio.Request, name: str) -> dict[str, Any]:
    """What an address says of the common boxes; what it leaves out has its default, the run a free name."""
    limit = address.read(request, "limit", "0")
    return {
        "name": address.read(request, "name") or free_name(site.runs, name),
        "manifest": address.read(request, "manifest") or str(site.corpus),
        "split": address.read(request, "split"),
        "limit": int(limit) if limit.isdecimal() else 0,
        "checkpoint": address.read(request, "checkpoint") or "small",
        "seed": ",".join(address.read_all(request, "seed")) or "0",
        "metrics": [one for one in address.read_all(request, "metrics") if one in (*REGISTRY, "all", "none")],
    }


def offered(site: Site) -> dict[str, list[tuple[str, str]]]:
    """What the lists among the common boxes offer here and now."""
    return {"manifest": choices.manifests(site), "checkpoint": choices.checkpoints(site)}


def experiment_of(site: Site, form: dict[str, Any], systems: str) -> Experiment:
    """The experiment that the form describes.

    Raises:
        StreamflowError: something is missing, unknown or malformed.
    """
    weights = dict(choices.checkpoints(site)).get(form["checkpoint"] or "", form["checkpoint"] or "small")
    return read_form(
        corpus=form["manifest"] or "",
        systems=systems,
        split=form["split"] or "",
        checkpoint=weights,
        seeds=form["seed"] or "",
        metrics=form["metrics"] or (),
        limit=form["limit"],
    )


def ended_stages(site: Site) -> list[Any]:
    """How long the steps of what decoded and scored here took."""
    return [job.stages for job in site.jobs.list() if job.state == "done" and job.facts.get("kind") in KINDS]


def waiting_text(site: Site) -> str:
    """What a new job waits for, with a space before it; nothing where it begins at once."""
    waiting = len(site.jobs.active())
    return f" It waits for {waiting} job{'s' if waiting > 1 else ''} before it." if waiting else ""


def _metrics() -> list[tuple[str, str]]:
    standard = standard_metrics()
    named = [(f"{name}{'' if name in standard else ' (not standard)'}", name) for name in REGISTRY]
    return [("every one that there is", "all"), ("none, decode only", "none"), *named]
