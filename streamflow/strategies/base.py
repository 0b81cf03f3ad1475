"""What a strategy is: a name, its parameters, and how a system is made from them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace

from ..attention import AttentionPattern
from ..audio import SAMPLE_RATE
from ..checkpoints import Bundle
from ..decoder_session import DecoderSession
from ..decoding import Evaluator, Plan
from ..errors import StrategyError
from ..flow import Schedule
from ..mel import FRAME_RATE, FRAMES_PER_TOKEN
from ..session import Session, StreamRequest
from ..stored_weights import pattern_card
from .placement import trained_otherwise

SCHEDULE = {"nfe": 4, "solver": "euler", "guidance": 0.7, "warp": "cosine"}


@dataclass(frozen=True)
class MadeSystem:
    """A system: call it with a request to open a session.

    Attributes:
        name: the strategy's.
        parameters: all of them, as resolved.
        algorithmic_latency_s: seconds of speech that must have arrived before the first sample can be heard, the
            vocoder's look-ahead included; ``None`` where the whole utterance must.
        pauseless_latency_s: seconds after the first token's begin from which on a player may play without a pause, were
            no time spent on computing; ``None`` likewise.
        open: from request to session.
        facts: JSON-able, the rest of what determines the audio.
    """

    name: str
    parameters: dict
    algorithmic_latency_s: float | None
    pauseless_latency_s: float | None
    open: Callable[[StreamRequest], Session]
    facts: dict = field(default_factory=dict)

    def __call__(self, request: StreamRequest) -> Session:
        return self.open(request)

    def describe(self) -> dict:
        """Everything about the system that determines its audio, JSON-able."""
        return {
            "strategy": self.name,
            "parameters": self.parameters,
            "algorithmic_latency_s": self.algorithmic_latency_s,
            "pauseless_latency_s": self.pauseless_latency_s,
            **self.facts,
        }


@dataclass(frozen=True)
class Strategy:
    """A name, a line of description, the parameters with their defaults, and the maker."""

    name: str
    description: str
    parameters: dict
    make: Callable[[Bundle, dict], MadeSystem]
    plan: Callable[[Bundle, dict], Plan] | None = None
    """What a flow decoder does, read from the bundle's card alone; None for controls."""


def blocks_of(pattern: AttentionPattern, block: int | None) -> AttentionPattern:
    """The pattern with blocks of ``block`` frames; ``None`` for those that it was trained with."""
    if block is None:
        return pattern
    if not isinstance(block, int) or block < 1:
        raise StrategyError(f"block={block!r} must be a whole number of at least 1")
    return replace(pattern, block=block)


def schedule_of(parameters: dict) -> Schedule:
    """The part of the parameters that every flow decoder has."""
    return Schedule(**{k: parameters[k] for k in SCHEDULE})


def planned(name: str, description: str, parameters: dict, plan: Callable[[Bundle, dict], Plan]) -> Strategy:
    """A strategy that a :class:`Plan` describes in full, but for the rate of tokens, which is the bundle's."""

    def at_its_rate(bundle: Bundle, chosen: dict) -> Plan:
        return replace(plan(bundle, chosen), frames_per_token=bundle.config("decoder").frames_per_token)

    def make(bundle: Bundle, chosen: dict) -> MadeSystem:
        return flow_system(name, bundle, chosen, Evaluator(bundle, at_its_rate(bundle, chosen)))

    return Strategy(name, description, {**parameters, **SCHEDULE}, make, at_its_rate)


def flow_system(name: str, bundle: Bundle, chosen: dict, evaluator: Evaluator) -> MadeSystem:
    """The system that decodes with ``evaluator``, described in full.

    Args:
        name: of the strategy.
        bundle: the weights.
        chosen: all parameters of the strategy, as resolved.
        evaluator: of the strategy's plan.
    """
    plan, vocoder = evaluator.plan, bundle.vocoder
    return MadeSystem(
        name,
        chosen,
        algorithmic_latency(plan, vocoder.future_frames),
        pauseless_latency(plan, vocoder.future_frames),
        lambda request: DecoderSession(evaluator, vocoder, request),
        plan_facts(plan, vocoder.future_frames, bundle.pattern(plan.weights))
        | rate_facts(bundle)
        | device_facts(bundle),
    )


def plan_facts(plan: Plan, vocoder_future: int, trained: AttentionPattern) -> dict:
    """A plan as JSON can hold it: what determines the audio beside the parameters.

    Args:
        plan: what the strategy does.
        vocoder_future: frames that the vocoder looks ahead.
        trained: the pattern that the plan's weights were trained under, told where the plan has another.
    """
    otherwise = trained_otherwise(plan.pattern, trained)
    window = {"grid": plan.grid, "hop": plan.hop, "back": plan.back, "ahead": plan.ahead, "cached": plan.cached}
    window |= {"past": plan.past} | ({"token_ahead": plan.token_ahead} if plan.token_ahead else {})
    window |= {"overlap_tokens": plan.overlap} if plan.overlap else {}
    return {
        "weights": plan.weights,
        "nfe": plan.schedule.nfe,
        "pattern": pattern_card(plan.pattern),
        "window": window | ({"fade_frames": plan.fade_frames} if plan.fade_frames else {}),
        "vocoder_future_frames": vocoder_future,
        **({"trained_otherwise": otherwise} if otherwise else {}),
    }


def rate_facts(bundle: Bundle) -> dict:
    """Samples and tokens a second, where they are not those of the shipped weights.

    Raises:
        CheckpointError: decoder and vocoder do not go together.
    """
    usual = (bundle.sample_rate, bundle.tokens_per_second) == (SAMPLE_RATE, FRAME_RATE / FRAMES_PER_TOKEN)
    return {} if usual else {"sample_rate": bundle.sample_rate, "tokens_per_second": bundle.tokens_per_second}


def device_facts(bundle: Bundle) -> dict:
    """What the audio was computed on, where that was not a CPU: rounding differs."""
    return {} if bundle.device.type == "cpu" else {"device": bundle.device.type}


def algorithmic_latency(plan: Plan, vocoder_future: int) -> float | None:
    """Seconds of tokens that must be there before the packet that holds frame 0 can be made.

    The first emission needs its own frames and the look-ahead, in whole tokens; the vocoder holds back its own
    look-ahead from that emission, so it delays a frame at the end of an emission by another emission, never the first.
    What is yet to be cross-faded is held back in the same way.
    """
    if plan.hop_frames is None or plan.lookahead_frames is None:
        return None
    emissions = (
        vocoder_future + plan.fade_frames
    ) // plan.hop_frames + 1  # until one of them is longer than what the vocoder holds back
    return _in_whole_tokens(plan, emissions * plan.hop_frames + plan.lookahead_frames) / FRAME_RATE


def pauseless_latency(plan: Plan, vocoder_future: int) -> float | None:
    """Seconds after the first token's begin from which on a player is never short of audio, were no time spent on computing.

    Emission k (from 0) comes with the tokens of (k + 1) hops and the look-ahead. What it makes final begins where the
    one before ended, which is short of k hops by what the vocoder and a cross-fade held back: so much earlier it is due,
    and so much longer the player has to wait, (1 + q) B + R for a hop of one block. Where tokens end in the middle of
    hops, some emissions wait for more of a token than others; the one that waits longest counts.
    """
    hop, lookahead = plan.hop_frames, plan.lookahead_frames
    if hop is None or lookahead is None:
        return None
    emissions = range(plan.frames_per_token)  # after as many hops tokens and hops end together again
    waits = (_in_whole_tokens(plan, (k + 1) * hop + lookahead) - k * hop for k in emissions)
    return (max(waits) + vocoder_future + plan.fade_frames) / FRAME_RATE


def _in_whole_tokens(plan: Plan, frames: int) -> int:
    """Frames of the tokens that cover so many."""
    return -(-frames // plan.frames_per_token) * plan.frames_per_token
