"""Solvers against velocity fields whose solutions are known, guidance, the training path, and the noise."""

from __future__ import annotations

import math
from itertools import pairwise

import pytest
import scipy.stats
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from streamflow.errors import StrategyError
from streamflow.flow import SOLVERS, Schedule, guide, integrate
from streamflow.noise import frame_noise

ORDERS = {"euler": 1, "midpoint": 2, "heun": 2, "rk4": 4}
STAGES = {"euler": 1, "midpoint": 2, "heun": 2, "rk4": 4}


def schedule(solver: str, steps: int, warp: str = "linear") -> Schedule:
    return Schedule(solver, nfe=steps * STAGES[solver], guidance=0.0, warp=warp)


def test_every_solver_is_tested():
    assert set(SOLVERS) == set(ORDERS)


@pytest.mark.parametrize("warp", ["linear", "cosine"])
@pytest.mark.parametrize("solver", ORDERS)
def test_solvers_converge_at_their_order(solver: str, warp: str):
    """x' = x^2 (1 + t) has 1/x(1) = 1/x(0) - 3/2; halving the step divides the error by 2^order."""
    start = torch.tensor([-2.0, -0.5, 0.1, 0.3], dtype=torch.float64)
    exact = 1 / (1 / start - 1.5)

    def error(steps: int) -> float:
        end = integrate(lambda i, t, x: x.square() * (1 + t), start, schedule(solver, steps, warp))
        return float((end - exact).abs().max())

    assert math.log2(error(64) / error(128)) == pytest.approx(ORDERS[solver], abs=0.2)


@pytest.mark.parametrize("solver", ORDERS)
def test_solvers_are_exact_for_the_powers_of_time_of_their_quadrature(solver: str):
    zero = torch.zeros(1, dtype=torch.float64)
    for power in range(ORDERS[solver] + 1):
        end = integrate(lambda i, t, x, n=power: torch.full_like(x, t**n), zero, schedule(solver, 3))
        exact = float(end) == pytest.approx(1 / (power + 1), abs=1e-12)
        assert exact == (power < ORDERS[solver])


@pytest.mark.parametrize("warp", ["linear", "cosine"])
@pytest.mark.parametrize("solver", ORDERS)
def test_one_step_carries_noise_to_data_along_a_straight_path(solver: str, warp: str):
    """The velocity of a single example, (x - x_t) / (1 - t) = x - z, is constant on the path."""
    random = torch.Generator().manual_seed(0)
    noise, data = torch.randn(2, 7, generator=random, dtype=torch.float64)
    end = integrate(lambda i, t, x: data - noise, noise, schedule(solver, 1, warp))
    torch.testing.assert_close(end, data, atol=1e-14, rtol=0)


@given(mean=st.floats(-3, 3), spread=st.floats(0.2, 3))
@settings(max_examples=20, deadline=None)
def test_the_flow_of_a_gaussian_maps_noise_onto_that_gaussian(mean: float, spread: float):
    """With x ~ N(m, s^2) the marginal velocity is known, and its flow is z -> m + s z."""

    def velocity(index: int, t: float, x: Tensor) -> Tensor:
        variance = (1 - t) ** 2 + (t * spread) ** 2
        return mean + (t * spread**2 - (1 - t)) / variance * (x - t * mean)

    noise = torch.linspace(-2, 2, 9, dtype=torch.float64)
    end = integrate(velocity, noise, schedule("rk4", 60))
    torch.testing.assert_close(end, mean + spread * noise, atol=1e-4, rtol=0)


@given(solver=st.sampled_from(sorted(ORDERS)), steps=st.integers(1, 12), warp=st.sampled_from(["linear", "cosine"]))
def test_the_network_is_evaluated_at_the_announced_times_and_as_often_as_announced(solver, steps, warp):
    planned, calls = schedule(solver, steps, warp), []

    def velocity(index: int, t: float, x: Tensor) -> Tensor:
        calls.append((index, t))
        return x

    integrate(velocity, torch.ones(1), planned)
    assert len(calls) == planned.nfe
    assert calls == list(enumerate(planned.times))
    assert all(0.0 <= t <= 1.0 for t in planned.times)
    knots = planned.knots
    assert knots[0] == 0.0 and knots[-1] == 1.0 and knots == sorted(set(knots))


def test_the_cosine_grid_is_cosyvoices():
    expected = (1 - torch.cos(torch.linspace(0, 1, 11, dtype=torch.float64) * torch.pi / 2)).tolist()
    assert schedule("euler", 10, "cosine").knots == pytest.approx(expected)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"solver": "dopri5"}, "unknown solver dopri5; choose one of euler"),
        ({"solver": "midpoint", "nfe": 5}, "nfe=5 is no multiple of the 2 stages of midpoint"),
        ({"nfe": 0}, "nfe=0"),
        ({"nfe": -4, "solver": "rk4"}, "nfe=-4"),
        ({"warp": "sway"}, "unknown warp sway; choose cosine or linear"),
    ],
)
def test_an_impossible_schedule_is_named(options: dict, message: str):
    with pytest.raises(StrategyError, match=message):
        Schedule(**options)


def test_no_guidance_is_the_conditional_velocity_to_the_last_bit():
    random = torch.Generator().manual_seed(1)
    conditional, unconditional = torch.randn(2, 50, generator=random)
    assert torch.equal(guide(conditional, unconditional, 0.0), conditional)


@given(guidance=st.floats(0, 3))
def test_guidance_is_cosyvoices_and_vanishes_where_the_condition_says_nothing(guidance: float):
    random = torch.Generator().manual_seed(1)
    conditional, unconditional = torch.randn(2, 50, generator=random, dtype=torch.float64)
    expected = (1 + guidance) * conditional - guidance * unconditional
    torch.testing.assert_close(guide(conditional, unconditional, guidance), expected, atol=1e-12, rtol=0)
    assert torch.equal(guide(conditional, conditional, guidance), conditional)


@given(
    seed=st.integers(0, 2**64 - 1),
    start=st.integers(0, 30_000),
    cuts=st.lists(st.integers(0, 150), max_size=6),
)
def test_noise_is_a_function_of_seed_and_absolute_frame(seed: int, start: int, cuts: list[int]):
    bounds = [start, *(start + cut for cut in sorted(cuts)), start + 150]
    pieces = [frame_noise(seed, a, b) for a, b in pairwise(bounds)]
    whole = frame_noise(seed, start, start + 150)
    assert whole.shape == (150, 80) and whole.dtype == torch.float32
    assert torch.equal(torch.cat(pieces), whole)
    assert torch.equal(frame_noise(seed, start + 149, start + 150)[0], whole[149])


@given(st.integers(0, 2**64 - 1), st.integers(0, 2**64 - 1))
def test_seeds_have_noise_of_their_own(first: int, second: int):
    same = torch.equal(frame_noise(first, 5, 6), frame_noise(second, 5, 6))
    assert same == (first == second)


def test_noise_is_standard_normal_and_never_comes_again():
    noise = frame_noise(7, 0, 2000)
    assert scipy.stats.kstest(noise.flatten().numpy(), "norm").pvalue > 1e-4
    assert len(torch.unique(noise, dim=0)) == 2000
    correlation = torch.corrcoef(
        torch.stack([noise[:-1].flatten(), noise[1:].flatten(), noise[:-1].roll(32, 0).flatten()])
    )
    assert (correlation - torch.eye(3)).abs().max() < 0.01  # four standard errors; neighbours, and one tile apart
