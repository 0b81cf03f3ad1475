"""How long listeners wait: curves of what was measured, and what a player would make of it, as sliders move."""

from __future__ import annotations

from typing import Any

import gradio

from harness.latency.what_if import stream_names

from ..messages import told
from ..routes.figures import figures
from ..site import Site
from .latency_bench import BenchPart
from .latency_state import BUFFERS_MS, JITTERS_MS, RATES, WRITE, Opened, State, fitted, state_of

QUIET = {"api_visibility": "private", "show_progress": "hidden", "concurrency_limit": None}
WIDE = 240  # px: on a phone each control has a row of its own
EMPTY = (
    '<p class="lead">No run yet. A run is what a comparison leaves: <a href="runs?new=1">start one</a> on the page Runs, '
    "and what its systems make a listener wait is shown here.</p>"
)
UNTIMED = (
    '<p class="lead">Nothing was timed in these runs: their audio was rendered elsewhere. Choose a run of decoders.</p>'
)
UNSCORED = '<p class="lead">Nothing was scored in these runs, or nothing was timed.</p>'


def build(site: Site) -> None:
    """Draw the page."""
    LatencyPage(site).draw()


class LatencyPage:
    """The controls, and what happens when one of them changes."""

    def __init__(self, site: Site) -> None:
        self.site = site
        self.opened = Opened(site.runs)

    def draw(self) -> None:
        gradio.Markdown("# Latency")
        self.runs = gradio.Dropdown(
            [], multiselect=True, label="Runs", info="Several are compared on the utterances that they share."
        )
        self.systems = gradio.CheckboxGroup([], label="Systems")
        self.bench = BenchPart(self.site)
        self.curves = figures("latency-curves")
        self._draw_playout()
        gradio.Markdown("## Quality against latency")
        self.metric = gradio.Dropdown([], label="Metric")
        self.quality = figures("latency-quality")
        self._connect()

    def _draw_playout(self) -> None:
        gradio.Markdown(
            "## What a listener would hear\n\nThe measured chunks, played again: at another rate of tokens, over a network "
            "that delays each chunk at random (exponentially, delivered in order), by a player that holds back a buffer."
        )
        with gradio.Row():
            self.rate = gradio.Slider(
                *RATES, value=25, step=1, label="Token rate (tokens/s)", info="25 is speech.", min_width=WIDE
            )
            self.buffer = gradio.Slider(
                *BUFFERS_MS, value=0, step=10, label="Buffer (ms)", info="Before the first sound.", min_width=WIDE
            )
            self.jitter = gradio.Slider(
                *JITTERS_MS, value=0, step=5, label="Network jitter (ms)", info="Mean delay.", min_width=WIDE
            )
        with gradio.Row():
            self.source = gradio.Dropdown([], label="Streams", info="Which were measured.", min_width=WIDE)
            self.system = gradio.Dropdown([], label="One stream: of the system", info="Drawn below.", min_width=WIDE)
            self.stream = gradio.Dropdown([], label="One stream: which", info="The longest first.", min_width=WIDE)
        self.playing = figures("latency-playing")
        self.rates = figures("latency-rates")

    def _connect(self) -> None:
        """The events: each control says what has to be drawn again, and then all of them go into the address."""
        blocks = gradio.context.Context.root_block
        controls = [
            self.runs, self.systems, self.source, self.rate, self.buffer, self.jitter, self.system, self.stream, self.metric,
        ]  # fmt: skip
        shown = [self.curves, self.playing, self.rates, self.quality]
        everything = [*controls, *shown, *self.bench.outputs]

        def written(event: Any) -> None:
            event.then(None, controls, None, js=WRITE, **QUIET)

        written(blocks.load(told(self.arrive), None, everything, **QUIET))

        def when(moved: list[Any], answer: Any, outputs: Any) -> None:
            """One event for controls that are drawn alike, so that the answer about the last of them comes last."""
            triggers = [control.input for control in moved]
            written(gradio.on(triggers, told(answer), controls, outputs, trigger_mode="always_last", **QUIET))

        when([self.runs, self.systems], self.again, everything)
        when([self.source, self.system], self.other_stream, [*controls, self.playing, self.rates])
        when([self.rate, self.buffer, self.jitter, self.stream], self.play, self.playing)
        when([self.metric], self.score, self.quality)
        self.bench.connect(self.runs, self.systems, told(self.again), controls, everything)

    # what happens

    def arrive(self, request: gradio.Request) -> list[Any]:
        """The page as its address says."""
        return self._everything(state_of(request))

    def again(self, *values: Any) -> list[Any]:
        """Other runs or systems."""
        return self._everything(_state(values))

    def other_stream(self, *values: Any) -> list[Any]:
        """Another source of streams, or another system to look at."""
        state, waiting = self._read(_state(values))
        return [*self._controls(state, waiting), self._playing(state, waiting), self._rates(state, waiting)]

    def play(self, *values: Any) -> str:
        """The sliders moved, or another stream is looked at."""
        return self._playing(*self._read(_state(values)))

    def score(self, *values: Any) -> str:
        """Another metric."""
        return self._quality(*self._read(_state(values)))

    # what is shown

    def _everything(self, state: State) -> list[Any]:
        known = self.site.workspace.run_names()
        state = State(**{**vars(state), "runs": tuple(n for n in state.runs if n in known) or tuple(known[:1])})
        if not state.runs:
            nothing = [gradio.update(choices=[], value=[]), gradio.update(choices=[], value=[])]
            return [*nothing, *[gradio.skip()] * 7, EMPTY, " ", " ", " ", *self.bench.nothing()]
        state, waiting = self._read(state)
        return [
            *self._controls(state, waiting),
            waiting.curves(state.systems) or UNTIMED,
            self._playing(state, waiting),
            self._rates(state, waiting),
            self._quality(state, waiting),
            *self.bench.show(state.runs, state.systems, waiting),
        ]

    def _read(self, state: State) -> tuple[State, Any]:
        waiting = self.opened.read(state.runs, self.site.workspace.run_names())
        return fitted(state, waiting), waiting

    def _controls(self, state: State, waiting: Any) -> list[Any]:
        """Choices and values of the controls, in their order."""
        streams = stream_names(waiting.streams(state.source), state.system)
        return [
            gradio.update(choices=self.site.workspace.run_names(), value=list(state.runs)),
            gradio.update(choices=waiting.systems, value=list(state.systems)),
            gradio.update(choices=waiting.sources, value=state.source or None),
            gradio.update(value=state.rate, info=f"{waiting.speech_rate(state.source):g} is speech."),
            state.buffer,
            state.jitter,
            gradio.update(choices=list(state.systems), value=state.system or None),
            gradio.update(choices=streams, value=state.stream or None),
            gradio.update(choices=waiting.metrics, value=state.metric or None),
        ]

    @staticmethod
    def _playing(state: State, waiting: Any) -> str:
        return waiting.playing(state.systems, state.source, state.player, state.system, state.stream) or " "

    @staticmethod
    def _rates(state: State, waiting: Any) -> str:
        return waiting.rates(state.systems, state.source) or " "

    @staticmethod
    def _quality(state: State, waiting: Any) -> str:
        return waiting.quality(state.systems, state.metric) or UNSCORED


def _state(values: tuple[Any, ...]) -> State:
    """What the controls say, in their order."""
    runs, systems, source, rate, buffer, jitter, system, stream, metric = values
    return State(
        runs=tuple(runs or ()), systems=tuple(systems or ()), source=source or "", rate=rate, buffer=buffer, jitter=jitter,
        system=system or "", stream=stream or "", metric=metric or "",
    )  # fmt: skip
