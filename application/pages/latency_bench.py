"""The bench on the latency page: whether these runs have one, how long it takes, starting it, and how far it is."""

from __future__ import annotations

import html
from collections.abc import Callable, Sequence
from typing import Any

import gradio

from harness.latency.plan import COMPLETE, Settings, expected_s
from harness.run import Run, RunError
from reports.formatting import join, number, seconds

from ..messages import told
from ..site import Site

LONG = {"lengths_s": (5.0, 15.0, 30.0, 60.0), "streams": (1, 2, 4)}
SIZES: dict[str, tuple[dict[str, Any], list[str]]] = {
    "short: streams up to 20 s, up to 4 at once": ({}, []),
    "long: streams up to 60 s, up to 4 at once": (LONG, ["--lengths", "5,15,30,60"]),
    "complete: streams up to 300 s, up to 8 at once": (COMPLETE, ["--complete"]),
}
"""What it is called; settings; arguments of ``streamflow latency``."""
POLL_S = 2.0
QUIET = {"api_visibility": "private", "show_progress": "hidden", "concurrency_limit": None}


class BenchPart:
    """A fold of the page."""

    def __init__(self, site: Site) -> None:
        self.site = site
        with gradio.Accordion("Measure long streams, streams at once, interruptions", open=False) as self.fold:
            self.said = gradio.Markdown(elem_id="bench-said")
            self.size = gradio.Radio(list(SIZES), value=next(iter(SIZES)), label="Size")
            with gradio.Row():
                self.start = gradio.Button("Measure on this machine", variant="primary")
                self.stop = gradio.Button("Stop", visible=False)
            self.progress = gradio.HTML(elem_id="bench-progress")
            self.job = gradio.State("")
            self.timer = gradio.Timer(POLL_S, active=False)
        self.outputs = [self.fold, self.said, self.start, self.stop, self.progress, self.job, self.timer]

    def connect(
        self, runs: gradio.Dropdown, systems: gradio.CheckboxGroup, again: Callable, controls: list, everything: list
    ) -> None:
        """Events; ``again`` draws the page anew once the bench is there."""
        going = [self.start, self.stop, self.progress, self.job, self.timer]
        self.size.input(
            told(self.price), [runs, systems, self.size], self.progress, trigger_mode="always_last", **QUIET
        )
        self.start.click(told(self.measure), [runs, systems, self.size], going, api_visibility="private")
        self.stop.click(told(self.cancel), self.job, going, **QUIET)
        ended = self.timer.tick(told(self.follow), self.job, going, **QUIET)
        ended.then(told(lambda job, *values: self.refreshed(job, again, values, len(everything))),
                   [self.job, *controls], everything, **QUIET)  # fmt: skip

    def nothing(self) -> list[Any]:
        """Updates of :attr:`outputs` where there is no run."""
        return [gradio.update(visible=False), *[gradio.skip()] * 6]

    def show(self, runs: Sequence[str], systems: Sequence[str], waiting: Any) -> list[Any]:
        """Updates of :attr:`outputs` for runs: what they have, and a job of theirs that is still going."""
        found = waiting.bench
        if found is None:
            said = (
                f"**{join(runs)}: not measured yet.** The curves below come from the utterances of the run. How chunk latency "
                "grows with the length of a stream, what streams do to each other and how fast a stream stops is measured "
                "by the bench, on the machine that this runs on, and added to the run and its report."
            )
        else:
            lengths = sorted(found.single["length_s"].unique())
            said = (
                f"**Measured**, streams of {join(f'{s:g}' for s in lengths)} s. Started again, only what is missing is "
                "measured."
            )
        price = self.price(list(runs), list(systems), next(iter(SIZES)))
        job = next((one for one in self.site.jobs.list() if _is_of(one, runs)), None)  # the latest
        if job is not None and not job.is_over:
            going = self._going(job.id)
        else:
            ended = _told(job) if job is not None and job.state != "done" else ""
            going = [
                gradio.update(interactive=True),
                gradio.update(visible=False),
                ended + price,
                "",
                gradio.Timer(active=False),
            ]
        return [gradio.update(visible=True, open=found is None or bool(going[3])), said, *going]

    def price(self, runs: list[str], systems: list[str], size: str) -> str:
        """About how long it takes, from what the systems needed in the run."""
        total = 0.0
        for name in runs:
            run = self._run(name)
            rows = run.latency()
            factors = rows[rows["system"].isin(_own(run, systems))].groupby("system")["rtf"].median()
            total += expected_s(Settings(**SIZES[size][0]), factors.to_dict()) if len(factors) else 0.0
        return f"<p>Takes about {_minutes(total)} here, if nothing else runs.</p>" if total else ""

    def measure(self, runs: list[str], systems: list[str], size: str) -> list[Any]:
        """Start the bench of every run; they wait for each other."""
        jobs = []
        for name in runs:
            argv = ["latency", str(self.site.runs / name), *SIZES[size][1]]
            if chosen := _own(self._run(name), systems):
                jobs.append(
                    self.site.jobs.start(
                        [*argv, "--systems", ",".join(chosen)], f"Latency of {name}", facts={"run": name}
                    )
                )
        return self._going(jobs[-1]) if jobs else [gradio.skip()] * 5

    def _run(self, name: str) -> Run:
        if name not in self.site.workspace.run_names():
            raise RunError(f"{name!r} is not a run of {self.site.runs}; choose one of the list")
        return Run(self.site.runs / name)

    def cancel(self, job: str) -> list[Any]:
        """Stop it; what was measured is kept."""
        if job:
            self.site.jobs.cancel(job)
        return self._going(job)

    def follow(self, job: str) -> list[Any]:
        """How far it is."""
        return self._going(job) if job else [gradio.skip()] * 5

    def refreshed(self, job: str, again: Callable, values: tuple[Any, ...], outputs: int) -> list[Any]:
        """The page anew once the job is over; nothing before."""
        if not job or not self.site.jobs.get(job).is_over:
            return [gradio.skip()] * outputs
        drawn = again(*values)
        drawn[-3:] = [_told(self.site.jobs.get(job)), "", gradio.Timer(active=False)]
        return drawn

    def _going(self, job: str) -> list[Any]:
        one = self.site.jobs.get(job)
        over = one.is_over
        return [
            gradio.update(interactive=over), gradio.update(visible=not over), _told(one), job,
            gradio.Timer(active=True),  # once more after its end, to draw the page anew
        ]  # fmt: skip


def _is_of(job: Any, runs: Sequence[str]) -> bool:
    return bool(job.argv) and job.argv[0] == "latency" and job.facts.get("run") in runs


def _own(run: Run, systems: Sequence[str]) -> list[str]:
    """The chosen systems that a run has: of several runs, a name that two have is shown as ``RUN:SYSTEM``."""
    name = run.path.name
    return [system for system in run.systems if system in systems or f"{name}:{system}" in systems]


def _told(job: Any) -> str:
    if job.is_over:
        return f'<p role="status">{html.escape(job.title)}: {html.escape(job.state)}. {html.escape(job.line)}</p>'
    share = f"{100 * job.done / job.total:.0f} %" if job.total else ""
    left = f", about {_minutes(job.remaining_s)} left" if job.remaining_s else ""
    bar = f'<progress max="{job.total:g}" value="{job.done:g}" aria-label="measured"></progress> ' if job.total else ""
    state = "waits for other jobs" if job.state == "queued" else f"{job.stage or 'starts'} {job.detail} {share}{left}"
    return f'<p role="status">{bar}{html.escape(job.title)}: {html.escape(state.strip())}</p>'


def _minutes(value_s: float) -> str:
    return seconds(value_s) if value_s < 90 else f"{number(value_s / 60, 0)} min"
