"""How long the store takes with 200 listeners; printed, not tested: ``python tests/listening_tests/store/benchmark.py [URL]``.

Threads do what the service does for every answer: ``session``, ``record``, ``next_steps``.
"""

from __future__ import annotations

import sys
import tempfile
import threading
import time
from pathlib import Path

import numpy as np

from listening_tests.model import Step
from listening_tests.store import Store

LISTENERS, THREADS, STEPS = 200, 20, 40


def plan(slot: int, session_id: str) -> list[Step]:
    secret = {"role": "main", "sentence": "s", "condition": ["a"], "systems": {"A": "a"}, "key": {}}
    return [Step("trial", "scale", {"A": "clip:x"}, {"view": "scale"}, secret, "acr-naturalness", 9.0)] * STEPS


def main(url: str) -> None:
    times: dict[str, list[float]] = {"start_session": [], "session": [], "record": [], "next_steps": []}
    events = [{"at": index * 10, "type": "play", "label": "A", "position": 0.1} for index in range(30)]

    def timed(name, call):
        before = time.perf_counter()
        result = call()
        times[name].append(time.perf_counter() - before)
        return result

    def listen(store: Store, token: str, client: str) -> None:
        session = timed("session", lambda: store.session(token))
        step, _ = timed("next_steps", lambda: store.next_steps(session.session_id, time.time()))
        given = (session.session_id, step.step_id, client, {"value": 3}, {"A": [[0, 4.0]]}, events)
        timed("record", lambda: store.record(*given, time.time()))

    with Store.open(url) as store:
        store.add_study("bench", "hash", {})
        tokens = [
            timed("start_session", lambda: store.start_session(
                "bench", slots=LISTENERS, resume_key=None, participant={}, language="en", make_steps=plan, now=0.0
            )).token
            for _ in range(LISTENERS)
        ]  # fmt: skip
        for threads in (1, THREADS):
            for kept in ("session", "record", "next_steps"):
                times[kept].clear()

            def work(mine: list[str], pass_: int) -> None:
                for round_ in range(STEPS // 4):
                    for token in mine:
                        listen(store, token, f"{pass_}-{round_}")

            before = time.perf_counter()
            workers = [threading.Thread(target=work, args=(tokens[i::threads], threads)) for i in range(threads)]
            [worker.start() for worker in workers]
            [worker.join() for worker in workers]
            took = time.perf_counter() - before
            print(f"{threads} threads: {len(times['record']) / took:.0f} answers a second")
            for name, values in times.items():
                p50, p95, p99 = np.percentile(np.array(values) * 1e3, (50, 95, 99))
                print(f"  {name:14s} p50 {p50:6.2f} ms  p95 {p95:6.2f} ms  p99 {p99:6.2f} ms  n {len(values)}")
        for name, call in {"counts": store.counts, "answers": store.answers}.items():
            before = time.perf_counter()
            call("bench")
            print(f"  {name:14s} {1e3 * (time.perf_counter() - before):.0f} ms")


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        main(sys.argv[1] if len(sys.argv) > 1 else str(Path(folder) / "ratings.sqlite"))
