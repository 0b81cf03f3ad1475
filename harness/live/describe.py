"""What a strategy is with given parameters, from the checkpoint's card alone: no weights are read."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from pathlib import Path
from typing import Any

FRAME_S = 0.01


def describe_system(strategy: str, parameters: Mapping[str, Any], checkpoint: str | Path = "small") -> dict[str, Any]:
    """Everything about a system that one can say before decoding; a few milliseconds after the first call.

    Args:
        strategy: a key of ``streamflow.strategies.STRATEGIES``.
        parameters: as in a view; what is left out has its default.
        checkpoint: a shipped bundle's name, or a bundle's folder.

    Returns:
        ``strategy``, ``summary`` (one line), ``parameters`` (all of them), ``control`` (a ceiling, not a decoder),
        ``algorithmic_latency_s`` (None for the whole utterance), ``pauseless_latency_s`` (to play without a pause;
        likewise), ``latency_parts`` (None, or ``own_s`` for the first emission's own audio, ``ahead_s`` for the
        look-ahead, ``vocoder_s`` for what the vocoder, a cross-fade and whole tokens add), and for decoders
        ``weights``, ``nfe``, ``pattern`` (``block`` in frames of 10 ms, ``layers`` as ``[back, ahead]`` in blocks with
        None for no limit), ``window`` (``grid`` in frames; ``hop``, ``back``, ``ahead``
        in blocks of the grid, None for all; ``cached``), ``vocoder_future_frames``, ``trained_otherwise`` (where the weights
        were: with what), ``receptive_field`` (``back``, ``ahead``: p and q of one network evaluation in blocks of the
        pattern, None for all).

    Raises:
        StrategyError, CheckpointError: they do not exist or do not go together.
        ViewError: a parameter that the strategy does not take, or a value out of range.
    """
    from streamflow.strategies import STRATEGIES
    from streamflow.strategies.base import algorithmic_latency, pauseless_latency, plan_facts, rate_facts

    from .parameters import checked_parameters

    chosen = _resolved(strategy, checked_parameters(strategy, dict(parameters)))
    head = {"strategy": strategy, "summary": STRATEGIES[strategy], "parameters": chosen}
    bundle = _bundle(str(checkpoint), _stamp(checkpoint))
    plan = _plan(strategy, bundle, chosen)
    if plan is None:
        waits = dict.fromkeys(("algorithmic_latency_s", "pauseless_latency_s", "latency_parts"))
        return {**head, "control": True, **waits}
    future = _vocoder_future(str(bundle.directory), _stamp(bundle.directory))
    total = algorithmic_latency(plan, future)
    facts = plan_facts(plan, future, bundle.pattern(plan.weights)) | rate_facts(bundle)
    reach = {"back": plan.pattern.back, "ahead": plan.pattern.ahead}
    latency = {"algorithmic_latency_s": total, "pauseless_latency_s": pauseless_latency(plan, future)}
    latency |= {"latency_parts": None if total is None else _parts(plan, total)}
    return {**head, "control": False, **latency, **facts, "receptive_field": reach}


def _parts(plan: Any, total: float) -> dict[str, float]:
    own, ahead = plan.hop_frames * FRAME_S, plan.lookahead_frames * FRAME_S
    return {"own_s": own, "ahead_s": ahead, "vocoder_s": max(0.0, round(total - own - ahead, 6))}


def _resolved(strategy: str, given: Mapping[str, Any]) -> dict[str, Any]:
    from streamflow.strategies import parameters_of_strategy

    return {**parameters_of_strategy(strategy), **given}


def _plan(strategy: str, bundle: Any, chosen: dict[str, Any]) -> Any:
    from streamflow.strategies import plan_of_strategy

    return plan_of_strategy(strategy, bundle, chosen)


def _stamp(checkpoint: str | Path) -> int:
    """So that a card that was edited is read again."""
    card = Path(checkpoint) / "bundle.json"
    return card.stat().st_mtime_ns if card.is_file() else 0


@functools.lru_cache(maxsize=32)
def _bundle(checkpoint: str, stamp: int) -> Any:
    from streamflow.checkpoints import load_bundle

    return load_bundle(checkpoint)


@functools.lru_cache(maxsize=32)
def _vocoder_future(folder: str, stamp: int) -> int:
    """Frames that the vocoder sees ahead: of its shape, with no weights read."""
    from streamflow.checkpoints import load_bundle
    from streamflow.vocoders import build_vocoder

    return int(build_vocoder(load_bundle(folder).card["vocoder"]).future_frames)
