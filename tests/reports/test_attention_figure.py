"""The attention figure says what the strategies themselves say."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reports.attention_facts import attention_of, visible
from reports.attention_figure import attention_svg
from streamflow.attention import PRESETS, preset
from streamflow.checkpoints import load_bundle
from streamflow.decoding import Plan
from streamflow.stored_weights import pattern_card
from streamflow.strategies import STRATEGIES, make_system
from streamflow.strategies.base import algorithmic_latency
from streamflow.tiny import make_tiny_bundle

LAYERS = 9


@pytest.fixture(scope="module")
def bundle():
    return load_bundle("small")


@pytest.fixture(scope="module")
def every_pattern(tmp_path_factory):
    return make_tiny_bundle(tmp_path_factory.mktemp("tiny"))


def described(name: str, *, grid: int, hop=1, back=None, ahead=None, vocoder=0) -> dict:
    window = {"grid": grid, "hop": hop, "back": back, "ahead": ahead, "cached": False}
    card = pattern_card(preset(name, LAYERS, block=grid))
    return {"strategy": name, "nfe": 4, "pattern": card, "window": window, "vocoder_future_frames": vocoder}


@pytest.mark.parametrize("name", STRATEGIES)
def test_every_strategy_is_drawn_and_its_latency_is_the_sum_of_its_parts(every_pattern, name):
    description = make_system(name, every_pattern).describe()
    attention = attention_of(description)
    figure = attention_svg(description)
    if attention is None:
        assert not figure.pictures and "no attention pattern" in figure.words[0]
        return
    said = description["algorithmic_latency_s"]
    assert (attention.latency.total / 1000 if attention.latency else None) == said
    for picture in figure.pictures:
        if picture:
            root = ElementTree.fromstring(picture)
            assert root.get("role") == "img" and len(root.get("aria-label")) > 20
    waiting = figure.words[-1]
    assert ("whole utterance" in waiting) == (said is None)
    if said is not None:
        first, _, on = waiting.replace("\u2009", "").partition(" To play without a pause: ")
        total, *parts = (int(ms) for ms in re.findall(r"(\d+) ms", first))
        assert total == sum(parts) == round(1000 * said)
        assert on == f"{round(1000 * description['pauseless_latency_s'])} ms."


@given(
    st.integers(1, 60),
    st.fixed_dictionaries({name: st.integers(low, 4) for name, low in (("hop", 1), ("back", 0), ("ahead", 0))}),
    st.integers(0, 120),
    st.sampled_from([1, 2, 3, 4, 5]),
    st.integers(0, 7),
)
def test_the_latency_is_the_strategies_own_formula(grid, reach, vocoder, frames_per_token, token_ahead):
    description = described("streamflow-sr", grid=grid, **reach, vocoder=vocoder)
    description["window"]["token_ahead"] = token_ahead
    description |= {} if frames_per_token == 4 else {"tokens_per_second": 100 / frames_per_token}
    pattern, rate = preset("streamflow-sr", LAYERS, block=grid), {"frames_per_token": frames_per_token}
    plan = Plan("streamflow-sr", pattern, grid, **reach, token_ahead=token_ahead, **rate)
    assert attention_of(description).latency.total / 1000 == pytest.approx(algorithmic_latency(plan, vocoder))


@given(st.integers(4, 60), st.integers(1, 4), st.floats(0, 0.2), st.integers(0, 120))
def test_what_a_cross_fade_holds_back_is_in_the_latency(grid, hop, crossfade, vocoder):
    description = described("full", grid=grid, hop=hop, back=0, ahead=0, vocoder=vocoder)
    plan = Plan("full", preset("full", LAYERS), grid, hop=hop, crossfade=crossfade)
    description["window"]["fade_frames"] = plan.fade_frames
    assert attention_of(description).latency.total / 1000 == pytest.approx(algorithmic_latency(plan, vocoder))


@given(st.sampled_from(PRESETS), st.integers(2, 40), st.integers(0, 7), st.integers(0, 7))
def test_a_cell_is_as_dark_as_the_mask_says(name, block, query, key):
    """Against streamflow.attention's own masks: a cell counts for a layer where any of its frames sees any of the other's."""
    pattern = preset(name, LAYERS, block=block)
    attention = attention_of(described(name, grid=block))
    frames, seen = (range(at * block, (at + 1) * block) for at in (query, key)), 0
    queries, keys = frames
    for layer in range(LAYERS):
        mask = pattern.mask(layer, queries, keys)
        seen += mask is None or bool(mask.any())
    assert visible(attention, query, key) == seen / LAYERS


def test_what_is_not_in_the_window_is_not_seen():
    naive = attention_of(described("full", grid=24, hop=2, back=0, ahead=0))
    assert [[visible(naive, query, key) > 0 for key in range(4)] for query in range(4)] == [
        [True, True, False, False], [True, True, False, False], [False, False, True, True], [False, False, True, True]
    ]  # fmt: skip
    windowed = attention_of(described("full", grid=24, hop=1, back=2, ahead=1))
    assert [visible(windowed, 4, key) > 0 for key in range(8)] == [False, False, True, True, True, True, False, False]


def test_the_words_give_the_receptive_field_in_blocks_and_milliseconds(bundle):
    words = attention_svg(make_system("streamflow-lr", bundle).describe()).words
    assert "4 (960 ms) before (p) and 1 (240 ms) after (q)" in words[0].replace("\u2009", "")
    assert "960 ms of history, 240 ms emitted at once (hop), 240 ms of look-ahead" in words[1]


def test_the_picture_follows_the_sliders(bundle):
    small, large = (attention_svg(make_system("window", bundle, ahead=ahead).describe()) for ahead in (0, 2))
    assert small.pictures != large.pictures
    assert "720 ms" in large.words[-1] and "240 ms" in small.words[-1]


def test_names_are_escaped():
    page = attention_svg({"strategy": "<script>"}).html()
    assert "<script>" not in page and "&lt;script&gt;" in page
