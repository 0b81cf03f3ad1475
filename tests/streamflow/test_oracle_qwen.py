"""Our decoder against an oracle nobody here wrote: transformers' Qwen2.5-Omni Token2Wav with random weights."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from streamflow.conditioning import PromptEncoder
from streamflow.convert.qwen import (
    decoder_config,
    decoder_pattern,
    decoder_states,
    prompt_config,
    published_shapes,
    vocoder_config,
)
from streamflow.dit import DiT
from streamflow.flow import Schedule, guide, integrate
from streamflow.vocoders.antialias import AntiAliased
from streamflow.vocoders.bigvgan import BigVGAN
from streamflow.vocoders.bigvgan_weights import load_generator_state
from streamflow.vocoders.streaming import StreamingVocoder

from .qwen_oracle import oracle_dit, oracle_vocoder

LAYOUTS = {
    "published, small": {"block_size": 8, "look_ahead_layers": [2], "look_backward_layers": [0, 4]},
    "own block only": {"block_size": 5, "look_ahead_layers": [], "look_backward_layers": []},
    "both ways in one layer": {"block_size": 4, "look_ahead_layers": [1, 3], "look_backward_layers": [1, 2, 5]},
    "full": {"block_size": 1000, "look_ahead_layers": [2], "look_backward_layers": [0]},
}
TOKENS = 13


class Pair:
    """The oracle and our network of its weights, in one precision, with one set of inputs."""

    def __init__(self, layout: dict, dtype: torch.dtype):
        self.theirs, published = oracle_dit(dtype, **layout)
        self.config, prompt = decoder_config(published), prompt_config(published)
        state, encoder = decoder_states(self.theirs.state_dict(), self.config, prompt)
        self.dit, self.prompt = DiT(self.config).to(dtype).eval(), PromptEncoder(prompt).to(dtype).eval()
        self.dit.load_state_dict(state)
        self.prompt.load_state_dict(encoder)
        random = torch.Generator().manual_seed(3)
        frames = TOKENS * self.config.frames_per_token
        self.tokens = torch.randint(0, self.config.table, (2, TOKENS), generator=random)
        self.noise = torch.randn(2, frames, 80, generator=random, dtype=torch.float64).to(dtype)
        self.reference = torch.randn(2, 37, 80, generator=random, dtype=torch.float64).to(dtype)
        self.xvector = torch.randn(2, prompt.xvector, generator=random, dtype=torch.float64).to(dtype)
        self.masks = decoder_pattern(published).masks(range(frames), range(frames))

    def conditions(self) -> tuple[Tensor, Tensor]:
        """Ours, and the null one."""
        condition = self.dit.condition(self.tokens[..., None], self.prompt.voice(self.reference, self.xvector))
        return condition, self.dit.null.expand_as(condition)

    def velocity(self, x: Tensor, time: Tensor, condition: Tensor) -> Tensor:
        return self.dit(x, condition, self.dit.modulations(time.expand(len(x))), self.masks)


@pytest.fixture(scope="module", params=["float32", "float64"])
def dtype(request) -> torch.dtype:
    return getattr(torch, request.param)


@pytest.fixture(scope="module", params=LAYOUTS.values(), ids=LAYOUTS)
def pair(request, dtype) -> Pair:
    return Pair(request.param, dtype)


def bound(dtype: torch.dtype) -> float:
    return 1e-4 if dtype == torch.float32 else 1e-9


@pytest.mark.parametrize("time", [0.0, 0.3, 0.985])
@torch.no_grad()
def test_velocities_are_the_oracles_with_and_without_condition(pair: Pair, dtype, time: float):
    time = torch.tensor(time, dtype=dtype)
    theirs = pair.theirs(
        hidden_states=pair.noise,
        condition_vector=pair.reference,
        speaker_embedding=pair.xvector[:, None].expand(-1, pair.noise.shape[1], -1),
        quantized_code=pair.tokens,
        time_step=time,
        apply_cfg=True,
    ).chunk(2)
    for condition, expected in zip(pair.conditions(), theirs, strict=True):
        torch.testing.assert_close(pair.velocity(pair.noise, time, condition), expected, atol=bound(dtype), rtol=0)
    assert theirs[0].std() > 0.1 and (theirs[0] - theirs[1]).std() > 0.1  # the weights let everything through


@torch.no_grad()
def test_samples_are_the_oracles(pair: Pair, dtype):
    """Its own sampler (3/8 rule, sway, guidance 0.5) with the noise that it draws, and our solver with the same."""
    torch.manual_seed(11)
    expected = pair.theirs.sample(pair.xvector, pair.reference, pair.tokens, num_steps=4, guidance_scale=0.5)
    torch.manual_seed(11)
    noise = torch.randn(pair.noise.shape, dtype=dtype)
    condition, null = pair.conditions()

    def velocity(_: int, t: float, x: Tensor) -> Tensor:
        time = torch.tensor(t, dtype=dtype)
        return guide(pair.velocity(x, time, condition), pair.velocity(x, time, null), 0.5)

    ours = integrate(velocity, noise, Schedule("rk4", nfe=12, guidance=0.5, warp="cosine"))
    torch.testing.assert_close(ours.transpose(1, 2), expected, atol=bound(dtype), rtol=0)
    assert (expected - noise.transpose(1, 2)).std() > 0.1


def test_the_layouts_are_not_the_same_network():
    """If the masks did nothing, agreement under several of them would prove little."""
    made = [Pair(layout, torch.float64) for layout in LAYOUTS.values()]
    with torch.no_grad():
        out = [p.velocity(p.noise, torch.tensor(0.3, dtype=torch.float64), p.conditions()[0]) for p in made]
    assert all((a - b).abs().max() > 1e-2 for i, a in enumerate(out) for b in out[:i])


def test_the_published_model_at_its_full_size_has_these_names_and_shapes():
    from transformers.models.qwen2_5_omni.configuration_qwen2_5_omni import Qwen2_5OmniDiTConfig
    from transformers.models.qwen2_5_omni.modeling_qwen2_5_omni import Qwen2_5OmniToken2WavDiTModel

    published = Qwen2_5OmniDiTConfig()
    with torch.device("meta"):
        expected = {k: tuple(v.shape) for k, v in Qwen2_5OmniToken2WavDiTModel(published).state_dict().items()}
        ours = DiT(decoder_config({}))
    assert published_shapes(decoder_config({}), prompt_config({})) == expected
    assert decoder_config(published.to_dict()) == decoder_config({})
    assert 310e6 < sum(p.numel() for p in ours.parameters()) < 340e6
    pattern = decoder_pattern({})
    assert (pattern.block, pattern.back, pattern.ahead) == (24, 2, 1)


@torch.no_grad()
def test_the_waveform_is_the_oracles(dtype):
    theirs, published = oracle_vocoder(dtype)
    ours = BigVGAN(vocoder_config(published)).to(dtype).eval()
    load_generator_state(ours, theirs.state_dict())
    if dtype == torch.float64:  # the two compute the taps in float32 and differ in their last bits
        assert (ours.activation_post.filter - theirs.activation_post.upsample.filter).abs().max() < 1e-6
        for module in ours.modules():
            if isinstance(module, AntiAliased):
                module.filter.copy_(theirs.activation_post.upsample.filter)
    mel = torch.randn(1, 100, 80, generator=torch.Generator().manual_seed(5), dtype=torch.float64).to(dtype) * 2 - 5
    mel[0, 7] = -20.0  # below the floor of -115 dB
    expected = theirs(mel.transpose(1, 2))
    assert 0.05 < expected.std() < 0.3 and expected.abs().max() <= 1
    torch.testing.assert_close(ours(mel)[0], expected, atol=bound(dtype), rtol=0)
    exact = StreamingVocoder(ours, past_frames=29, future_frames=29)
    for streamed, allowed in ((StreamingVocoder(ours), 1e-5), (exact, 1e-5 if dtype == torch.float32 else 1e-12)):
        pieces = [streamed.push(mel[0, i : i + 11]) for i in range(0, 100, 11)] + [streamed.finish()]
        torch.testing.assert_close(torch.cat(pieces), ours(mel)[0], atol=allowed, rtol=0)
