"""Streams whose past enters by what was computed for it advance together, whoever joins, leaves or is cancelled."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field

import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from streamflow.batching import BatchedEvaluator
from streamflow.decoding import CancelledError, Evaluator, MelStream, Plan
from streamflow.strategies import parameters_of_strategy, plan_of_strategy

PATIENCE_S = 120.0
SYSTEMS = [
    ("causal", {"block": 8}),
    ("causal", {"block": 8, "hop": 2}),
    ("cosyvoice", {"cached": True}),
    ("cosyvoice", {}),
    ("streamflow-sr", {"past": "frozen"}),
    ("streamflow-lr2", {"past": "frozen", "hop": 2}),
    ("streamflow-sr", {"past": "inpainted"}),
    ("streamflow-lr", {"past": "inpainted"}),
    ("streamflow-sr", {}),
    ("streamflow-q0", {}),
    ("clean-prefix", {}),
    ("overlap", {"block": 8}),
    ("naive", {"block": 8, "crossfade": 0.2}),
]
IN_ORDER = [(0, 1, 2, 3)] * 3  # all together
JOINING = [(0,), (0,), (0, 1), (0, 1, 2), (2,), (0, 2, 3), (1, 3)]  # histories of other lengths side by side


def plan_of(bundle, name: str, parameters: dict, **schedule) -> Plan:
    return plan_of_strategy(name, bundle, parameters_of_strategy(name) | {"nfe": 3} | parameters | schedule)


@dataclass
class Stream:
    """One stream, the mel that it has given so far, and the error that ended it."""

    mel: MelStream
    pieces: list = field(default_factory=list)
    error: BaseException | None = None

    @classmethod
    def of(cls, evaluator: Evaluator, seed: int, length: int) -> Stream:
        rng = np.random.default_rng(seed)
        voice = torch.from_numpy(rng.standard_normal(16)).to(evaluator.dit.input.weight.dtype) / 4
        stream = cls(MelStream(evaluator, voice, seed))
        stream.mel.add(torch.from_numpy(rng.integers(0, 64, (length, 2))))
        return stream

    @property
    def ended(self) -> bool:
        return self.error is not None or self.mel.next_span(finished=True) is None

    def advance(self) -> None:
        """Give one emission."""
        try:
            self.pieces.append(self.mel.emit(self.mel.next_span(finished=True)))
        except CancelledError as error:
            self.error = error

    def all(self) -> torch.Tensor:
        while not self.ended:
            self.advance()
        return torch.cat(self.pieces)


def advance_together(evaluator: BatchedEvaluator, streams: list[Stream], cancelled: Stream | None = None) -> None:
    """One emission of each, in one batch; one of them is cancelled while it waits for it."""
    streams = [s for s in streams if not s.ended]
    threads = [threading.Thread(target=s.advance, daemon=True) for s in streams]
    with evaluator.batcher.held():
        for thread in threads:
            thread.start()
        solving = [s for s in streams if len(s.mel.next_span(finished=True)) > s.mel._faded.held]
        assert evaluator.batcher.wait_for(len(solving), PATIENCE_S)
        if cancelled is not None:
            cancelled.mel.cancel()
    for thread in threads:
        thread.join(PATIENCE_S)


def check(bundle, plan: Plan, lengths: list[int], rounds: list, cancelled: int | None, double: bool) -> dict[int, int]:
    """Streams advanced round by round give what each gives alone; the sizes of the batches."""
    evaluator, alone = BatchedEvaluator(bundle, plan), Evaluator(bundle, plan)
    evaluator.dit.to(torch.float64 if double else torch.float32)
    try:
        streams = [Stream.of(evaluator, seed, length) for seed, length in enumerate(lengths)]
        for number, members in enumerate(rounds):
            chosen = [streams[i] for i in sorted(set(members)) if i < len(streams)]
            leaver = chosen[0] if chosen and number == cancelled and not chosen[0].ended else None
            advance_together(evaluator, chosen, leaver)
            assert leaver is None or isinstance(leaver.error, CancelledError)
        while not all(s.ended for s in streams):
            advance_together(evaluator, streams)
        for seed, (stream, length) in enumerate(zip(streams, lengths, strict=True)):
            expected = Stream.of(alone, seed, length).all()
            given = torch.cat([expected[:0], *stream.pieces])
            assert stream.error is not None or len(given) == len(expected)
            bound = (1e-10 if double else 1e-4) * float(expected.abs().max())
            torch.testing.assert_close(given, expected[: len(given)], atol=bound, rtol=0)
        return evaluator.batcher.sizes
    finally:
        evaluator.dit.float()


@pytest.mark.parametrize(("name", "parameters"), SYSTEMS)
@pytest.mark.parametrize("rounds", [IN_ORDER, JOINING], ids=["in order", "joining"])
def test_streams_with_histories_of_any_length_give_what_they_give_alone(bundle, name, parameters, rounds):
    sizes = check(bundle, plan_of(bundle, name, parameters), [19, 27, 9, 16], rounds, None, double=True)
    assert max(sizes) > 1


@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    system=st.sampled_from(SYSTEMS),
    lengths=st.lists(st.integers(1, 20), min_size=2, max_size=4),
    rounds=st.lists(st.lists(st.integers(0, 3), min_size=1, max_size=4), max_size=6),
    cancelled=st.none() | st.integers(0, 5),
    schedule=st.sampled_from([{}, {"nfe": 4, "solver": "midpoint"}, {"guidance": 0.0}, {"nfe": 1}]),
    double=st.booleans(),
)
def test_any_interleaving_any_company_and_any_leaver_change_no_sample(
    bundle, system, lengths, rounds, cancelled, schedule, double
):
    name, parameters = system
    check(bundle, plan_of(bundle, name, parameters, **schedule), lengths, rounds, cancelled, double)


def test_a_stream_cancelled_in_the_middle_of_a_batch_leaves_the_others_caches_alone(bundle):
    """The leaver's rows are carried along to the end of the hop, and its past with them; nobody else's past is touched."""
    plan = plan_of(bundle, "cosyvoice", {"cached": True})
    evaluator, alone = BatchedEvaluator(bundle, plan), Evaluator(bundle, plan)
    staying, leaving = Stream.of(evaluator, 0, 24), Stream.of(evaluator, 1, 24)
    advance_together(evaluator, [staying])
    advance_together(evaluator, [staying, leaving])
    asked = []

    def cancel_at_the_second_evaluation(*_) -> None:
        asked.append(1)
        if len(asked) == 2:
            leaving.mel.cancel()

    hook = evaluator.dit.register_forward_pre_hook(cancel_at_the_second_evaluation)
    try:
        advance_together(evaluator, [staying, leaving])
    finally:
        hook.remove()
    assert isinstance(leaving.error, CancelledError)
    assert len(asked) == plan.schedule.nfe
    torch.testing.assert_close(staying.all(), Stream.of(alone, 0, 24).all(), atol=1e-4, rtol=0)
