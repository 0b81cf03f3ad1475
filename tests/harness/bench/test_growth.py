"""What grows is reported as growing, what does not is not, and what cannot be told is not claimed."""

from __future__ import annotations

import pytest

from harness.bench.bench_context import Context
from harness.bench.counting import counting
from harness.bench.entries import Entry
from harness.bench.growth import growth, verdict


def row_of(cost, clock, histories=(5.0, 15.0, 60.0)) -> dict:
    parked = {("mine", h): (lambda h=h: clock.work(cost(h))) for h in histories}
    return growth(parked, 4, clock=clock)[0]


def test_a_system_whose_cost_grows_is_contradicted(clock):
    row = row_of(lambda h: 0.1 + 0.001 * h, clock)
    assert row["flat"] == "contradicted"
    assert row["slope_ms_per_s"] == pytest.approx(1.0)
    assert row["growth_%"] == pytest.approx(100 * 0.055 / 0.105)


def test_a_system_of_constant_cost_is_shown_to_be_flat(clock):
    row = row_of(lambda h: 0.1, clock)
    assert row["flat"] == "shown"
    assert row["growth_%"] == pytest.approx(0, abs=1e-6)


def test_growth_within_three_per_cent_over_the_range_is_flat_and_beyond_is_not(clock):
    assert row_of(lambda h: 1 + 0.02 * h / 55, clock)["flat"] == "shown"
    assert row_of(lambda h: 1 + 0.04 * h / 55, clock)["flat"] == "contradicted"


def test_noise_above_the_margin_shows_nothing(clock):
    turn = [0]

    def noisy(_):
        turn[0] += 1
        return 0.1 * (1 + 0.5 * ((turn[0] * 7919) % 13 / 13 - 0.5))

    assert row_of(noisy, clock)["flat"] == "not shown"


def test_one_history_has_no_slope_and_no_verdict(clock):
    row = row_of(lambda h: 0.1, clock, histories=(5.0,))
    assert row["slope_ms_per_s"] is None
    assert row["flat"] == "not shown"


@pytest.mark.parametrize(
    ("low", "high", "said"),
    [
        (-0.01, 0.02, "shown"),
        (-0.01, 0.05, "not shown"),
        (0.04, 0.05, "contradicted"),
        (-0.2, -0.1, "contradicted"),
        (None, None, "not shown"),
    ],
)
def test_the_verdict_is_that_of_the_whole_interval(low, high, said):
    assert verdict(low, high) == said


@pytest.mark.parametrize(
    ("name", "flat"), [("streamflow-sr", "shown"), ("cosyvoice", "contradicted"), ("causal", "contradicted")]
)
def test_counted_work_of_the_decoders_grows_as_their_masks_say(bundle, clock, name, flat):
    entry = Entry.parse(name)
    context = Context(bundle, (entry,))
    dit = bundle.decoder(entry.plan(bundle).weights)
    parked = {}
    for history in (1.0, 3.0, 6.0):
        session = context.parked(entry, history)

        def advance(session=session, at=session.history_s):
            with counting(dit) as counted:
                session.advance()
            clock.work(counted.flops / 1e9)

        parked[name, history] = advance
    assert growth(parked, 2, clock=clock)[0]["flat"] == flat
