"""Turns: no visitor waits for another's second job longer than for one of each."""

from __future__ import annotations

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from harness.live.queue import FairQueue

visitors = st.sampled_from("abcd")
steps = st.lists(st.one_of(visitors.map(lambda who: ("put", who)), st.just(("take", "")), st.just(("remove", ""))))


@given(steps=steps, picks=st.randoms(use_true_random=False))
def test_between_two_of_one_visitor_everyone_else_who_waits_is_served(steps, picks):
    queue, waiting, order = FairQueue(), [], 0
    served_since: dict[str, Counter] = {}  # whom others have served since a visitor waits without a break
    for kind, who in steps:
        if kind == "put":
            order += 1
            queue.put(who, (who, order))
            waiting.append((who, order))
            served_since.setdefault(who, Counter())
        elif kind == "remove" and waiting:
            gone = picks.choice(waiting)
            assert queue.remove(gone)
            assert not queue.remove(gone)
            waiting.remove(gone)
        else:
            foreseen = next(iter(queue), None)
            taken = queue.take()
            assert taken == foreseen
            if taken is None:
                assert not waiting
                continue
            waiting.remove(taken)
            assert taken[1] == min([n for w, n in waiting if w == taken[0]] + [taken[1]])
            served_since[taken[0]] = Counter()
            for other in served_since:
                if other != taken[0]:
                    served_since[other][taken[0]] += 1
                    assert served_since[other][taken[0]] <= 1
        for gone in set(served_since) - {who for who, _ in waiting}:
            del served_since[gone]
        assert len(queue) == len(waiting)
        assert sorted(queue) == sorted(waiting)


@given(puts=st.lists(visitors))
def test_places_are_the_order_in_which_jobs_are_taken(puts):
    queue = FairQueue()
    for number, who in enumerate(puts):
        queue.put(who, (who, number))
    foreseen = list(queue)
    assert [queue.take() for _ in puts] == foreseen
