"""The tab that lets simulated listeners take a copy of a study before people do, in the background."""

from __future__ import annotations

import html

import gradio

from harness.jobs import Job
from listening_tests.errors import StudyError
from listening_tests.simulation.behaviour import KINDS

from ...messages import BACKGROUND, told
from ...site import Site
from .tables import note

ABOUT = (
    "Simulated listeners take a copy of the study over the real service, thirty times faster than people would: does the "
    "screening catch those that do not listen, are the intervals as narrow as planned, does the analysis find what was put "
    "in? The copy is a study of its own; its ratings are nobody's."
)
INFO = {
    "honest": "Hear what the systems are worth, with noise.", "lazy": "Give the middle answer.",
    "bot": "Answer at random, without listening.", "inverted": "Honest, with the scale upside down.",
}  # fmt: skip
USUAL = {"honest": 20, "lazy": 2, "bot": 2, "inverted": 0}
ENDING = "-simulated"


def simulate_tab(site: Site, choice: gradio.Dropdown) -> gradio.HTML:
    """Draw the tab; returns what :func:`jobs_of` fills."""
    gradio.Markdown(f"{ABOUT} {BACKGROUND}")
    with gradio.Row():
        counts = [
            gradio.Number(USUAL[kind], label=kind.capitalize(), info=INFO[kind], precision=0, minimum=0, maximum=300)
            for kind in KINDS
        ]
    quality = gradio.Textbox(
        label="What they hear",
        info="Latent quality of each system, as full=4.2,naive=3.1; 'equal' for none; empty: spaced evenly.",
    )
    with gradio.Row():
        start = gradio.Button("Simulate", variant="primary")
        stop = gradio.Button("Stop")
    shown = gradio.HTML(elem_id="study-simulation", apply_default_css=False)

    def started(name: str | None, heard: str, *numbers: float) -> str:
        if not name:
            raise StudyError("no study is chosen; make one in the tab New study")
        begin(site, name, dict(zip(KINDS, map(int, numbers), strict=True)), heard.strip())
        return jobs_of(site, name)

    def stopped(name: str | None) -> str:
        for job in _jobs(site, name):
            if not job.is_over:
                site.jobs.cancel(job.id)
        return jobs_of(site, name)

    quiet = {"api_visibility": "private", "concurrency_limit": None}
    start.click(told(started), [choice, quality, *counts], shown, **quiet)
    stop.click(told(stopped), choice, shown, **quiet)
    return shown


def begin(site: Site, name: str, counts: dict[str, int], quality: str = "") -> str:
    """Start a simulation; returns the job's id.

    Raises:
        StudyError: nobody to listen. JobError: it cannot be started.
    """
    if sum(counts.values()) < 1:
        raise StudyError("no listeners; give one of the four numbers a value above 0")
    study, out = site.workspace.path(name), site.workspace.new_path(free_name(site, name))
    argv = ["study", "simulate", str(study), "--out", str(out)]
    argv += [part for kind, number in counts.items() for part in (f"--{kind}", str(number))]
    argv += ["--quality", quality] if quality else []
    facts = {"kind": "simulation", "study": name, "copy": out.name}
    return site.jobs.start(argv, f"Simulate {sum(counts.values())} listeners of {name}", facts=facts)


def free_name(site: Site, name: str) -> str:
    """The first name for a copy that neither a study nor a job that is going to make one has."""
    taken = set(site.workspace.names()) | {str(job.facts.get("copy")) for job in site.jobs.active()}
    taken |= {path.name for path in site.workspace.folder.glob("*")}
    names = (f"{name}{ENDING}{number if number > 1 else ''}" for number in range(1, len(taken) + 2))
    return next(one for one in names if one not in taken)


def jobs_of(site: Site, name: str | None) -> str:
    """The study's simulations, the latest first, as HTML."""
    return "".join(_told(job) for job in _jobs(site, name)[:5])


def _jobs(site: Site, name: str | None) -> list[Job]:
    return [job for job in site.jobs.list() if job.facts.get("kind") == "simulation" and job.facts.get("study") == name]


def _told(job: Job) -> str:
    copy = str(job.facts.get("copy"))
    title = html.escape(job.title)
    if job.state == "done":
        target = f"studies?study={html.escape(copy, quote=True)}&amp;tab=results"
        return f'<p class="study-note good">{title}: done. <a href="{target}">Analyse {html.escape(copy)}</a></p>'
    if not job.is_over:
        far = f'value="{job.done:g}" max="{job.total:g}"' if job.total else ""
        words = (
            f"{job.done:g} of {job.total:g} answers"
            if job.total
            else "waits for its turn"
            if job.state == "queued"
            else "starts"
        )
        bar = f'<progress {far} aria-label="{title}"></progress>'
        return f'<p class="study-note" role="status">{title}: {bar} {words}</p>'
    return note(f"{job.title}: {job.state}. {job.line}", "bad")
