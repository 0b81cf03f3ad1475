"""BigVGAN against independent slow oracles."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
import scipy.signal
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from streamflow.vocoders.antialias import AntiAliased, Snake, kaiser_sinc
from streamflow.vocoders.bigvgan import BigVGAN
from streamflow.vocoders.bigvgan_config import PRESETS, BigVGANConfig
from streamflow.vocoders.context import measure_context
from streamflow.vocoders.streaming import StreamingVocoder

from .bigvgan_random import TINY, lively, noise_mel

# --- the anti-aliased activation ------------------------------------------------------------------------------------


def scipy_filter() -> np.ndarray:
    beta = scipy.signal.kaiser_beta(scipy.signal.kaiser_atten(6, 1.2))
    return scipy.signal.firwin(12, 0.5, window=("kaiser", beta))


def scipy_anti_aliased(x: np.ndarray, function) -> np.ndarray:
    """One channel, by zero-stuffing and filtering an extended signal and keeping the samples on the grid."""
    taps, margin = scipy_filter(), 40
    up = scipy.signal.upfirdn(2 * taps, np.pad(x, margin, mode="edge"), up=2)
    up = up[2 * margin + 5 :][: 2 * len(x)]  # the filter's centre is 5.5 samples in: y[0] sits half a sample early
    down = scipy.signal.upfirdn(taps, np.pad(function(up), margin, mode="edge"), down=1)
    return down[margin + 6 :: 2][: len(x)]


def test_the_filter_is_scipys_kaiser_windowed_sinc():
    np.testing.assert_allclose(kaiser_sinc().numpy(), scipy_filter(), atol=1e-12)


@given(st.integers(1, 70), st.integers(0, 2**31))
@settings(max_examples=25, deadline=None)
def test_the_activation_is_what_upfirdn_makes_of_it(length: int, seed: int):
    random = np.random.default_rng(seed)
    x = random.normal(size=(3, length))
    module = AntiAliased(Snake(3, separate_beta=True, logscale=True)).double()
    with torch.no_grad():
        module.filter.copy_(kaiser_sinc())  # it keeps its taps in float32
        module.act.alpha.copy_(torch.from_numpy(random.normal(size=3)))
        module.act.beta.copy_(torch.from_numpy(random.normal(size=3)))
        ours = module(torch.from_numpy(x)[None])[0].numpy()
    for channel in range(3):
        alpha, beta = (float(p[channel].detach().exp()) for p in (module.act.alpha, module.act.beta))
        theirs = scipy_anti_aliased(x[channel], lambda y, a=alpha, b=beta: y + np.sin(a * y) ** 2 / (b + 1e-9))
        np.testing.assert_allclose(ours[channel], theirs, rtol=1e-9, atol=1e-9)


def test_harmonics_beyond_the_low_rate_alias_at_least_10_db_less():
    """sin(x)^2 doubles 0.35 cycles a sample to 0.7, which folds to 0.3."""
    tone = torch.cos(2 * torch.pi * 0.35 * torch.arange(400, dtype=torch.float64))[None, None]
    snake = Snake(1, separate_beta=False, logscale=True).double()

    def alias(x: torch.Tensor) -> float:
        spectrum = torch.fft.rfft(x[0, 0, 50:350] * torch.hann_window(300, dtype=torch.float64)).abs()
        return float(spectrum[90])

    with torch.no_grad():
        assert alias(AntiAliased(snake).double()(tone)) < alias(snake(tone)) * 10 ** (-10 / 20)


@pytest.mark.parametrize("separate_beta", [True, False])
@pytest.mark.parametrize("logscale", [True, False])
def test_snake_is_the_papers_formula(separate_beta: bool, logscale: bool):
    snake = Snake(2, separate_beta=separate_beta, logscale=logscale)
    alpha, beta = torch.tensor([0.5, 2.0]), torch.tensor([3.0, 0.7])
    with torch.no_grad():
        snake.alpha.copy_(alpha.log() if logscale else alpha)
        if separate_beta:
            snake.beta.copy_(beta.log() if logscale else beta)
    x = torch.randn(1, 2, 30)
    magnitude = beta if separate_beta else alpha
    expected = x + torch.sin(alpha[:, None] * x) ** 2 / magnitude[:, None]
    torch.testing.assert_close(snake(x), expected)


# --- the generator --------------------------------------------------------------------------------------------------


def numpy_conv(x: np.ndarray, weight: np.ndarray, bias: np.ndarray | None, dilation: int = 1) -> np.ndarray:
    kernel = weight.shape[2]
    reach = dilation * (kernel - 1) // 2
    padded = np.pad(x, ((0, 0), (reach, reach)))
    y = sum(weight[:, :, k] @ padded[:, k * dilation : k * dilation + x.shape[1]] for k in range(kernel))
    return y if bias is None else y + bias[:, None]


def numpy_upsample(x: np.ndarray, weight: np.ndarray, bias: np.ndarray, rate: int) -> np.ndarray:
    kernel, frames = weight.shape[2], x.shape[1]
    y = np.zeros((weight.shape[1], (frames - 1) * rate + kernel))
    for t in range(frames):
        y[:, t * rate : t * rate + kernel] += np.einsum("i,iok->ok", x[:, t], weight)
    crop = (kernel - rate) // 2
    return y[:, crop : y.shape[1] - crop] + bias[:, None]


def numpy_bigvgan(config: BigVGANConfig, state: dict[str, torch.Tensor], mel: np.ndarray) -> np.ndarray:
    """The paper's generator from the published names, in float64 and one loop at a time: ``[T, bands]`` to samples."""
    weights = {name: value.double().numpy() for name, value in state.items()}

    def activate(name: str, x: np.ndarray) -> np.ndarray:
        alpha = weights[f"{name}.act.alpha"]
        beta = weights.get(f"{name}.act.beta", alpha)
        if config.snake_logscale:
            alpha, beta = np.exp(alpha), np.exp(beta)
        rows = zip(x, alpha, beta, strict=True)
        return np.stack(
            [scipy_anti_aliased(row, lambda y, a=a, b=b: y + np.sin(a * y) ** 2 / (b + 1e-9)) for row, a, b in rows]
        )

    def conv(name: str, x: np.ndarray, dilation: int = 1) -> np.ndarray:
        return numpy_conv(x, weights[f"{name}.weight"], weights.get(f"{name}.bias"), dilation)

    x, branches = conv("conv_pre", mel.T), len(config.resblock_kernel_sizes)
    for i, rate in enumerate(config.upsample_rates):
        x = numpy_upsample(x, weights[f"ups.{i}.0.weight"], weights[f"ups.{i}.0.bias"], rate)
        outputs = []
        for j, dilations in enumerate(config.resblock_dilation_sizes):
            y, block = x, f"resblocks.{i * branches + j}"
            for n, dilation in enumerate(dilations):
                if config.resblock == "1":
                    inner = conv(f"{block}.convs1.{n}", activate(f"{block}.activations.{2 * n}", y), dilation)
                    y = y + conv(f"{block}.convs2.{n}", activate(f"{block}.activations.{2 * n + 1}", inner))
                else:
                    y = y + conv(f"{block}.convs.{n}", activate(f"{block}.activations.{n}", y), dilation)
            outputs.append(y)
        x = np.mean(outputs, axis=0)
    y = conv("conv_post", activate("activation_post", x))[0]
    return np.tanh(y) if config.use_tanh_at_final else np.clip(y, -1, 1)


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"resblock": "2"},
        {"activation": "snake", "snake_logscale": False},
        {"use_tanh_at_final": True, "use_bias_at_final": True},
    ],
    ids=["version 2", "AMPBlock2", "linear snake", "version 1"],
)
def test_the_generator_is_the_slow_oracles(options: dict):
    config = dataclasses.replace(TINY, **options)
    generator = lively(config).double()
    if not config.snake_logscale:
        with torch.no_grad():
            for name, parameter in generator.named_parameters():
                if name.endswith("alpha"):
                    parameter.abs_().add_(0.2)
    mel = noise_mel(5).double()
    with torch.no_grad():
        ours = generator(mel)[0].numpy()
    theirs = numpy_bigvgan(config, generator.state_dict(), mel[0].numpy())
    assert 0.01 < ours.std() < 1.0
    np.testing.assert_allclose(ours, theirs, atol=1e-5)  # float32 taps, through 30 activations


@pytest.mark.parametrize(
    ("preset", "millions", "hop"),
    [
        ("bigvgan_base_24khz_100band", 14.0, 256),
        ("bigvgan_v2_24khz_100band_256x", 112.4, 256),
        ("qwen_24khz_80band_240x", 115.4, 240),
        ("16khz_80band_160x", None, 160),
        ("16khz_80band_160x_short", None, 160),
    ],
)
def test_presets_have_the_published_sizes(preset: str, millions: float | None, hop: int):
    with torch.device("meta"):
        generator = BigVGAN(PRESETS[preset])
    assert generator.hop == hop
    if millions is not None:
        assert round(sum(p.numel() for p in generator.parameters()) / 1e6, 1) == millions


def test_clipping_and_tanh_bound_the_wave():
    for bounded in ({}, {"use_tanh_at_final": True}):
        generator = lively(dataclasses.replace(TINY, **bounded))
        with torch.no_grad():
            generator.conv_post.weight *= 1000.0
            peak = float(generator(noise_mel(6)).abs().max())
        assert 0.99 < peak <= 1.0


@given(
    rates=st.lists(st.sampled_from([(1, 3), (2, 4), (3, 7), (4, 8), (5, 5), (5, 11)]), min_size=1, max_size=2),
    blocks=st.lists(
        st.tuples(st.sampled_from([1, 3, 5, 7]), st.lists(st.integers(1, 5), min_size=1, max_size=3)),
        min_size=1,
        max_size=2,
    ),
    resblock=st.sampled_from(["1", "2"]),
)
@settings(max_examples=15, deadline=None)
def test_the_declared_context_is_the_measured_one(rates: list, blocks: list, resblock: str):
    config = BigVGANConfig(
        num_mels=4,
        sampling_rate=16_000,
        upsample_rates=tuple(rate for rate, _ in rates),
        upsample_kernel_sizes=tuple(kernel for _, kernel in rates),
        upsample_initial_channel=4,
        resblock=resblock,
        resblock_kernel_sizes=tuple(kernel for kernel, _ in blocks),
        resblock_dilation_sizes=tuple(tuple(dilations) for _, dilations in blocks),
        use_tanh_at_final=True,
    )
    generator = lively(config)
    with torch.no_grad():
        generator.conv_post.weight *= 1e-3  # a saturated sample would tell nothing
    assert measure_context(generator, bands=4) == (generator.past_frames, generator.future_frames)


@pytest.mark.parametrize(
    "name", ["bigvgan_base_24khz_100band", "bigvgan_v2_24khz_100band_256x", "qwen_24khz_80band_240x"]
)
@torch.no_grad()
def test_published_layouts_stream_as_they_sound_offline(name: str):
    """With the context that they declare: to rounding, which random weights enlarge more than trained ones."""
    config = dataclasses.replace(PRESETS[name], upsample_initial_channel=64)
    generator = lively(config)
    generator.conv_post.weight *= 0.03  # as loud as speech; at full scale clipping would hide differences
    for dtype, allowed in ((torch.float32, 1e-5), (torch.float64, 1e-11)):
        vocoder, mel = generator.to(dtype), noise_mel(90, config.num_mels).to(dtype)
        offline = vocoder(mel)[0]
        assert 0.01 < offline.std() < 0.3
        streaming = StreamingVocoder(vocoder)
        pieces = [streaming.push(mel[0, a : a + 13]) for a in range(0, 90, 13)] + [streaming.finish()]
        torch.testing.assert_close(torch.cat(pieces), offline, atol=allowed, rtol=0)
