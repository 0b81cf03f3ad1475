"""The compare page's form and its permanent link say the same."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qsl

import gradio
import pytest
from hypothesis import given
from hypothesis import strategies as st

from application.pages.compare.page import ComparePage
from application.pages.compare.view_form import (
    CONTROLS,
    Chosen,
    chosen_of,
    edited,
    label_of,
    strategies,
    told_to_page,
    variant,
)
from application.site import Site
from harness.corpus import SHIPPED, load_corpus
from harness.live.errors import ViewError
from harness.live.parameters import CHOICE, SWITCH, WHOLE, parameters_of
from harness.live.view import system_of

UTTERANCES = load_corpus(SHIPPED).utterances
IDS = [one.utterance_id for one in UTTERANCES]


@st.composite
def chosen(draw: Any) -> Chosen:
    ticked = tuple(draw(st.lists(st.sampled_from(strategies()), min_size=1, unique=True)))
    utterance, seed = draw(st.sampled_from(IDS)), draw(st.integers(0, 2**31 - 1))
    rate = draw(st.sampled_from([None, 0.0, 25.0, 50.0, 37.5]))
    return Chosen(utterance, None, "small", seed, rate, ticked, tuple(dict.fromkeys([*strategies(), *ticked])))


@given(chosen())
def test_the_link_fills_the_form_in_as_it_was(before: Chosen):
    query = told_to_page(before, "view")["query"]
    assert chosen_of(parse_qsl(query, keep_blank_values=True), UTTERANCES) == before


def test_a_page_without_a_link_has_something_to_decode():
    form = chosen_of([], UTTERANCES)
    assert form.view().utterance == IDS[0]
    assert set(form.systems) <= set(form.offered)


def test_a_link_to_an_upload_keeps_an_utterance_to_return_to():
    form = chosen_of([("upload", "abc")], UTTERANCES)
    assert form.view().upload == "abc"
    assert form.utterance == IDS[0]


@pytest.mark.parametrize(
    ("query", "named"),
    [("utterance=nobody_1", "utterance"), ("seed=x", "seed"), ("system=nothing", "system"), ("rate=-3", "rate")],
)
def test_a_link_that_cannot_be_read_names_what_is_wrong(query: str, named: str):
    with pytest.raises(ViewError, match=named):
        chosen_of(parse_qsl(query, keep_blank_values=True), UTTERANCES)


@pytest.mark.parametrize("seed", [-3, 1.5, 2**31, None, "x"])
def test_a_seed_that_is_none_is_refused_by_the_view_in_one_line(site: Site, seed: Any):
    page = ComparePage(site)
    values = (IDS[0], None, "small", seed, 25.0, ["naive"])
    for what in (page.pressed(*values), page.changed(*values)):
        assert what["error"].startswith("seed=") and "give a" in what["error"]
        assert "query" not in what


def test_the_form_gives_the_seed_to_the_view_as_it_was_typed(site: Site):
    page = ComparePage(site)
    with gradio.Blocks():
        page.draw()
    for typed in (-3, 1.5, 2**31):
        assert page.seed.preprocess(typed) == typed
    assert "seed=7&" in page.pressed(IDS[0], None, "small", page.seed.preprocess(7), 25.0, ["naive"])["query"]


def test_nothing_ticked_is_said_in_one_line():
    form = Chosen(IDS[0], None, "small", 0, 25.0, (), strategies())
    assert "tick at least one" in told_to_page(form, "decode")["error"]


def test_every_system_and_ceiling_has_a_colour_of_its_own():
    form = Chosen(IDS[0], None, "small", 0, 25.0, ("naive", "fast:naive,nfe=2"), strategies())
    looks = told_to_page(form, "view")["looks"]
    assert set(looks) == {"naive", "fast", *CONTROLS}
    assert len({look["slot"] for look in looks.values()}) == len(looks)


@st.composite
def turned(draw: Any) -> tuple[str, dict[str, Any]]:
    """A strategy, and a value for each of its parameters but those of the schedule, which depend on one another."""
    strategy, values = draw(st.sampled_from(strategies())), {}
    for name, (parameter, default) in parameters_of(strategy).items():
        if parameter.kind == SWITCH:
            values[name] = draw(st.booleans())
        elif parameter.kind == WHOLE and name != "nfe":
            steps = draw(st.integers(0, int((parameter.high - parameter.low) // parameter.step)))
            values[name] = int(parameter.low + steps * parameter.step)
        else:
            values[name] = default if parameter.kind != CHOICE else draw(st.just(default))
    return strategy, values


@given(turned())
def test_the_editor_makes_the_system_that_its_sliders_say(made: tuple[str, dict[str, Any]]):
    strategy, values = made
    spec = system_of(variant("mine", strategy, values))
    resolved = {name: default for name, (_, default) in parameters_of(strategy).items()} | dict(spec.parameters)
    assert (spec.name, spec.strategy) == ("mine", strategy)
    assert resolved == values
    assert dict(edited(strategy, values).parameters) == dict(spec.parameters)


def test_a_variant_without_a_name_is_named_after_what_was_changed():
    assert variant("", "naive", {"nfe": 2, "fresh_noise": False}).partition(":")[0] == "naive-nfe2-freshnoiseFalse"
    assert label_of("fast:naive,nfe=2") == "fast – naive with nfe 2"
