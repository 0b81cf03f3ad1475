"""What holds for every protocol."""

from __future__ import annotations

import json

import numpy as np
import pytest

from listening_tests.errors import AnswerError, StudyError
from listening_tests.protocols import NEEDS, REGISTRY, get_protocol, text_keys

SYSTEMS = ("full", "naive", "streamflow-sr")
MALFORMED = [
    {}, [], None, {"value": True}, {"value": "5"}, {"value": 4.0}, {"value": 9}, {"value": [3]}, {"choice": "C"},
    {"choice": None}, {"choice": {}}, {"values": [1]}, {"values": {}}, {"presses": "12"}, {"presses": [-1]},
    {"presses": [float("nan")]},
]  # fmt: skip
VIEWS = {"scale", "pair", "abx", "same-different", "sliders", "seams"}


def test_registry_has_the_protocols_of_the_field():
    assert set(REGISTRY) == {
        "acr-naturalness", "acr-quality", "similarity-mos", "dcr", "ccr", "ab", "abx", "same-different", "mushra",
        "multi-stimulus", "arrival-replay", "seam-locating", "abx-offline",
    }  # fmt: skip


def test_an_unknown_protocol_is_refused_with_the_nearest_name():
    with pytest.raises(StudyError, match="did you mean 'mushra'"):
        get_protocol("mushr")


@pytest.mark.parametrize("name", REGISTRY)
def test_what_a_protocol_says_of_itself(name):
    protocol = get_protocol(name)
    assert protocol.name == name
    assert protocol.view in VIEWS
    assert protocol.needs <= NEEDS
    assert protocol.standard
    assert protocol.value_range[0] < protocol.value_range[1]
    assert f"question.{name}" in protocol.text_keys() <= text_keys()


def good_answer(step):
    """Any answer that the view allows."""
    if step.view in ("scale", "pair"):
        return {"value": step.public["scale"][0]["value"]} if step.protocol != "ab" else {"choice": "same"}
    if step.view in ("abx", "same-different"):
        return {"choice": step.public["scale"][0]["value"]}
    if step.view == "seams":
        return {"presses": [0.5]}
    return {"values": {label: 50 for label in step.sources if label != "reference"}}


@pytest.mark.parametrize("name", REGISTRY)
def test_every_condition_in_every_variant_gives_a_trial_that_can_be_rated(make_study, stimuli, name):
    protocol, study, rng = get_protocol(name), make_study(name), np.random.default_rng(0)
    for condition in protocol.conditions(study.systems, study):
        for variant in range(protocol.variants):
            step = protocol.arrange(study, stimuli, "utterance-0", condition, variant, rng)
            assert set(step.secret) == {"role", "sentence", "condition", "variant", "systems", "key"}
            assert step.secret["systems"].keys() == step.sources.keys()
            for label, source in step.sources.items():
                clip = stimuli.stimuli[source.removeprefix("clip:")]
                assert (clip.system, clip.sentence) == (step.secret["systems"][label], "utterance-0")
            answer = good_answer(step)
            protocol.check(step, answer)
            low, high = protocol.value_range
            rows = protocol.ratings(step, answer)
            assert rows and all(low <= row.value <= high and row.label in step.sources for row in rows)
            json.dumps(step.table())


@pytest.mark.parametrize("name", REGISTRY)
@pytest.mark.parametrize("answer", MALFORMED)
def test_malformed_answers_are_refused(make_study, stimuli, name, answer):
    protocol, study = get_protocol(name), make_study(name)
    condition = protocol.conditions(study.systems, study)[0]
    step = protocol.arrange(study, stimuli, "utterance-0", condition, 0, np.random.default_rng(0))
    with pytest.raises(AnswerError) as caught:
        protocol.check(step, answer)
    message = str(caught.value)
    assert "\n" not in message
    assert not [name for name in (*SYSTEMS, "utterance") if name in message]


@pytest.mark.parametrize("name", REGISTRY)
def test_an_answer_with_something_more_is_refused(make_study, stimuli, name):
    protocol, study = get_protocol(name), make_study(name)
    condition = protocol.conditions(study.systems, study)[0]
    step = protocol.arrange(study, stimuli, "utterance-0", condition, 0, np.random.default_rng(0))
    with pytest.raises(AnswerError, match="exactly"):
        protocol.check(step, {**good_answer(step), "more": 1})


@pytest.mark.parametrize("name", REGISTRY)
def test_beeps_are_an_answer_only_where_the_study_has_traps(make_study, stimuli, name):
    protocol, rng = get_protocol(name), np.random.default_rng(0)
    for traps in (0, 1):
        study = make_study(name, screening={"traps": traps})
        condition = protocol.conditions(study.systems, study)[0]
        step = protocol.arrange(study, stimuli, "utterance-0", condition, 0, rng)
        assert step.public["beeps"] is bool(traps)
        if not traps:
            with pytest.raises(AnswerError, match="not about beeps"):
                protocol.check(step, {"beeps": 3})
            continue
        protocol.check(step, {"beeps": 3})
        assert protocol.ratings(step, {"beeps": 3}) == []  # there were none: nothing is rated
        for wrong in (0, 6, 2.0, True, "3", None):
            with pytest.raises(AnswerError, match="1 to 5"):
                protocol.check(step, {"beeps": wrong})


def test_a_missing_clip_is_named(make_study, stimuli):
    with pytest.raises(StudyError, match="sentence 'utterance-9' has no clip of 'naive'"):
        get_protocol("ab").arrange(
            make_study("ab"), stimuli, "utterance-9", ("naive", "full"), 0, np.random.default_rng(0)
        )


def test_the_study_s_own_question_goes_to_the_page(arrange):
    assert "question" not in arrange("ab", ("full", "naive")).public
    assert arrange("ab", ("full", "naive"), question={"en": "Which is warmer?"}).public["question"] == {
        "en": "Which is warmer?"
    }
