"""kill -9 of the whole server at random moments, under listeners who go on sending: nothing lost, nothing doubled."""

from __future__ import annotations

import asyncio
import os
import random
import signal
import subprocess
import sys
import time
import uuid
from collections import Counter
from pathlib import Path
from typing import Any

import httpx
import pytest

from listening_tests.load import blind_answer
from listening_tests.opening import OpenStudy, open_study
from listening_tests.service.completion import verify_code
from listening_tests.simulation.client import call
from tests.ports import free_port

ROOT = Path(__file__).parents[3]
SPEED = 500.0  # of the server's clock: listening takes no time
THINKING_S = (0.2, 1.2)


class Server:
    """The real server, killed and started again until told to stop."""

    def __init__(self, opened: OpenStudy, database: str, log: Path) -> None:
        self.port, self.log = free_port(), log
        self.command = [sys.executable, "-m", "listening_tests.serve", "--study", str(opened.folder), "--port",
                        str(self.port), "--database", database, "--speed", str(SPEED), "--no-page"]  # fmt: skip
        self.process: subprocess.Popen | None = None

    def start(self) -> None:
        with self.log.open("ab") as log:
            environment = {**os.environ, "OMP_NUM_THREADS": "1"}
            self.process = subprocess.Popen(self.command, cwd=ROOT, stdout=log, stderr=log, env=environment)
        deadline = time.monotonic() + 900
        while time.monotonic() < deadline and self.process.poll() is None:
            try:
                httpx.get(f"http://127.0.0.1:{self.port}/api/studies/none", timeout=10)
                return
            except httpx.HTTPError:
                time.sleep(0.05)
        pytest.fail(f"the server did not start: {self.log.read_text()[-2000:]}")

    def kill(self) -> None:
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()

    async def be_killed(self, after: list[int], saved: dict[str, Any]) -> list[int]:
        """Killed whenever so many answers had been acknowledged; how many it were by then, at each kill."""
        moments = []
        for answers in after:
            while len(saved) < answers:
                await asyncio.sleep(0.01)
            await asyncio.to_thread(self.kill)
            moments.append(len(saved))
            await asyncio.to_thread(self.start)
        return moments


async def take_part(client: httpx.AsyncClient, study: str, number: int, saved: dict[str, Any]) -> str:
    """Go to the end whatever happens; every acknowledged answer goes into ``saved``. Returns the completion code."""
    rng = random.Random(number)
    begin = {"study": study, "language": "en", "parameters": {"PROLIFIC_PID": f"person-{number}"}}
    begun = await call(client, "POST", "api/sessions", json=begin)
    assert begun.status_code == 200, begun.text
    headers = {"Authorization": f"Bearer {begun.json()['session']}"}
    current = (await call(client, "GET", "api/step", headers=headers)).json()
    while "step" in current:
        await asyncio.sleep(rng.uniform(*THINKING_S))
        heard = {item["label"]: [[0.0, item["seconds"]]] for item in current["stimuli"]}
        body = {"client_id": str(uuid.uuid4()), "step": current["step"], "answer": blind_answer(current, rng),
                "listened": heard, "events": []}  # fmt: skip
        reply = await call(client, "POST", "api/answers", json=body, headers=headers)
        assert reply.status_code == 200, reply.text
        saved[body["client_id"]] = (body["step"], body["answer"])
        if rng.random() < 0.05:  # a duplicate that the network made
            again = await call(client, "POST", "api/answers", json=body, headers=headers)
            assert (again.status_code, again.json()["first"]) == (200, False)
        current = reply.json()["next"]
    return current["completion"]["code"]


async def everybody(
    server: Server, study: str, listeners: int, kills: list[int]
) -> tuple[dict[str, Any], list[str], list[int]]:
    saved: dict[str, Any] = {}
    limits = httpx.Limits(max_connections=listeners + 1)
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{server.port}/", timeout=120.0, limits=limits) as client:
        killing = asyncio.create_task(server.be_killed(kills, saved))
        codes = await asyncio.gather(*(take_part(client, study, number, saved) for number in range(listeners)))
        moments = await killing
    return saved, codes, moments


@pytest.mark.slow
def test_200_listeners_and_a_server_killed_again_and_again(make_study, database_url, tmp_path):
    listeners = 200
    _, folder = make_study(
        simulated=True, sentences=6, design={"listeners": listeners}, access={"return_slot_after_min": 1e6},
        screening={"level": False, "training": 0, "traps": 0},
    )  # fmt: skip
    opened = open_study(folder, database_url)
    server = Server(opened, database_url, tmp_path / "server.log")
    server.start()
    try:
        kills = sorted(random.Random(5).sample(range(1, listeners * 7), 8))  # of listeners * 8 answers
        saved, codes, moments = asyncio.run(everybody(server, opened.token, listeners, kills))
    finally:
        server.kill()
    rows = opened.store.answers(opened.study_id)
    assert len(moments) == 8 and moments[-1] < len(rows), moments  # while listeners were at it
    assert len(saved) == len(rows) == listeners * 8  # consent, six sentences, comments
    assert max(Counter((row.session_id, row.position) for row in rows).values()) == 1
    by_step = {row.step_id: row.answer for row in rows}
    for step_id, answer in saved.values():
        assert by_step[step_id] == ({"characters": len(answer["text"])} if "text" in answer else answer)
    counts = opened.store.counts(opened.study_id)
    assert (counts.started, counts.complete) == (listeners, listeners)
    assert list(counts.slots) == list(range(listeners))
    assert len(set(codes)) == listeners
    assert {verify_code(opened, code) for code in codes} == {"completed"}
    frame = opened.store.ratings_frame(opened.study_id)
    assert len(frame) == listeners * 6
    assert frame.groupby(["sentence", "system"]).size().between(66, 67).all()
    opened.store.close()
