"""A process that the durability tests kill: listeners who start, answer and say what was acknowledged.

python writer.py URL NAME LISTENERS: each listener (a thread) goes through sessions of the study "voices" for ever. Standard
output has a line for everything that the store acknowledged: ``session KEY ID SLOT`` and ``answer SESSION POSITION CLIENT``.
"""

from __future__ import annotations

import os
import random
import sys
import threading
import time

from listening_tests.model import Step
from listening_tests.store import SessionOver, Store, StoreUnavailable, StudyFull

STEPS = 12
SLOTS = 100_000


def plan(slot: int, session_id: str) -> list[Step]:
    return [Step("level", "level", public={"slot": slot}, seconds=1.0) for _ in range(STEPS)]


def acknowledge(*words: object) -> None:
    os.write(1, (" ".join(map(str, words)) + "\n").encode())  # one system call: a kill leaves no half of a line


def again(call):
    """As the page does: the same request until there is an answer."""
    while True:
        try:
            return call()
        except StoreUnavailable:
            time.sleep(0.05)


def listen(store: Store, name: str, round_: int, chance: random.Random) -> None:
    key = f"{name}-{round_}"
    session = again(
        lambda: store.start_session(
            "voices", slots=SLOTS, resume_key=key, participant={}, language="en", make_steps=plan, now=time.time()
        )
    )
    acknowledge("session", key, session.session_id, session.slot)
    while (step := again(lambda: store.current_step(session.session_id, time.time()))) is not None:
        if chance.random() < 0.02:
            store.screen_out(session.session_id)  # drop-outs give slots back in between
            return
        client = f"{key}-{step.position}"
        given = (session.session_id, step.step_id, client, {"done": True}, {"A": [[0, 1]]}, [])
        again(lambda given=given: store.record(*given, time.time()))
        acknowledge("answer", session.session_id, step.position, client)


def run(store: Store, name: str) -> None:
    chance, round_ = random.Random(name), 0
    while True:
        round_ += 1
        try:
            listen(store, name, round_, chance)
        except (SessionOver, StudyFull, StoreUnavailable):
            continue


def main(url: str, name: str, listeners: int) -> None:
    store = Store.open(url)
    store.add_study("voices", "hash", {})
    for listener in range(listeners):
        threading.Thread(target=run, args=(store, f"{name}-{listener}"), daemon=True).start()
    threading.Event().wait()


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]))
