"""Results by content: had once, told apart by everything that they depend on, and not kept for ever."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from harness.metrics.content_cache import ContentCache, content_key


def test_what_was_computed_for_the_same_content_is_not_computed_again():
    cache, calls = ContentCache[int](4), []
    for signal in (np.ones(3), np.ones(3), np.zeros(3), np.ones(3)):
        assert cache.get((signal,), lambda signal=signal: calls.append(0) or int(signal.sum())) == int(signal.sum())
    assert len(calls) == 2


def test_none_is_a_result_too():
    cache, calls = ContentCache[None](4), []
    for _ in range(2):
        assert cache.get((np.ones(3),), lambda: calls.append(0)) is None
    assert len(calls) == 1


def test_the_longest_unused_result_goes_first():
    cache, calls = ContentCache[int](2), []
    for value in (1, 2, 1, 3, 1, 2):
        cache.get((np.array([value]),), lambda value=value: calls.append(value) or value)
    assert calls == [1, 2, 3, 2]


def test_a_computation_that_fails_leaves_nothing_behind():
    cache = ContentCache[int](2)
    for attempt, expected in ((lambda: 1 // 0, None), (lambda: 7, 7)):
        try:
            assert cache.get((np.ones(1),), attempt) == expected
        except ZeroDivisionError:
            assert expected is None


@given(arrays.arrays(np.float32, st.integers(0, 6)), arrays.arrays(np.float32, st.integers(0, 6)))
def test_keys_tell_signals_types_orders_and_salts_apart(first: np.ndarray, second: np.ndarray):
    keys = [
        content_key((first, second)),
        content_key((np.concatenate([first, second]),)),
        content_key((first, second), "salt"),
        content_key((first, second, np.zeros(0, np.float32))),
        content_key((first.view(np.int32), second.view(np.int32))),
    ]
    assert len(set(keys)) == len(keys)
    if first.tobytes() != second.tobytes():
        assert content_key((first, second)) != content_key((second, first))
    assert content_key((first.copy(), second.copy())) == keys[0]
