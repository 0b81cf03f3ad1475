"""A view is the same after a trip through a link or JSON, and a wrong link says which key is wrong."""

from __future__ import annotations

from urllib.parse import parse_qsl, urlencode

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.live.errors import ViewError
from harness.live.parameters import CHOICE, LAYERS, SWITCH, WHOLE, parameters_of
from harness.live.view import View, system_of, system_text
from harness.systems import SystemSpec
from streamflow.strategies import STRATEGIES

SOLVERS_OF = {1: ["euler"], 2: ["euler", "midpoint", "heun"], 4: ["euler", "midpoint", "heun", "rk4"]}
names = st.text("abcdefghijklmnopqrstuvwxyzÄ0123456789-_.+=() ", min_size=1, max_size=12).filter(
    lambda name: name[0] not in ". " and name[-1] != " " and name not in ("reference", *STRATEGIES)
)


@st.composite
def specs(draw) -> SystemSpec:
    strategy = draw(st.sampled_from(sorted(STRATEGIES)))
    chosen = {}
    for name, (parameter, default) in parameters_of(strategy).items():
        if not draw(st.booleans()) or name == "solver":
            continue
        if default is None and draw(st.booleans()):
            chosen[name] = None
        elif parameter.kind == CHOICE:
            chosen[name] = draw(st.sampled_from(parameter.choices))
        elif parameter.kind == LAYERS:
            chosen[name] = draw(st.sampled_from(["trained", "no", "0", "0+7"]))
        elif parameter.kind == SWITCH:
            chosen[name] = draw(st.booleans())
        elif parameter.kind == WHOLE:
            chosen[name] = draw(st.integers(int(parameter.low), int(parameter.high)))
        else:
            chosen[name] = draw(st.floats(parameter.low, parameter.high))
    return SystemSpec(draw(st.one_of(st.just(strategy), names)), strategy, parameters=chosen)


views = st.builds(
    View,
    st.lists(specs(), max_size=5, unique_by=lambda spec: spec.name).map(tuple),
    utterance=st.sampled_from(["flite_awb_1", "ä b&c=d;e", "x+y%20"]),
    checkpoint=st.sampled_from(["small", "my checkpoint+1"]),
    seed=st.integers(0, 2**31 - 1),
    tokens_per_second=st.one_of(st.none(), st.just(0.0), st.floats(5, 200)),
)


@settings(max_examples=60, deadline=None)
@given(view=views)
def test_a_view_survives_its_link_and_its_table(view):
    through_a_browser = parse_qsl(urlencode(view.to_query()), keep_blank_values=True)
    assert View.from_query(through_a_browser) == view
    assert View.from_table(view.table()) == view


def test_a_link_as_the_contract_writes_it_is_read():
    query = (
        "utterance=flite_awb_1&checkpoint=small&seed=3&rate=0&system=full&system=fast:streamflow-sr,nfe=2,hop=2&new=1"
    )
    view = View.from_query(parse_qsl(query))
    assert [spec.name for spec in view.systems] == ["full", "fast"]
    assert view.systems[1].parameters == {"nfe": 2, "hop": 2}
    assert (view.seed, view.tokens_per_second) == (3, 0)
    assert system_text(view.systems[1]) == "fast:streamflow-sr,nfe=2,hop=2"


@pytest.mark.parametrize(
    ("query", "named"),
    [
        ("system=full", "utterance: give one"),
        ("utterance=a&upload=b", "utterance: give one"),
        ("utterance=a&utterance=b", "utterance: given twice"),
        ("utterance=../../etc/passwd", "utterance='../../etc/passwd'"),
        ("utterance=a&checkpoint=/etc", "checkpoint='/etc'"),
        ("utterance=a&seed=-1", "seed=-1"),
        ("utterance=a&seed=1.5", "seed=1.5"),
        ("utterance=a&seed=inf", "seed=inf"),
        ("utterance=a&rate=1000", "rate=1000"),
        ("utterance=a&rate=nan", "rate=nan"),
        ("utterance=a&system=ful", "did you mean full"),
        ("utterance=a&system=full,hop=2", "full has no parameter 'hop'"),
        ("utterance=a&system=naive,hop=x", "hop=x: give a whole number from 1 to 8"),
        ("utterance=a&system=naive,hop=2,hop=3", "each key once"),
        ("utterance=a&system=naive,crossfade=0.3", "crossfade=0.3"),
        ("utterance=a&system=naive,guidance=nan", "guidance=nan"),
        ("utterance=a&system=naive,hop=none", "hop=none"),
        ("utterance=a&system=naive,fresh_noise=maybe", "fresh_noise=maybe"),
        ("utterance=a&system=naive,nfe=3,solver=heun", "nfe=3"),
        ("utterance=a&system=full&system=full", "given twice"),
        ("utterance=a&system=x:full,object=os:system", "runs page"),
        ("utterance=a&system=", "system="),
        ("utterance=a&system=naive:window", "system=naive: this is window, and naive is the name of another strategy"),
        ("utterance=a&system=naive:tokenizer", "system=naive: this is tokenizer"),
        ("utterance=a&system=tokenizer:full", "system=tokenizer: this is full"),
    ],
)
def test_a_wrong_link_says_what_is_wrong_in_one_line(query, named):
    with pytest.raises(ViewError) as error:
        View.from_query(parse_qsl(query, keep_blank_values=True))
    assert named in str(error.value)
    assert "\n" not in str(error.value)


def test_an_object_of_the_users_own_is_no_system_of_a_view():
    with pytest.raises(ViewError, match="runs page"):
        View((SystemSpec("mine", object="os:system"),), utterance="a")
    with pytest.raises(ViewError, match="strategy"):
        View.from_table({"utterance": "a", "systems": [{"name": "mine", "object": "os:system"}]})


@pytest.mark.parametrize("table", [[], 3, {"utterance": 3}, {"utterance": "a", "systems": "full"}, {"systems": [3]}])
def test_a_table_that_is_none_is_refused(table):
    with pytest.raises(ViewError):
        View.from_table(table)


@settings(max_examples=200, deadline=None)
@given(text=st.text(max_size=60))
def test_whatever_stands_in_a_link_is_read_or_refused_in_one_line(text):
    try:
        system_of(text)
    except ViewError as error:
        assert str(error).startswith("system=")


def test_a_variant_may_keep_its_own_strategys_name_but_take_no_other():
    assert system_of("naive:naive,hop=2").name == "naive"
    with pytest.raises(ViewError, match="choose another name"):
        View.from_table({"utterance": "a", "systems": [{"name": "naive", "strategy": "window", "hop": 2}]})
    with pytest.raises(ViewError, match="choose another name"):
        View((SystemSpec("naive", "tokenizer"),), utterance="a")
