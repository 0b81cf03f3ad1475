"""Exact balance, proven over all small designs that hypothesis finds."""

from __future__ import annotations

import heapq
import json
import subprocess
import sys
from collections import Counter
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from listening_tests.design import block_size, check_design, counts, plan_slot, trials_of
from listening_tests.design.latin import carry_over, places
from listening_tests.errors import StudyError
from listening_tests.protocols import get_protocol

PROTOCOLS = ("acr-quality", "dcr", "ab", "ccr", "abx", "same-different", "mushra", "seam-locating")
some = settings(max_examples=60, deadline=None)


@st.composite
def designs(draw, repeat=False):
    protocol = draw(st.sampled_from(PROTOCOLS))
    systems = tuple(f"system-{index}" for index in range(draw(st.integers(2, 5))))
    sentences = draw(st.integers(1, 11))
    trials = draw(st.integers(1, sentences))
    pairs = draw(st.sampled_from(("all", "reference")))
    design = {"trials": draw(st.sampled_from((trials, None))), "pairs": pairs}
    return protocol, systems, sentences, design, draw(st.integers(0, 2**40))


def planned(make_set, make_study, drawn):
    protocol, systems, sentences, design, seed = drawn
    return make_study(protocol, systems, design=design, seed=seed), make_set(systems, sentences)


@some
@given(drawn=designs())
def test_a_block_of_slots_has_every_sentence_condition_and_variant_equally_often(make_set, make_study, drawn):
    study, stimuli = planned(make_set, make_study, drawn)
    block = block_size(study, stimuli)
    table = counts(study, stimuli, block)["trials"]
    conditions = get_protocol(study.protocol).conditions(study.systems, study)
    assert len(table) == len(stimuli.sentences) * len(conditions) * get_protocol(study.protocol).variants
    assert table.nunique() == 1
    assert table.sum() == block * trials_of(study, stimuli)


@some
@given(drawn=designs(), listeners=st.integers(1, 40))
def test_any_number_of_first_slots_is_within_one_of_balance(make_set, make_study, drawn, listeners):
    study, stimuli = planned(make_set, make_study, drawn)
    table = counts(study, stimuli, listeners)
    assert table["trials"].max() - table["trials"].min() <= 1
    by_condition = table.groupby(["sentence", "condition"])["trials"].sum()
    assert by_condition.max() - by_condition.min() <= 1


@some
@given(drawn=designs(), slot=st.integers(0, 500))
def test_no_listener_hears_a_sentence_twice_and_conditions_are_spread(make_set, make_study, drawn, slot):
    study, stimuli = planned(make_set, make_study, drawn)
    plan = plan_slot(study, stimuli, slot)
    assert len(plan) == len({sentence for sentence, _, _ in plan}) == trials_of(study, stimuli)
    heard = Counter(condition for _, condition, _ in plan)
    conditions = get_protocol(study.protocol).conditions(study.systems, study)
    spread = [heard[condition] for condition in conditions]
    assert max(spread) - min(spread) <= (1 if len(plan) == len(stimuli.sentences) else 2)


@some
@given(drawn=designs(), factor=st.floats(0, 1), slots=st.integers(1, 6))
def test_sentences_may_come_again_but_never_the_same_trial(make_set, make_study, drawn, factor, slots):
    protocol, systems, sentences, design, seed = drawn
    bare = make_study(protocol, systems, design={**design, "trials": None})
    most = sentences * len(get_protocol(protocol).conditions(systems, bare)) * get_protocol(protocol).variants
    trials = sentences + int(factor * (most - sentences))
    study = make_study(protocol, systems, design={**design, "trials": trials, "repeat_sentences": True}, seed=seed)
    stimuli = make_set(systems, sentences)
    for slot in range(slots):
        plan = plan_slot(study, stimuli, slot)
        assert len(set(plan)) == len(plan) == trials
    table = counts(study, stimuli, slots)["trials"]
    assert table.max() - table.min() <= 1


def test_repeated_sentences_are_not_heard_one_after_the_other(make_set, make_study):
    study = make_study("acr-quality", tuple("abcd"), design={"trials": 24, "repeat_sentences": True, "listeners": 8})
    stimuli = make_set(tuple("abcd"), 6)
    for slot in range(8):
        heard = [sentence for sentence, _, _ in plan_slot(study, stimuli, slot)]
        assert all(one != following for one, following in pairwise(heard))


@pytest.mark.parametrize("systems", [2, 4, 6, 3, 5])
@pytest.mark.parametrize("runs", [1, 2, 3])
def test_places_and_carry_over_are_balanced_between_listeners(make_set, make_study, systems, runs):
    """Each condition takes each place equally often, and follows each other one as often as the joints allow."""
    names = tuple(f"s{index}" for index in range(systems))
    study, stimuli = make_study("acr-quality", names, seed=5), make_set(names, runs * systems)
    listeners = systems if systems % 2 == 0 else 2 * systems
    order = np.array(
        [
            [names.index(condition[0]) for _, condition, _ in plan_slot(study, stimuli, slot)]
            for slot in range(listeners)
        ]
    )
    assert (places(order, systems) == listeners // systems).all()
    follows = carry_over(order, systems)
    assert (np.diag(follows) == 0).all()
    others = follows[~np.eye(systems, dtype=bool)]
    exact = runs == 1 or (runs - 1) % (systems - 1) == 0
    assert others.max() - others.min() <= (0 if exact else listeners // systems)


@pytest.mark.parametrize("protocol", ["ab", "ccr"])
def test_both_orders_of_each_pair_come_equally_often(make_set, make_study, protocol):
    systems = ("full", "naive", "overlap")
    study, stimuli = make_study(protocol, systems), make_set(systems, 6)
    table = counts(study, stimuli, block_size(study, stimuli))
    assert block_size(study, stimuli) == 6
    assert table.groupby(["condition", "variant"])["trials"].sum().tolist() == [6] * 6


def test_order_and_place_of_x_are_crossed(abx_steps):
    steps = abx_steps
    shown = Counter(
        (
            tuple(step.secret["condition"]),
            step.secret["systems"]["A"] == step.secret["condition"][0],
            step.secret["key"]["x"],
        )
        for step in steps
    )
    assert len(shown) == 3 * 4
    assert set(shown.values()) == {len(steps) // 12}


@pytest.fixture
def abx_steps(make_set, make_study):
    systems = ("full", "naive", "overlap")
    study, stimuli = make_study("abx", systems), make_set(systems, 6)
    protocol, rng = get_protocol("abx"), np.random.default_rng(0)
    plans = [plan_slot(study, stimuli, slot) for slot in range(block_size(study, stimuli))]
    return [protocol.arrange(study, stimuli, *cell, rng) for plan in plans for cell in plan]


def test_one_listener_meets_both_orders(make_set, make_study):
    systems = ("full", "naive", "overlap")
    study, stimuli = make_study("ab", systems), make_set(systems, 12)
    for slot in range(6):
        variants = Counter(variant for _, _, variant in plan_slot(study, stimuli, slot))
        assert variants[0] == variants[1] == 6


def test_one_listener_meets_both_orders_also_with_fewer_trials_than_pairs(make_set, make_study):
    systems = tuple("abcdef")
    study, stimuli = make_study("ab", systems), make_set(systems, 10)  # 15 pairs
    for slot in range(30):
        variants = Counter(variant for _, _, variant in plan_slot(study, stimuli, slot))
        assert abs(variants[0] - variants[1]) <= 4


@some
@given(drawn=designs(), chance=st.floats(0.05, 0.7), seed=st.integers(0, 2**20))
def test_completed_data_are_balanced_when_listeners_drop_out(make_set, make_study, drawn, chance, seed):
    """The lowest free slot goes to who comes next; who gives up returns it; the study ends when all slots are complete."""
    study, stimuli = planned(make_set, make_study, drawn)
    slots = min(block_size(study, stimuli), 30)
    rng = np.random.default_rng(seed)
    free, held, completed = list(range(slots)), [], {}
    while len(completed) < slots:
        if free and (not held or rng.random() < 0.6):
            held.append(heapq.heappop(free))
            continue
        slot = held.pop(rng.integers(len(held)))
        if rng.random() < chance:
            heapq.heappush(free, slot)
        else:
            completed[slot] = plan_slot(study, stimuli, slot)
    heard = Counter(cell for plan in completed.values() for cell in plan)
    expected = counts(study, stimuli, slots)
    assert sum(heard.values()) == expected["trials"].sum()
    if slots == block_size(study, stimuli):
        assert len(set(heard.values())) == 1 and len(heard) == len(expected)


def test_counts_of_some_slots_are_those_of_these_slots(make_set, make_study):
    systems = ("full", "naive")
    study, stimuli = make_study("acr-quality", systems), make_set(systems, 4, training=2)
    table = counts(study, stimuli, [0, 1, 5])
    assert table["trials"].sum() == 12
    assert not table["sentence"].str.startswith("training").any()
    assert list(table.columns) == ["sentence", "condition", "variant", "trials"]


def test_the_plan_is_the_same_in_another_process(make_set, make_study):
    systems = ("full", "naive", "overlap")
    study, stimuli = make_study("ab", systems, seed=9), make_set(systems, 5)
    code = (
        "import json, sys; from listening_tests.study import Study; from listening_tests.design import plan_slot;"
        "from listening_tests.stimuli.stimulus_set import StimulusSet;"
        "print(json.dumps(plan_slot(Study.from_table(json.loads(sys.argv[1])), StimulusSet(sys.argv[2]), 3)))"
    )
    table = json.dumps(study.table())
    found = subprocess.run(
        [sys.executable, "-c", code, table, str(stimuli.folder)], capture_output=True, check=True, text=True
    )
    assert json.loads(found.stdout) == json.loads(json.dumps(plan_slot(study, stimuli, 3)))


def test_seeds_give_other_plans(make_set, make_study):
    systems = ("full", "naive", "overlap")
    stimuli = make_set(systems, 6)
    assert plan_slot(make_study("ab", systems), stimuli, 0) != plan_slot(make_study("ab", systems, seed=1), stimuli, 0)


@pytest.mark.parametrize(
    ("design", "message"),
    [
        ({"trials": 5}, "at most 4, or design.repeat_sentences"),
        ({"trials": 17, "repeat_sentences": True}, "more than the 16 trials"),
    ],
)
def test_impossible_numbers_of_trials_are_refused(make_set, make_study, design, message):
    systems = tuple("abcd")
    with pytest.raises(StudyError, match=message):
        plan_slot(make_study("acr-quality", systems, design=design), make_set(systems, 4), 0)


def test_a_missing_clip_is_named_before_the_study_opens(make_set, make_study):
    stimuli = make_set(("full", "naive"), 3)
    check_design(make_study("mushra", ("full", "naive")), stimuli)
    with pytest.raises(StudyError, match="no clip of 'overlap'"):
        check_design(make_study("mushra", ("full", "overlap")), stimuli)


def test_a_negative_slot_is_refused(make_set, make_study):
    with pytest.raises(StudyError, match="slot = -1"):
        plan_slot(make_study("ab", ("full", "naive")), make_set(("full", "naive"), 3), -1)
