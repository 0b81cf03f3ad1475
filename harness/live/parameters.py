"""What a person may turn in a strategy: how it is called, its range, what it does."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from .errors import ViewError

WHOLE, NUMBER, CHOICE, SWITCH, LAYERS = "whole", "number", "choice", "switch", "layers"
YES, NO = frozenset({"true", "yes", "on", "1"}), frozenset({"false", "no", "off", "0"})
NONE = "none"


@dataclass(frozen=True, slots=True)
class Parameter:
    """One parameter of strategies.

    Attributes:
        name: keyword of the strategy.
        label: for a form.
        kind: ``whole``, ``number``, ``choice``, ``switch`` or ``layers`` (text such as ``0+7``).
        unit: of the value; "" for a pure number.
        low, high, step: of a slider, both ends allowed; None for the other kinds.
        choices: of a choice.
        help: one sentence.
        optional: None is a value too: what the weights were trained with.
    """

    name: str
    label: str
    kind: str
    unit: str = ""
    low: float | None = None
    high: float | None = None
    step: float | None = None
    choices: tuple[str, ...] = ()
    help: str = ""
    optional: bool = False

    @property
    def takes(self) -> tuple[str, ...]:
        """The strategies that have it."""
        from streamflow.strategies import STRATEGIES, parameters_of_strategy

        return tuple(strategy for strategy in STRATEGIES if self.name in parameters_of_strategy(strategy))

    def read(self, value: Any, optional: bool = False) -> Any:
        """A value as the strategy takes it, from text or from JSON.

        Args:
            value: as given.
            optional: whether None is one.

        Raises:
            ViewError: not of its kind, or out of range.
        """
        if value is None or (isinstance(value, str) and value.lower() == NONE):
            if optional:
                return None
            raise ViewError(f"{self.name}=none: {self._wanted()}")
        if self.kind == SWITCH:
            return self._switch(value)
        if self.kind == LAYERS:
            return self._layers(value)
        if self.kind == CHOICE:
            if value not in self.choices:
                raise ViewError(f"{self.name}={value}: {self._wanted()}")
            return value
        return self._number(value)

    def _switch(self, value: Any) -> bool:
        text = str(value).lower()
        if text not in YES | NO:
            raise ViewError(f"{self.name}={value}: {self._wanted()}")
        return text in YES

    def _layers(self, value: Any) -> str:
        from streamflow.errors import StrategyError
        from streamflow.strategies.placement import layers_named, placement_text

        try:
            return placement_text(layers_named(self.name, value))
        except StrategyError as error:
            raise ViewError(str(error)) from None

    def _number(self, value: Any) -> int | float:
        try:
            if isinstance(value, bool):
                raise ValueError
            number = float(value)
            if not self.low <= number <= self.high or (self.kind == WHOLE and number != int(number)):
                raise ValueError
        except (TypeError, ValueError, OverflowError):
            raise ViewError(f"{self.name}={value}: {self._wanted()}") from None
        return int(number) if self.kind == WHOLE else number

    def _wanted(self) -> str:
        if self.kind == SWITCH:
            return "give true or false"
        if self.kind == CHOICE:
            return f"give one of {', '.join(self.choices)}"
        kind = "a whole number" if self.kind == WHOLE else "a number"
        return f"give {kind} from {self.low:g} to {self.high:g}"


_ALL = (
    Parameter(
        "block",
        "Block",
        WHOLE,
        "frames of 10 ms",
        8,
        96,
        4,
        help="The unit in which audio is emitted and context is counted; 24 frames are 240 ms. Longer blocks wait "
        "longer for the first sound and have fewer seams.",
    ),
    Parameter(
        "hop",
        "Blocks at once",
        WHOLE,
        "blocks",
        1,
        8,
        1,
        help="How many blocks are emitted together. More of them means fewer seams, less work and a later first sound.",
    ),
    Parameter(
        "back",
        "History",
        WHOLE,
        "blocks",
        0,
        16,
        1,
        optional=True,
        help="Blocks before the emitted ones that each window holds. It costs work, not waiting; the default is what "
        "one network evaluation can see.",
    ),
    Parameter(
        "ahead",
        "Look-ahead",
        WHOLE,
        "blocks",
        0,
        4,
        1,
        optional=True,
        help="Blocks after the emitted ones that must have arrived first: each adds a block to the algorithmic latency.",
    ),
    Parameter(
        "past",
        "What the past is",
        CHOICE,
        choices=("window", "frozen", "inpainted"),
        help="window: decoded again from its noise with each hop, as published. frozen: keys and values kept from when "
        "it was current; less work. inpainted: in the window, but held to the speech that was given out.",
    ),
    Parameter(
        "backward",
        "Layers looking back",
        LAYERS,
        help="Layers of the network that look one block back, counted from 0, such as 0+7; no for none. How many they are "
        "is p; weights that were trained with others are used as they are.",
    ),
    Parameter(
        "forward",
        "Layers looking ahead",
        LAYERS,
        help="Layers of the network that look one block ahead, such as 4; no for none. How many they are is q: unless a "
        "look-ahead is given, each adds a block to the algorithmic latency.",
    ),
    Parameter(
        "nfe",
        "Network evaluations (NFE)",
        WHOLE,
        "",
        1,
        32,
        1,
        help="Evaluations of the network for one emission: work grows in proportion. A multiple of the solver's "
        "stages: 1 for Euler, 2 for midpoint and Heun, 4 for RK4.",
    ),
    Parameter(
        "solver",
        "Solver",
        CHOICE,
        choices=("euler", "midpoint", "heun", "rk4"),
        help="How the flow is integrated from noise to speech; the order of the method is also what one step costs.",
    ),
    Parameter(
        "guidance",
        "Guidance",
        NUMBER,
        "",
        0.0,
        3.0,
        0.1,
        help="Classifier-free guidance: how far the result is pushed towards its tokens and speaker. 0 halves the work.",
    ),
    Parameter(
        "warp",
        "Time grid",
        CHOICE,
        choices=("cosine", "linear"),
        help="Where along the way from noise to speech the network is evaluated; cosine spends more near the noise.",
    ),
    Parameter(
        "cached",
        "Keep the past (KV cache)",
        SWITCH,
        help="Keys and values of the past are kept instead of computed again: the same audio for less work, and memory "
        "that grows with the utterance.",
    ),
    Parameter(
        "fresh_noise",
        "New noise for every chunk",
        SWITCH,
        help="Draws the noise anew for each emission, as naive streaming does; off, the noise belongs to the moment "
        "in the utterance.",
    ),
    Parameter(
        "crossfade",
        "Cross-fade",
        NUMBER,
        "of a hop",
        0.0,
        0.2,
        0.01,
        help="Each chunk is decoded that much longer at its start and faded into the end of the one before, which "
        "waits for it. 0 butts the chunks together.",
    ),
    Parameter(
        "overlap",
        "Overlap",
        WHOLE,
        "tokens",
        0,
        25,
        1,
        help="Tokens decoded after each emission, discarded and decoded again with the next one; each must have arrived "
        "first. CosyVoice 1 has 400 ms of them.",
    ),
    Parameter(
        "fade",
        "Fade over the overlap",
        WHOLE,
        "frames of 10 ms",
        0,
        100,
        1,
        help="Frames over which the new version of the mel takes over from the discarded one; at most the overlap is "
        "used. CosyVoice 1 has 34.",
    ),
    Parameter(
        "fade_window",
        "Shape of the fade",
        CHOICE,
        choices=("hamming", "hann"),
        help="hamming is CosyVoice's, whose two halves add up to 1.08, so that the mel is larger in the fade; those of "
        "hann add up to 1.",
    ),
)

PARAMETERS: dict[str, Parameter] = {parameter.name: parameter for parameter in _ALL}
"""Every parameter of every strategy, in the order in which forms show them."""


def parameters_of(strategy: str) -> dict[str, tuple[Parameter, Any]]:
    """What one may turn in a strategy, each with its default, in the order of :data:`PARAMETERS`.

    Raises:
        ViewError: no such strategy.
    """
    defaults = _defaults(strategy)
    return {name: (parameter, defaults[name]) for name, parameter in PARAMETERS.items() if name in defaults}


def checked_parameters(strategy: str, given: dict[str, Any]) -> dict[str, Any]:
    """Parameters as the strategy takes them, from text or JSON.

    Raises:
        ViewError: no such strategy or parameter, a value that is none, or an NFE that does not fit the solver.
    """
    known = parameters_of(strategy)
    for name in given:
        if name not in known:
            raise ViewError(f"{strategy} has no parameter {name!r}; it takes {', '.join(known) or 'none'}")
    read = {name: known[name][0].read(value, known[name][1] is None) for name, value in given.items()}
    _check_schedule({name: default for name, (_, default) in known.items()} | read)
    return read


def _check_schedule(parameters: dict[str, Any]) -> None:
    from streamflow.errors import StrategyError
    from streamflow.strategies.base import SCHEDULE, schedule_of

    if SCHEDULE.keys() <= parameters.keys():
        try:
            schedule_of(parameters)
        except StrategyError as error:
            raise ViewError(f"nfe={parameters['nfe']}: {error}") from None


def _defaults(strategy: str) -> dict[str, Any]:
    from streamflow.errors import StrategyError
    from streamflow.strategies import parameters_of_strategy

    try:
        return parameters_of_strategy(strategy)
    except StrategyError as error:
        raise ViewError(str(error)) from None
