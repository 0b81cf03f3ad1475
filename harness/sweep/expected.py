"""How much a sweep is and how long it will take, told before it starts."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from streamflow.strategies import parameters_of_strategy

from ..experiment import Experiment
from ..forecast import Forecast, forecast
from ..run_index import RunFacts
from ..systems import SystemSpec


def expected(experiment: Experiment, runs: Iterable[RunFacts], stages: Iterable[Mapping[str, Any]] = ()) -> list[str]:
    """What a sweep comes to, in lines.

    A point that no run has measured counts as its strategy at its defaults, times as many network evaluations: rough,
    because the block and the window cost too.

    Args:
        experiment: all of it, what is there already too.
        runs: the newest first, where real-time factors are looked for.
        stages: of what ended, see :func:`harness.forecast.forecast`.
    """
    runs = list(runs)
    found = forecast(experiment, runs, stages)
    size = (
        f"{len(experiment.systems)} systems x {found.utterances} utterances x {len(experiment.seeds)} "
        f"seed{'s' if len(experiment.seeds) > 1 else ''} = {found.renderings} renderings of {_time(found.speech_s)} of speech"
    )
    guessed, blind = _guessed(experiment, found, runs)
    total = found.decode_s + guessed
    known = len(experiment.systems) - len(blind)
    if not known:
        return [size, "forecast: none, no run beside this one says how fast these strategies are here"]
    told = f"forecast: about {_time(total)} of decoding in all"
    if found.unknown and known:
        told += f", {len(found.unknown) - len(blind)} of the systems guessed from their strategies' defaults"
    if blind:
        told += f", without {len(blind)} of which nothing is known"
    if found.elsewhere:
        told += "; measured on another machine"
    return [size, f"{told}; {_scoring(found)}"]


def _scoring(found: Forecast) -> str:
    if found.score_s is None:
        return "scoring comes on top"
    return f"scoring about {_time(found.score_s)}" if found.score_s else "nothing is scored"


def _guessed(experiment: Experiment, found: Forecast, runs: list[RunFacts]) -> tuple[float, list[str]]:
    """Seconds of decoding of the systems that were not measured, and those of which nothing is known."""
    measured: dict[str, float | None] = {}
    seconds, blind = 0.0, []
    for spec in experiment.systems:
        if spec.name not in found.unknown:
            continue
        strategy = spec.strategy or ""
        if strategy and strategy not in measured:
            plain = forecast(replace(experiment, systems=(SystemSpec(strategy, strategy=strategy),)), runs)
            measured[strategy] = None if plain.unknown else plain.decode_s
        each = measured.get(strategy)
        if each is None:
            blind.append(spec.name)
            continue
        usual = parameters_of_strategy(strategy).get("nfe") or 1
        seconds += each * spec.parameters.get("nfe", usual) / usual
    return seconds, blind


def _time(seconds: float) -> str:
    if seconds < 100:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"
