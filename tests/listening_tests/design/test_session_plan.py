"""A whole session: its steps, what is mixed in, and what the page may see."""

from __future__ import annotations

import json
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from listening_tests.design import plan_session, plan_slot
from listening_tests.design.mixing import place_specials
from listening_tests.errors import StudyError
from listening_tests.model import Step
from listening_tests.protocols import REGISTRY, get_protocol
from listening_tests.stimuli.headphones import headphone_round
from listening_tests.study import Screening

SYSTEMS = ("full", "naive", "streamflow-sr")
PAIRS = [name for name, protocol in REGISTRY.items() if protocol.catches_identical]


@pytest.fixture(scope="module")
def stimuli(make_set):
    return make_set(SYSTEMS, 8, training=2, traps=3, sounds=True)


@pytest.fixture
def everything(make_study):
    """A study of a protocol with all that a session can hold."""

    def make(protocol, **more):
        screening = {
            "headphones": ("woods", "milne"), "level": True, "training": 2, "traps": 2, "repeats": 2,
            "identical": int(protocol in PAIRS),
        }  # fmt: skip
        return make_study(
            protocol,
            SYSTEMS,
            design={"trials": 7},
            screening=screening,
            questions=("age_group",),
            break_every=4,
            **more,
        )

    return make


def trials(steps):
    return [step for step in steps if step.kind == "trial"]


@pytest.mark.parametrize("protocol", REGISTRY)
def test_a_session_has_its_parts_in_order(everything, stimuli, protocol):
    steps = plan_session(everything(protocol), stimuli, 0, "session-1")
    kinds = [step.kind for step in steps]
    assert kinds[:3] == ["consent", "questions", "level"]
    assert kinds[3:15] == ["headphones"] * 12
    assert kinds[15:17] == ["training"] * 2
    assert set(kinds[17:-1]) == {"trial", "break"}
    assert kinds[-1] == "comments"
    assert {step.protocol for step in steps[15:-1] if step.kind != "break"} == {protocol}
    roles = [step.secret["role"] for step in trials(steps)]
    assert (roles.count("main"), roles.count("trap"), roles.count("repeat")) == (7, 2, 2)
    assert roles.count("identical") == (protocol in PAIRS)


@pytest.mark.parametrize("protocol", REGISTRY)
def test_the_main_trials_are_those_of_the_slot_in_its_order(everything, stimuli, protocol):
    study = everything(protocol)
    main = [step for step in plan_session(study, stimuli, 3, 1) if step.secret.get("role") == "main"]
    planned = [(step.secret["sentence"], tuple(step.secret["condition"]), step.secret["variant"]) for step in main]
    assert planned == plan_slot(study, stimuli, 3)


@pytest.mark.parametrize("protocol", REGISTRY)
def test_steps_survive_json_and_come_out_the_same_for_the_same_seed(everything, stimuli, protocol):
    study = everything(protocol)
    steps = plan_session(study, stimuli, 2, "s")
    assert steps == plan_session(study, stimuli, 2, "s")
    back = [Step.from_table(json.loads(json.dumps(step.table()))) for step in steps]
    assert [step.table() for step in back] == [step.table() for step in steps]
    assert [list(step.sources) for step in back] == [list(step.sources) for step in steps]


def test_another_session_in_the_same_slot_has_other_keys(everything, stimuli):
    study = everything("mushra")
    one, two = (plan_session(study, stimuli, 2, seed) for seed in ("one", "two"))
    assert [s.secret.get("answer") for s in one] != [s.secret.get("answer") for s in two]
    assert [s.secret.get("systems") for s in one] != [s.secret.get("systems") for s in two]


@pytest.mark.parametrize("protocol", REGISTRY)
def test_nothing_public_names_a_system_a_sentence_a_clip_or_a_role(everything, stimuli, protocol):
    study = everything(protocol, question={"en": "How is it?"})
    secrets = {*study.systems, "anchor", "utterance", "training-", *stimuli.stimuli, "trap", "identical", "repeat"}
    for step in plan_session(study, stimuli, 1, 5):
        shown = json.dumps([step.public, list(step.sources), step.view])
        assert not [secret for secret in secrets if secret in shown]


@pytest.mark.parametrize("protocol", REGISTRY)
def test_special_trials_look_like_main_trials(everything, stimuli, protocol):
    """Also their labels: a trap that showed other labels, texts or lengths would give itself away."""
    steps = trials(plan_session(everything(protocol), stimuli, 1, 5))
    shown = {json.dumps([step.public, list(step.sources), step.kind, step.view]) for step in steps}
    assert len(shown) == 1
    assert len({step.seconds for step in steps}) == 1


@pytest.mark.parametrize("protocol", REGISTRY)
def test_traps_play_the_trap_and_know_its_beeps(everything, stimuli, protocol):
    for step in trials(plan_session(everything(protocol), stimuli, 0, 3)):
        if step.secret["role"] != "trap":
            continue
        key = step.secret["key"]
        trap = stimuli.stimuli[step.sources[key["trap"]].removeprefix("clip:")]
        assert (trap.role, trap.key["beeps"]) == ("trap", key["beeps"])
        check, ratings = get_protocol(protocol).check, get_protocol(protocol).ratings
        check(step, {"beeps": key["beeps"]})
        assert [row.value for row in ratings(step, {"beeps": key["beeps"]})] == [1.0]
        assert [row.value for row in ratings(step, {"beeps": key["beeps"] % 5 + 1})] == [0.0]


def test_repeats_ask_an_earlier_trial_again(everything, stimuli):
    steps = plan_session(everything("ab"), stimuli, 0, 3)
    repeats = [(index, step) for index, step in enumerate(steps) if step.secret.get("role") == "repeat"]
    assert len(repeats) == 2
    for index, step in repeats:
        original = steps[step.secret["key"]["repeats"]]
        assert original.secret["role"] == "main"
        assert original.sources == step.sources
        assert step.secret["key"]["repeats"] < index - 1


@pytest.mark.parametrize("protocol", PAIRS)
def test_identical_pairs_play_one_clip_under_both_labels(everything, stimuli, protocol):
    steps = plan_session(everything(protocol), stimuli, 0, 3)
    (step,) = [step for step in steps if step.secret.get("role") == "identical"]
    assert len(step.sources) == 2
    assert len(set(step.sources.values())) == len(set(step.secret["systems"].values())) == 1


def test_headphone_steps_know_the_right_interval(everything, stimuli):
    steps = [step for step in plan_session(everything("ab"), stimuli, 0, 3) if step.kind == "headphones"]
    for number, step in enumerate(steps):
        check, seed, round_number, _ = step.sources["1"].split(":")
        assert (check, int(round_number)) == (("woods", "milne")[number // 6], number % 6)
        right = headphone_round(check, seed, number % 6).answer
        assert step.sources[step.secret["answer"]] == f"{check}:{seed}:{number % 6}:{right}"
        assert step.secret["check"] == check


def test_breaks_come_after_so_many_trials_and_not_at_the_end(everything, stimuli):
    steps = plan_session(everything("mushra"), stimuli, 0, 3)
    done = 0
    for step, following in pairwise(steps):
        done += step.kind == "trial"
        if step.kind == "break":
            assert following.kind == "trial"
            assert done % 4 == 0
            assert step.public["done"] == done
            assert step.public["of"] == len(trials(steps)) == 11
    assert [step.kind for step in steps].count("break") == 2


def test_training_uses_what_is_kept_for_it_and_then_unheard_sentences(make_study, stimuli):
    study = make_study("acr-quality", SYSTEMS, design={"trials": 6}, screening={"training": 5})
    steps = plan_session(study, stimuli, 0, 1)
    training = [step.secret for step in steps if step.kind == "training"]
    assert [(one["sentence"], one["condition"][0]) for one in training[:4]] == [
        ("training-0", "full"), ("training-1", "full"), ("training-0", "streamflow-sr"), ("training-1", "streamflow-sr"),
    ]  # fmt: skip
    rated = {step.secret["sentence"] for step in steps if step.kind == "trial"}
    assert training[4]["sentence"] not in rated
    assert {one["role"] for one in training} == {"training"}


def test_training_in_pairs_compares_both_ends_of_the_range(make_study, stimuli):
    steps = plan_session(make_study("ccr", SYSTEMS, screening={"training": 2}), stimuli, 0, 1)
    training = [step.secret for step in steps if step.kind == "training"]
    assert [one["sentence"] for one in training] == ["training-0", "training-1"]
    assert {tuple(one["condition"]) for one in training} == {("full", "streamflow-sr")}


@settings(max_examples=300, deadline=None)
@given(
    traps=st.integers(0, 4), repeats=st.integers(0, 4), identical=st.integers(0, 3), spare=st.integers(0, 12),
    seed=st.integers(0, 2**30),
)  # fmt: skip
def test_specials_are_never_first_never_adjacent_and_repeats_never_at_once(traps, repeats, identical, spare, seed):
    screening = Screening(traps=traps, repeats=repeats, identical=identical)
    number = traps + repeats + identical + (1 if repeats else 0) + spare
    specials = place_specials(screening, number, np.random.default_rng(seed))
    assert sorted(special.role for special in specials) == sorted(
        ["trap"] * traps + ["repeat"] * repeats + ["identical"] * identical
    )
    gaps = [special.gap for special in specials]
    assert gaps == sorted(set(gaps))
    assert all(1 <= gap <= number for gap in gaps)
    originals = [special.repeats for special in specials if special.role == "repeat"]
    assert len(set(originals)) == len(originals)
    assert all(0 <= special.repeats <= special.gap - 2 for special in specials if special.role == "repeat")


def test_too_many_specials_are_refused(make_study, stimuli):
    study = make_study("ab", SYSTEMS, design={"trials": 3}, screening={"traps": 2, "repeats": 1})
    with pytest.raises(StudyError, match="at most 2 can be kept apart"):
        plan_session(study, stimuli, 0, 1)


def test_identical_pairs_of_a_protocol_without_pairs_are_refused(make_study, stimuli):
    study = make_study("acr-quality", SYSTEMS, screening={"identical": 1})
    with pytest.raises(StudyError, match="acr-quality has no identical pairs"):
        plan_session(study, stimuli, 0, 1)


def test_traps_that_are_not_there_are_missed_by_name(make_study, make_set):
    study = make_study("ab", SYSTEMS, screening={"traps": 1})
    with pytest.raises(StudyError, match=r"stimuli\.json has no trap"):
        plan_session(study, make_set(SYSTEMS, 4), 0, 1)


def test_consent_tells_the_expected_minutes(everything, stimuli):
    steps = plan_session(everything("mushra"), stimuli, 0, 1)
    expected = sum(step.seconds for step in steps[1:]) / 60
    assert expected <= steps[0].public["minutes"] < expected + 1
    assert steps[0].public["beeps"] is True
