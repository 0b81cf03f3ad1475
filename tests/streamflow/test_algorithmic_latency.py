"""What is said of a stream's wait from its configuration alone, against when its chunks really come, in tokens."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from streamflow.checkpoints import Bundle
from streamflow.session import StreamRequest
from streamflow.strategies import STRATEGIES, make_system, parameters_of_strategy
from streamflow.tiny import make_tiny_bundle

STREAMING = [s for s in STRATEGIES if s not in ("copy-synthesis", "tokenizer", "full", "full+")]
RATES = (2, 3, 4)  # frames a token: 50, 33.3 and 25 tokens a second


@pytest.fixture(scope="module")
def bundles(tmp_path_factory) -> dict[int, Bundle]:
    folder = tmp_path_factory.mktemp("rates")
    return {frames: make_tiny_bundle(folder / str(frames), frames_per_token=frames) for frames in RATES}


class Patient:
    """A vocoder made to wait for more frames than it hears."""

    def __init__(self, vocoder, future_frames: int):
        self.hop, self.past_frames, self.future_frames = vocoder.hop, vocoder.past_frames, future_frames
        self._vocoder = vocoder

    def __call__(self, mel):
        return self._vocoder(mel)


def waiting(bundle: Bundle, future_frames: int) -> Bundle:
    """The bundle with a vocoder that waits for so many frames."""
    made = Bundle(bundle.directory)
    made.vocoder = Patient(bundle.vocoder, future_frames)
    return made


def arrivals(system, seconds: float, tokens_per_second: float) -> list[tuple[float, float]]:
    """Of each chunk before the end: seconds of tokens pushed when it came, and where in the speech it begins."""
    random = np.random.default_rng(3)
    tokens = random.integers(0, 64, (round(seconds * tokens_per_second), 2))
    session, came = system(StreamRequest("u", random.standard_normal(16).astype(np.float32), seed=5)), []
    for count in range(1, len(tokens) + 1):
        for chunk in session.push(tokens[count - 1 : count]):
            came.append((count / tokens_per_second, chunk.start_sample / chunk.sample_rate))
    return came


@st.composite
def configured(draw):
    """A strategy and parameters that matter to its wait."""
    name = draw(st.sampled_from(STREAMING))
    offered = {
        "block": st.sampled_from([4, 5, 8, 12]),
        "hop": st.integers(1, 2),
        "ahead": st.integers(0, 2),
        "overlap": st.integers(0, 4),
        "crossfade": st.sampled_from([0.0, 0.2]),
        "past": st.sampled_from(["window", "frozen", "inpainted"]),
        "cached": st.booleans(),
    }
    known = parameters_of_strategy(name)
    return name, {key: draw(value, key) for key, value in offered.items() if key in known}


@given(configured(), st.sampled_from(RATES), st.sampled_from([4, 4, 9, 30]))
@settings(max_examples=40, deadline=None)
def test_the_first_sample_comes_with_the_token_that_the_configuration_says(bundles, configuration, frames, future):
    name, parameters = configuration
    system = make_system(name, waiting(bundles[frames], future), nfe=1, **parameters)
    came = arrivals(system, 1.2, 100 / frames)
    assert came[0][0] == pytest.approx(system.algorithmic_latency_s)


@given(configured(), st.sampled_from(RATES), st.sampled_from([0, 4, 4, 9, 30]))
@settings(max_examples=40, deadline=None)
def test_a_player_that_waits_as_long_as_said_is_never_short_and_one_that_waits_less_is(
    bundles, configuration, frames, future
):
    """Over so many chunks that every place of a token's end in a hop has come: the longest wait is the one that is said."""
    name, parameters = configuration
    system = make_system(name, waiting(bundles[frames], future), nfe=1, **parameters)
    window = system.describe()["window"]
    needed_s = (frames + 2) * window["hop"] * window["grid"] / 100 + system.pauseless_latency_s
    came = arrivals(system, needed_s, 100 / frames)
    assert max(there - begins for there, begins in came) == pytest.approx(system.pauseless_latency_s)


@pytest.mark.parametrize("frames", RATES)
@pytest.mark.parametrize("future", [4, 8, 30])
@pytest.mark.parametrize("name", STREAMING)
def test_the_vocoders_context_is_in_the_latency_and_in_the_wait(bundles, name, future, frames):
    """A block of 8 frames gives no sound before the vocoder has its own look-ahead from the blocks after it."""
    known = parameters_of_strategy(name)
    system = make_system(name, waiting(bundles[frames], future), nfe=1, **({"block": 8} if "block" in known else {}))
    window = system.describe()["window"]
    ahead = window["ahead"] * 8 + frames * (window.get("token_ahead", 0) + window.get("overlap_tokens", 0))
    whole_tokens = -(-((future // 8 + 1) * 8 + ahead) // frames) * frames
    assert system.algorithmic_latency_s == pytest.approx(whole_tokens / 100)
    assert arrivals(system, 1.2, 100 / frames)[0][0] == pytest.approx(system.algorithmic_latency_s)
    if frames == 4:  # a block is two tokens: (1 + q) B + R
        assert system.pauseless_latency_s == pytest.approx((8 + ahead + future) / 100)
