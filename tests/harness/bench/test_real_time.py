"""How many streams are held is found by search, and a late chunk is behind."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.bench.real_time import held, keeps_up, most_streams
from harness.bench.workload import Workload
from harness.render import ChunkTrace
from streamflow.session import AudioChunk


def chunk(tokens: int, arrived_s: float) -> ChunkTrace:
    return ChunkTrace(0, 0, 0, 160, tokens, arrived_s, 0.0, 0.0, 0.0, 0.0)


def test_a_chunk_may_come_a_hop_after_its_last_token_and_no_later():
    assert keeps_up([chunk(12, 0.48 + 0.2), chunk(18, 0.72 + 0.24)], 0.2401)
    assert not keeps_up([chunk(12, 0.48 + 0.2), chunk(18, 0.72 + 0.25)], 0.24)


def test_chunks_that_one_token_completes_may_come_a_hop_after_each_other():
    assert keeps_up([chunk(12, 0.5), chunk(18, 0.72 + 0.2), chunk(18, 0.72 + 0.4)], 0.24)
    assert not keeps_up([chunk(12, 0.5), chunk(18, 0.72 + 0.2), chunk(18, 0.72 + 0.5)], 0.24)
    assert not keeps_up([chunk(12, 0.5), chunk(18, 0.72 + 0.4), chunk(18, 0.72 + 0.4)], 0.24)


@given(capacity=st.integers(0, 70), limit=st.integers(1, 64))
def test_the_search_finds_the_most_streams_and_never_tries_more_than_allowed(capacity, limit):
    tried = []

    def holds(count: int) -> bool:
        tried.append(count)
        return count <= capacity

    assert most_streams(holds, limit) == min(capacity, limit)
    assert max(tried) <= limit
    assert len(tried) == len(set(tried))


class Late:
    """Gives its only chunk after all tokens, which a hop later is too late."""

    def __init__(self, request):
        self.pushed = 0

    def push(self, tokens):
        self.pushed += len(tokens)
        return ()

    def finish(self):
        yield AudioChunk(0, np.zeros(640 * self.pushed, np.float32))

    def cancel(self):
        pass


def test_streams_that_answer_at_once_are_held(bundle):
    assert held(Late, [Workload(bundle).request(0.2)] * 2, hop_s=60.0)
    assert not held(Late, [Workload(bundle).request(0.2)], hop_s=-60.0)


def test_an_error_of_a_stream_is_no_measurement(bundle):
    def broken(request):
        raise RuntimeError("no such weights")

    with pytest.raises(RuntimeError, match="no such weights"):
        held(broken, [Workload(bundle).request(0.2)], 1.0)
