"""What a simulated listener sends for every view of a trial."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ..model import REFERENCE, Step
from .behaviour import HEADPHONES_RIGHT, REACTION_S, TRAP_RIGHT, Behaviour

LOWEST, HIGHEST = 1.0, 5.0
SAME_WITHIN = 0.35  # ACR points: two sounds nearer than that are called the same
DETECTABLE_SD = 0.25  # ACR points: noise of a direct comparison, where bias and sentence fall away
SEAM_HEARD = 0.6  # share of the joins that an honest listener presses at
FALSE_PRESSES = 0.3  # a trial, on average


def answer_trial(listener: Behaviour, step: Step) -> dict[str, Any]:
    """The answer to a trial or training step, of the form that its protocol's ``check`` takes."""
    if step.secret.get("role") == "trap":
        expected = int(step.secret["key"]["beeps"])
        if listener.rng.random() < TRAP_RIGHT[listener.kind]:
            return {"beeps": expected}
        if step.public.get("beeps") and listener.kind == "bot" and listener.rng.random() < 0.5:
            return {"beeps": int(listener.rng.integers(1, 6))}
    return VIEWS[step.view](listener, step)


def answer_headphones(listener: Behaviour, step: Step) -> dict[str, Any]:
    """A round of a headphone check."""
    right = str(step.secret["answer"])
    if listener.rng.random() < HEADPHONES_RIGHT[listener.kind]:
        return {"choice": right}
    return {"choice": str(listener.rng.choice([label for label in step.sources if label != right]))}


def _scale(listener: Behaviour, step: Step) -> dict[str, Any]:
    return {"value": round(_opinion(listener, step, "A"))}


def _opinion(listener: Behaviour, step: Step, label: str) -> float:
    """An opinion of one stimulus on the ACR scale, from 1 to 5."""
    if listener.kind == "bot":
        return float(listener.rng.integers(1, 6))
    if listener.kind == "lazy" and listener.rng.random() < 0.75:
        return 3.0
    value = listener.heard(step.secret["systems"][label], step.secret["sentence"]) + listener.bias
    return float(np.clip(6 - value if listener.kind == "inverted" else value, LOWEST, HIGHEST))


def _difference(listener: Behaviour, step: Step) -> float:
    """How much better B is than A, in ACR points."""
    if listener.kind == "bot":
        return float(listener.rng.uniform(-3, 3))
    if listener.kind == "lazy" and listener.rng.random() < 0.75:
        return 0.0
    systems, sentence = step.secret["systems"], step.secret["sentence"]
    if systems["A"] == systems["B"]:
        return DETECTABLE_SD * float(listener.rng.standard_normal())
    value = listener.heard(systems["B"], sentence) - listener.heard(systems["A"], sentence)
    return -value if listener.kind == "inverted" else value


def _pair(listener: Behaviour, step: Step) -> dict[str, Any]:
    difference = _difference(listener, step)
    if step.protocol == "ccr":
        return {"value": int(np.clip(round(difference), -3, 3))}
    if abs(difference) < SAME_WITHIN:
        return {"choice": "same"}
    return {"choice": "B" if difference > 0 else "A"}


def _tells_apart(listener: Behaviour, systems: dict[str, str]) -> bool:
    """Whether the two systems of a trial are told apart on this hearing."""
    if listener.kind == "bot" or (listener.kind == "lazy" and listener.rng.random() < 0.75):
        return False
    a, b = (listener.qualities[systems[label]] for label in ("A", "B"))
    return bool(abs(a - b) + DETECTABLE_SD * listener.rng.standard_normal() > SAME_WITHIN)


def _abx(listener: Behaviour, step: Step) -> dict[str, Any]:
    systems = step.secret["systems"]
    right = next(label for label in ("A", "B") if systems[label] == systems["X"])
    wrong = "B" if right == "A" else "A"
    if _tells_apart(listener, systems):
        return {"choice": wrong if listener.kind == "inverted" else right}
    return {"choice": str(listener.rng.choice(["A", "B"]))}


def _same_different(listener: Behaviour, step: Step) -> dict[str, Any]:
    systems = step.secret["systems"]
    if listener.kind == "bot":
        return {"choice": str(listener.rng.choice(["same", "different"]))}
    different = systems["A"] != systems["B"] and _tells_apart(listener, systems)
    if listener.rng.random() < 0.1:  # a lapse
        different = not different
    return {"choice": "different" if different != (listener.kind == "inverted") else "same"}


def _sliders(listener: Behaviour, step: Step) -> dict[str, Any]:
    values = {}
    for label in step.sources:
        if label == step.public.get("reference"):
            continue
        if step.secret["systems"][label] == REFERENCE and listener.kind == "honest":
            values[label] = int(np.clip(round(100 - abs(4 * listener.rng.standard_normal())), 0, 100))
        else:
            values[label] = round(100 * (_opinion(listener, step, label) - LOWEST) / (HIGHEST - LOWEST))
    return {"values": values}


def _seams(listener: Behaviour, step: Step) -> dict[str, Any]:
    presses = [float(listener.rng.uniform(0, 3)) for _ in range(listener.rng.poisson(FALSE_PRESSES))]
    if listener.kind in ("honest", "inverted"):
        key = step.secret["key"]
        presses += [
            seam + float(listener.rng.uniform(*REACTION_S))
            for seam in key["seams"]
            if listener.rng.random() < SEAM_HEARD
        ]
        presses = [press for press in presses if press <= key["seconds"]]
    return {"presses": sorted(round(press, 3) for press in presses)}


VIEWS: dict[str, Callable[[Behaviour, Step], dict[str, Any]]] = {
    "scale": _scale, "pair": _pair, "abx": _abx, "same-different": _same_different, "sliders": _sliders, "seams": _seams,
}  # fmt: skip
"""One function a view; the key of a step tells what was there, as a real listener's ears would."""


def answer_step(listener: Behaviour, step: Step) -> dict[str, Any]:
    """The answer to any step of a session."""
    if step.kind in ("training", "trial"):
        return answer_trial(listener, step)
    if step.kind == "headphones":
        return answer_headphones(listener, step)
    plain = {
        "consent": {"agreed": True},
        "questions": {"replies": {}},
        "level": {"done": True},
        "break": {"done": True},
        "comments": {"text": ""},
    }
    return plain[step.kind]
