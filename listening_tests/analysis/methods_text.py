"""The methods section of a paper, from what was registered and what happened.

It says what reviewers need and papers leave out (the guideline arXiv 2503.03250; arXiv 2306.02044): wording and labels of
the scale, its increments, who listened and how they were found, levels, training, screening, exclusions by rule, the
interval's method, and of what population a claim is made.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas

from listening_tests.page.texts import texts
from listening_tests.protocols import get_protocol
from listening_tests.protocols.base import Protocol
from listening_tests.protocols.sliders import BANDS
from listening_tests.study import LEVELS, Study

from .estimate import BOTH
from .exclusions import Exclusions
from .rows import ABX_PROTOCOLS, PAIR_PROTOCOLS, SLIDER_PROTOCOLS

UNITS = {"lufs": "LUFS (ITU-R BS.1770)", "active-speech": "dBov active speech level (ITU-T P.56, method B)"}
NOT_NOTED = "It was not noted"


def methods_text(
    study: Study,
    facts: Mapping[str, Any],
    done: Exclusions,
    counts: Mapping[str, int],
    claim: str,
    sessions: pandas.DataFrame | None,
) -> list[dict[str, Any]]:
    """Passages of title and paragraphs, in the order of a paper."""
    passages = [
        ("Task and scale", _task(study, facts)),
        ("Stimuli and level", _stimuli(study, facts)),
        ("Design", _design(study, counts)),
        ("Listeners", _listeners(study, facts, counts, sessions)),
        ("Screening and exclusion", _exclusion(study, done)),
        ("Statistics", _statistics(study, claim)),
        ("Identity", _identity(study, facts)),
    ]
    return [{"title": title, "paragraphs": [text for text in written if text]} for title, written in passages]


def _task(study: Study, facts: Mapping[str, Any]) -> list[str]:
    protocol = get_protocol(study.protocol)
    said = {language: texts(language) for language in study.languages}
    question = study.question or {language: of[f"question.{protocol.name}"] for language, of in said.items()}
    asked = "; ".join(f"[{language}] “{text}”" for language, text in question.items())
    labels = facts.get("scale_labels") or _labels(protocol, said[study.languages[0]])
    low, high = protocol.value_range
    steps = "in steps of 1" if study.protocol not in SLIDER_PROTOCOLS else "continuous"
    scale = f"Scale: {low:g} to {high:g}, {steps}."
    if study.protocol in PAIR_PROTOCOLS - {"ccr"}:
        scale = f"Answers: {len(protocol.scale)}, exactly one to be chosen."
    shown = f" Labels, best first: {'; '.join(map(str, labels))}." if labels else ""
    origin = "the study's own wording" if study.question else "the standard wording of the interface"
    return [
        f"Listeners did {protocol.standard}.",
        f"The question was {origin}" + (f": {asked}." if asked else "."),
        scale + shown,
    ]


def _stimuli(study: Study, facts: Mapping[str, Any]) -> list[str]:
    level = study.level.policy
    levels = (
        "Levels were left as they are."
        if LEVELS[level] is None
        else f"Every stimulus was set to {_signed(study.level.target or 0.0)} {UNITS[level]} once, before the study "
        "opened; none clips."
    )
    set_by = "Listeners set a comfortable volume before the first trial." if study.screening.level else ""
    held = f"An answer counted once {study.listening.coverage:.0%} of every stimulus had been played, as the server checked."
    cut = f"Stimuli longer than {study.listening.max_s:g} s were cut at a pause, alike for all systems."
    about = str(facts.get("stimuli") or "")
    return [about, f"{levels} {set_by}".strip(), f"{held} {cut}"]


def _labels(protocol: Protocol, said: Mapping[str, str]) -> list[str]:
    """The scale's labels in the study's first language, with the number that each stands for."""
    if protocol.name in SLIDER_PROTOCOLS:
        return [f"{low} to {high} {said[key]}" for low, high, key in BANDS]
    return [f"{value} {said[key]}" if isinstance(value, int) else said[key] for value, key in protocol.scale]


def _signed(value: float) -> str:
    return f"{value:g}".replace("-", "−")


def _design(study: Study, counts: Mapping[str, int]) -> list[str]:
    again = (
        "could hear a sentence in several conditions" if study.design.repeat_sentences else "heard no sentence twice"
    )
    if study.protocol in SLIDER_PROTOCOLS:
        again = "rated all systems of a sentence on one screen"
    order = " Both orders of a pair were shown equally often." if study.protocol in PAIR_PROTOCOLS else ""
    training = (
        f" {study.screening.training} training trials spanning the range came first."
        if study.screening.training
        else ""
    )
    return [
        f"{len(study.systems)} systems and {counts['sentences']} sentences were crossed with listeners by seeded Latin "
        f"squares; a listener {again}.{order}{training} {counts['trials']} trials with {counts['ratings']} ratings are "
        "analysed."
    ]


def _listeners(
    study: Study, facts: Mapping[str, Any], counts: Mapping[str, int], sessions: pandas.DataFrame | None
) -> list[str]:
    recruited = facts.get("recruitment") or study.recruitment
    how = f"Recruitment: {recruited}" if recruited else f"{NOT_NOTED} how listeners were recruited or paid; add it"
    simulated = (
        "These listeners are simulated: the numbers test the method and say nothing of the systems. "
        if study.simulated
        else ""
    )
    took = ""
    if sessions is not None and "minutes" in sessions and sessions["minutes"].notna().any():
        took = f" A session took {sessions['minutes'].median():.0f} min (median)."
    return [
        f"{simulated}{counts['listeners_before']} people took part, {counts['listeners']} are analysed. "
        f"{how.rstrip('.')}.{took}",
        f"The interface was offered in {', '.join(study.languages)}.",
    ]


def _exclusion(study: Study, done: Exclusions) -> list[str]:
    checks = {"woods": "Woods et al. (2017)", "milne": "Milne et al. (2021)"}
    heard = " and ".join(checks[name] for name in study.screening.headphones)
    first = f"Headphones were checked after {heard}, six rounds each." if heard else "Headphones were not checked."
    mixed = [
        f"{count} {name}"
        for name, count in (("traps", study.screening.traps), ("repeated trials", study.screening.repeats),
                            ("identical pairs", study.screening.identical))
        if count
    ]  # fmt: skip
    second = f" Each session held {', '.join(mixed)}." if mixed else ""
    if not done.outcomes:
        return [first + second, "No exclusion rule was registered; nobody was excluded."]
    rules = "; ".join(f"{of.says} ({len(of.removed)})" for of in done.outcomes)
    return [
        first + second,
        "Exclusion rules were fixed before the first rating and applied to whole listeners, in this order, with the number "
        f"that each removed: {rules}. Results before and after every rule are given.",
    ]


def _statistics(study: Study, claim: str) -> list[str]:
    whom = (
        "other listeners and other sentences of the same kinds"
        if claim == BOTH
        else "other listeners, of these very sentences"
    )
    said = [
        "Means and differences have 95 % intervals from the variance of crossed listeners and sentences (method of moments, "
        f"Satterthwaite's t); the claim is about {whom}. Ratings are never taken as independent, since one listener's and one "
        "sentence's go together. Other statistics have percentile intervals of the two-way (pigeonhole) bootstrap.",
        "Scores depend on which systems are in a test, so they are not to be compared with those of another one.",
    ]
    if study.protocol in ABX_PROTOCOLS:
        said.insert(
            1, "ABX: one-sided exact binomial test against guessing; d' by the differencing model, bias taken out."
        )
    elif study.protocol == "same-different":
        said.insert(1, "Same-different: d' by the differencing model; false alarms from the pairs that were the same.")
    elif study.protocol == "ab":
        said.insert(1, "Preferences: Bradley-Terry model with Davidson's ties; abilities are log odds, of mean 0.")
    elif study.protocol in SLIDER_PROTOCOLS:
        said.insert(
            1,
            "Medians and quartiles are over ratings; Friedman's test takes a listener's mean of each system as one value.",
        )
    if study.protocol not in PAIR_PROTOCOLS:
        said.insert(1, "p values of pairwise differences are corrected by Holm's method over all pairs shown.")
        said.append(_beside(study))
    else:
        said.insert(1, "p values are corrected by Holm's method over all pairs.")
    if study.analysis.margin is not None and (study.protocol == "ccr" or study.protocol not in PAIR_PROTOCOLS):
        said.append(
            f"Equivalence within the margin of {study.analysis.margin:g} points, registered before the first rating: two "
            "one-sided tests at 0.05 (Schuirmann, 1987), corrected by Holm's method over all pairs."
        )
    return said


def _beside(study: Study) -> str:
    """What stands beside the differences and decides nothing."""
    said = (
        "Beside them stand a sign-flip permutation test over listeners, which speaks of these sentences alone, and the paired "
        "d of the listeners' own differences"
    )
    if study.protocol == "seam-locating":
        return f"{said}."
    return (
        f"{said}, the probability that a rating of one system is above one of the other, and, as a check, a linear mixed model "
        "(REML) with random effects of listeners and sentences."
    )


def _identity(study: Study, facts: Mapping[str, Any]) -> list[str]:
    opened = f"; it opened {facts['opened']}" if facts.get("opened") else ""
    digest = str(facts.get("hash") or study.hash())
    version = f" Analysed with StreamFlow Harness {facts['version']}." if facts.get("version") else ""
    return [f"Study {digest[:16]} (hash of the study file and all stimuli){opened}; seed {study.seed}.{version}"]
