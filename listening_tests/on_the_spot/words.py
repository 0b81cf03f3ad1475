"""How a blind test stands, in words: what may be concluded, and what may not yet."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

EVIDENCE = 20.0  # e-value; 1 / 0.05
ALPHA = 0.05
LOOKING = (
    "p and the interval hold at the {planned} trials chosen, not at whichever moment looks best: stopping then makes "
    "them too good. The e-value may be looked at after every answer and allows stopping at any time."
)
ONE_PERSON = "This is one person and one utterance: for listeners at large, make a study."


def percent(share: float) -> str:
    """A share as a listener reads it."""
    return f"{100 * share:.0f} %"


def p_words(p: float) -> str:
    """``p = 0.038`` or ``p < 0.001``."""
    return "p < 0.001" if p < 0.001 else f"p = {p:.3f}"


def e_words(e: float) -> str:
    """An e-value with as many digits as say something."""
    return f"{e:.2f}" if e < 10 else f"{min(e, 1e6):,.0f}".replace(",", "\u2009")


def standing(state: Mapping[str, Any]) -> list[str]:
    """Lines on a test under way, from :meth:`BlindTest.state`."""
    now, planned, done = state["running"], state["planned"], state["done"]
    if now is None:
        return [f"{done} of {planned} answered. How it stands is told at the end."]
    need = state["needed"]
    if state["right_or_wrong"]:
        count = f"{now['k']} of {now['n']} right"
        goal = f"{need} of {planned} right would be p ≤ 0.05" if need else _too_few(planned)
    else:
        count = f"{now['k']} of {now['n']} for one of the two, {state['ties']} without a preference"
        goal = f"{need} of {planned} for one of them would be p ≤ 0.05" if need else _too_few(planned)
    lines = [f"{count}; {goal}.", _figures(now)]
    return [*lines, LOOKING.format(planned=planned)] if now["n"] else lines[:1]


def verdict(state: Mapping[str, Any]) -> list[str]:
    """Lines on a test that is over."""
    now = state["running"]
    if not now["n"]:
        return ["Nothing was answered that decides between the two, so nothing can be said.", ONE_PERSON]
    if state["early"]:
        early = (
            f"Stopped after {state['done']} of {state['planned']} trials, so p and its interval do not hold; what holds at "
            f"any time is the e-value {e_words(now['e_value'])} and {p_words(now['p_anytime'])} from the largest so far."
        )
        return [_conclusion(state, now["p_anytime"]), early, _anytime(now), ONE_PERSON]
    return [_conclusion(state, now["p_value"]), _figures(now), ONE_PERSON]


def _too_few(planned: int) -> str:
    return f"{planned} trials are too few for p ≤ 0.05"


def _figures(now: Mapping[str, Any]) -> str:
    span = f"{percent(now['low'])} to {percent(now['high'])}{_whose(now)}"
    exact = f"Exact binomial {p_words(now['p_value'])}, 95 % interval {span} (Clopper-Pearson)"
    return f"{exact}; e-value {e_words(now['e_value'])}."


def _anytime(now: Mapping[str, Any]) -> str:
    span = f"{percent(now['anytime_low'])} to {percent(now['anytime_high'])}{_whose(now)}"
    return f"95 % confidence sequence, which holds at any time: {span}."


def _whose(now: Mapping[str, Any]) -> str:
    return f" for {now['of']}" if now.get("of") else ""


def _conclusion(state: Mapping[str, Any], p: float) -> str:
    now, shown = state["running"], p <= ALPHA
    if state["right_or_wrong"]:
        count = f"{now['k']} of {now['n']} right"
        said = "you tell them apart" if shown else "no difference was shown, which does not show that there is none"
        return f"{count}: {said}."
    first, second = [name for name in state["systems"] if name != now["of"]], now["of"]
    leads, votes = (second, now["k"]) if 2 * now["k"] >= now["n"] else (first[0], now["n"] - now["k"])
    count = f"{votes} of {now['n']} for {leads}" + (f", {state['ties']} without a preference" if state["ties"] else "")
    return (
        f"{count}: {'you prefer it' if shown else 'no preference was shown, which does not show that there is none'}."
    )
