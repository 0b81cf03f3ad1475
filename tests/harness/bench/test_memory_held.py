"""Bytes are counted once, weights are nobody's own, and a cache grows with what it holds."""

from __future__ import annotations

import numpy as np
import torch

from harness.bench.bench_context import Context
from harness.bench.entries import Entry
from harness.bench.memory_held import own_bytes, storages


class Holder:
    def __init__(self, **things):
        self.__dict__.update(things)


def test_views_of_one_storage_count_once_and_containers_are_searched():
    x, y = torch.zeros(100), np.zeros(50, np.int64)
    assert sum(storages(Holder(a=x, b=[x[3:], {"c": (y, y[1:])}])).values()) == 400 + 400


def test_what_two_sessions_share_is_nobodys_own():
    weights = torch.zeros(1000)
    one, other = Holder(w=weights, state=torch.zeros(10)), Holder(w=weights, state=torch.zeros(10))
    assert own_bytes(one, other) == 40


def test_a_circle_ends():
    one = Holder(x=torch.zeros(2))
    one.self = one
    assert sum(storages(one).values()) == 8


def test_a_cached_stream_holds_more_the_longer_it_is_and_a_window_does_not(bundle):
    held = {}
    for label in ("streamflow-sr", "causal"):
        context = Context(bundle, (Entry.parse(label),))
        for history in (1.0, 6.0):
            parked = context.parked(context.entries[0], history, context.systems[label])
            parked.advance()
            held[label, history] = own_bytes(parked.session, context.systems[label](context.workload.request(0.04)))
    assert held["streamflow-sr", 1.0] == held["streamflow-sr", 6.0] > 0
    frames, config = 600, bundle.config("decoder")
    keys_and_values = 4 * 2 * 2 * 4 * config.layers * config.width * frames  # NFE, branches, K and V, float32
    assert held["causal", 6.0] >= keys_and_values
    assert held["causal", 6.0] > 3 * held["causal", 1.0]
