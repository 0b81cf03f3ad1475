"""A streamed vocoder is the offline one, whatever the packing of the frames."""

from __future__ import annotations

from itertools import pairwise

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor
from torch.nn import functional as F

from streamflow.vocoders.bigvgan import BigVGAN
from streamflow.vocoders.bigvgan_config import PRESETS
from streamflow.vocoders.context import measure_context
from streamflow.vocoders.streaming import StreamingVocoder
from streamflow.vocoders.vocos import Vocos, VocosConfig


class Smear:
    """Every sample of frame i is the sum of frames i - past ... i + future, zeros beyond the ends."""

    def __init__(self, past: int, future: int, hop: int = 3, edge: str = "constant") -> None:
        self.past_frames, self.future_frames, self.hop, self.edge = past, future, hop, edge
        self.windows: list[int] = []

    def __call__(self, mel: Tensor) -> Tensor:
        self.windows.append(mel.shape[1])
        x = F.pad(mel.sum(2)[:, None], (self.past_frames, self.future_frames), mode=self.edge)
        weights = torch.arange(1.0, self.past_frames + self.future_frames + 2, dtype=x.dtype)
        return F.conv1d(x, weights[None, None]).repeat_interleave(self.hop, dim=2)[:, 0]


def bigvgan() -> BigVGAN:
    torch.manual_seed(0)
    vocoder = BigVGAN(PRESETS["tiny"]).eval()
    for parameter in vocoder.parameters():
        if parameter.ndim == 3:
            torch.nn.init.normal_(parameter, std=(parameter.shape[1] * parameter.shape[2]) ** -0.5)
    with torch.no_grad():
        vocoder.conv_post.weight *= 0.2
    return vocoder


def vocos() -> Vocos:
    torch.manual_seed(0)
    return Vocos(VocosConfig(width=24, hidden=32, layers=3)).eval()


VOCODERS = {"bigvgan": bigvgan(), "vocos": vocos()}


def stream(vocoder, mel: Tensor, cuts: list[int], **options) -> tuple[Tensor, list[int]]:
    """All samples, and how many had come after each push and after the end."""
    streaming = StreamingVocoder(vocoder, **options)
    bounds = [0, *sorted(min(cut, len(mel)) for cut in cuts), len(mel)]
    pieces = [streaming.push(mel[a:b]) for a, b in pairwise(bounds)]
    pieces.append(streaming.finish())
    return torch.cat(pieces), [len(piece) for piece in pieces]


packings = st.lists(st.integers(0, 70), max_size=12)


@pytest.mark.parametrize("name", VOCODERS)
@given(frames=st.integers(1, 70), cuts=packings, step=st.sampled_from([None, 3, 7, 24]), seed=st.integers(0, 9))
@settings(max_examples=20, deadline=None)
def test_streamed_samples_are_the_offline_ones(name: str, frames: int, cuts: list[int], step: int | None, seed: int):
    vocoder = VOCODERS[name]
    mel = torch.randn(frames, 80, generator=torch.Generator().manual_seed(seed)) * 2 - 5
    with torch.no_grad():
        offline = vocoder(mel[None])[0]
    streamed, _ = stream(vocoder, mel, cuts, step_frames=step)
    assert offline.std() > 1e-3
    torch.testing.assert_close(streamed, offline, atol=1e-5, rtol=0)


@given(
    past=st.integers(0, 5),
    future=st.integers(0, 5),
    frames=st.integers(1, 40),
    cuts=packings,
    step=st.sampled_from([None, 1, 3, 50]),
)
@settings(max_examples=80, deadline=None)
def test_any_vocoder_with_a_declared_context_streams(past, future, frames, cuts, step):
    mel = torch.arange(frames * 2, dtype=torch.float64).reshape(frames, 2)
    vocoder = Smear(past, future)
    streamed, _ = stream(vocoder, mel, cuts, step_frames=step)
    assert torch.equal(streamed, vocoder(mel[None])[0])


@pytest.mark.parametrize("short", [{"past_frames": 2}, {"future_frames": 1}])
def test_too_short_a_context_is_heard(short: dict[str, int]):
    """The other tests could not fail if this one did not hold."""
    mel = torch.randn(30, 4)
    vocoder = Smear(3, 2)
    streamed, _ = stream(vocoder, mel, [10, 20], **short)
    assert (streamed - vocoder(mel[None])[0]).abs().max() > 0.1


@given(cuts=packings, other=packings, step=st.integers(4, 24))
@settings(max_examples=10, deadline=None)
def test_with_a_step_the_packing_changes_no_bit(cuts: list[int], other: list[int], step: int):
    mel = torch.randn(60, 80, generator=torch.Generator().manual_seed(1)) * 2 - 5
    first, _ = stream(VOCODERS["bigvgan"], mel, cuts, step_frames=step)
    second, _ = stream(VOCODERS["bigvgan"], mel, other, step_frames=step)
    assert torch.equal(first, second)


def test_a_frame_comes_as_soon_as_its_future_is_there():
    mel = torch.randn(10, 4)
    _, lengths = stream(Smear(3, 2), mel, list(range(1, 10)))
    assert lengths == [0, 0, *[3] * 8, 6]


def test_the_cost_of_a_push_does_not_grow():
    vocoder = Smear(6, 2)
    streaming = StreamingVocoder(vocoder)
    for _ in range(200):
        streaming.push(torch.randn(4, 3))
    assert set(vocoder.windows[5:]) == {6 + 4 + 2}
    streaming.finish()
    assert vocoder.windows[-1] == 6 + 2
    assert streaming.rendered_frames == 800 and streaming.pending_frames == 0


def test_with_a_step_one_long_push_costs_no_more_at_once_than_many_short_ones():
    vocoder = Smear(6, 2)
    streaming = StreamingVocoder(vocoder, step_frames=4)
    streaming.push(torch.randn(800, 3))
    assert max(vocoder.windows) == 6 + 4 + 2


def test_returned_samples_are_never_revised():
    mel = torch.randn(40, 80)
    streaming = StreamingVocoder(VOCODERS["vocos"])
    first = streaming.push(mel[:20])
    kept = first.clone()
    mel[:20] = 7.0  # the caller may reuse its buffer
    streaming.push(mel[20:])
    assert torch.equal(first, kept)


def test_pushed_frames_are_copied():
    mel = torch.randn(20, 4, dtype=torch.float64)
    offline = Smear(3, 6)(mel[None])[0]
    streaming = StreamingVocoder(Smear(3, 6))
    buffer = mel[:10].clone()
    pieces = [streaming.push(buffer)]
    buffer.zero_()
    pieces += [streaming.push(mel[10:]), streaming.finish()]
    assert torch.equal(torch.cat(pieces), offline)


def test_an_empty_stream_is_silent_and_a_finished_one_is_closed():
    streaming = StreamingVocoder(Smear(1, 1))
    assert len(streaming.push(torch.zeros(0, 4))) == 0
    assert len(streaming.finish()) == 0
    assert len(StreamingVocoder(Smear(1, 1)).finish()) == 0
    with pytest.raises(RuntimeError, match="finished"):
        streaming.push(torch.zeros(1, 4))
    with pytest.raises(RuntimeError, match="finished"):
        streaming.finish()


def test_misuse_is_named():
    with pytest.raises(ValueError, match="context"):
        StreamingVocoder(Smear(1, 1), past_frames=-1)
    with pytest.raises(ValueError, match="step"):
        StreamingVocoder(Smear(1, 1), step_frames=0)
    with pytest.raises(ValueError, match="one stream at a time"):
        StreamingVocoder(Smear(1, 1)).push(torch.zeros(1, 5, 4))
    short = Smear(0, 0)
    short.hop = 4
    StreamingVocoder(short).push(torch.zeros(2, 4))  # the hop was changed before the wrapper read it: 4 samples a frame
    wrapper = StreamingVocoder(short)
    short.hop = 2
    with pytest.raises(ValueError, match="made 4 samples of 2 frames"):
        wrapper.push(torch.zeros(2, 4))


# --- measuring a context ----------------------------------------------------------------------------------------------


@given(past=st.integers(0, 40), future=st.integers(0, 40))
@settings(max_examples=25, deadline=None)
def test_a_measured_context_is_the_true_one(past: int, future: int):
    assert measure_context(Smear(past, future), bands=4) == (past, future)
    assert measure_context(Smear(past, future), 1e-9, bands=4) == (past, future)


def test_a_reflected_edge_counts_as_context():
    class Mirror(Smear):
        def __call__(self, mel: Tensor) -> Tensor:
            ahead = F.pad(mel.sum(2)[:, None], (4, 0), mode="reflect")[:, 0, : mel.shape[1]]
            return ahead.repeat_interleave(self.hop, dim=1)

    assert measure_context(Mirror(4, 0), bands=4) == (4, 4)  # 4 back inside, and up to 4 ahead at the start


def test_vocoders_declare_what_they_see():
    for vocoder in VOCODERS.values():
        assert measure_context(vocoder) == (vocoder.past_frames, vocoder.future_frames)


def test_a_context_to_a_tolerance_is_shorter_and_keeps_its_promise():
    vocoder = VOCODERS["bigvgan"]
    mel = torch.randn(60, 80, generator=torch.Generator().manual_seed(3)) * 2 - 5
    past, future = measure_context(vocoder, 1e-3, mel=mel)
    assert past < vocoder.past_frames and future < vocoder.future_frames
    with torch.no_grad():
        offline = vocoder(mel[None])[0]
    streamed, _ = stream(vocoder, mel, list(range(1, 60)), past_frames=past, future_frames=future)
    error = float((streamed - offline).abs().max() / offline.abs().max())
    assert 1e-9 < error < 5e-3


def test_a_vocoder_without_a_finite_context_is_refused():
    class Whole(Smear):
        def __call__(self, mel: Tensor) -> Tensor:
            return (mel.sum(2) + mel.sum((1, 2))[:, None]).repeat_interleave(self.hop, dim=1)

    with pytest.raises(ValueError, match="no finite context"):
        measure_context(Whole(0, 0), bands=2)


def test_a_vocoder_that_lets_no_gradient_through_is_not_taken_for_one_without_context():
    class Deaf(Smear):
        def __call__(self, mel: Tensor) -> Tensor:
            return super().__call__(mel).detach()

    class Saturated(Smear):
        def __call__(self, mel: Tensor) -> Tensor:
            return super().__call__(mel).clamp(max=-1e9)

    for vocoder in (Deaf(2, 2), Saturated(2, 2)):
        with pytest.raises(ValueError, match="no gradient"):
            measure_context(vocoder, bands=2)


def test_too_short_a_mel_to_measure_on_is_refused():
    with pytest.raises(ValueError, match="too short"):
        measure_context(Smear(5, 5), 1e-3, mel=torch.randn(12, 4))
