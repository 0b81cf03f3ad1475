"""Does live decoding slow the listeners' pages? Simulated listeners at the real application, without and with two decodes.

python tools/measure_listeners.py                   # about five minutes; ends with 1 where the ratio is above 1.5
python tools/measure_listeners.py --seconds 20      # quicker, rougher

Listeners take a study over HTTP as a browser does, in real time. Requests are timed in blocks: idle, decoding, decoding,
idle (so that a drift of the machine counts for neither), and the 95th percentile of all of idle is compared with that of
all of decoding.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import re
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated

import httpx
import numpy as np
import typer

from listening_tests.opening import OpenStudy, load_open_study
from listening_tests.simulation.behaviour import Behaviour
from listening_tests.simulation.client import take_part
from listening_tests.simulation.qualities import spaced_qualities, with_fixed
from listening_tests.simulation.server import free_port
from listening_tests.simulation.simulate import Ears

ROOT = Path(__file__).resolve().parent.parent
CORPUS = ROOT / "corpora" / "shipped" / "manifest.csv"
ENOUGH = 1.5  # what the application promises
SETTLE_S = 3.0  # between blocks
START_S = 300.0  # at most until the first sound of a decode
DECODED = "utterance=flite_awb_1&checkpoint=small&seed=0&rate=25&system=streamflow-sr&system=full"


@dataclass
class Timed:
    """Seconds of every request of listeners, by block."""

    token: str  # of the study
    block: str = ""
    seconds: dict[str, list[float]] = field(default_factory=dict)
    paths: Counter[str] = field(default_factory=Counter)
    statuses: Counter[int] = field(default_factory=Counter)

    def hooks(self) -> dict[str, list]:
        """For httpx."""

        async def begin(request: httpx.Request) -> None:
            request.extensions["began"] = time.perf_counter()

        async def end(response: httpx.Response) -> None:
            await response.aread()
            if self.block:
                self.seconds.setdefault(self.block, []).append(
                    time.perf_counter() - response.request.extensions["began"]
                )
                self.paths[re.match(r"/a/|.*", response.request.url.path)[0].removesuffix(self.token)] += 1
                self.statuses[response.status_code] += 1

        return {"request": [begin], "response": [end]}


def make_study(folder: Path, listeners: int) -> OpenStudy:
    """A run of two short sentences, and an open study of it that does not fill up."""
    streamflow = [sys.executable, "-c", "from harness.cli import app; app()"]
    compare = ["compare", "--corpus", str(CORPUS), "--systems", "full,naive", "--limit", "2", "--metrics", "none"]
    study = ["study", "create", "--run", str(folder / "runs" / "small"), "--listeners", str(listeners)]
    for argv in (
        [*compare, "--no-report", "--out", str(folder / "runs" / "small")],
        [*study, "--out", str(folder / "studies" / "small")],
        ["study", "open", str(folder / "studies" / "small")],
    ):
        done = subprocess.run([*streamflow, *argv], cwd=ROOT, capture_output=True, text=True)
        if done.returncode:
            raise SystemExit(f"error: streamflow {' '.join(argv[:2])}: {done.stderr.strip().splitlines()[-1]}")
    return load_open_study(folder / "studies" / "small", None)


@contextlib.contextmanager
def served(folder: Path) -> Iterator[tuple[str, str]]:
    """``python app.py`` on a free port; yields its address and the one-time token."""
    command = [
        sys.executable,
        str(ROOT / "app.py"),
        "--runs",
        str(folder / "runs"),
        "--studies",
        str(folder / "studies"),
    ]
    process = subprocess.Popen(
        [*command, "--port", str(free_port())], cwd=ROOT, stdout=subprocess.PIPE, text=True,
        env={**os.environ, "PYTHONUNBUFFERED": "1", "STREAMFLOW_LIVE_DECODES": "2"},
    )  # fmt: skip
    try:
        found = next(found for line in process.stdout if (found := re.search(r"(http\S+)/login\?token=(\S+)", line)))
        while True:
            with contextlib.suppress(httpx.HTTPError):
                httpx.get(f"{found[1]}/login", timeout=2)
                break
            if process.poll() is not None:
                raise SystemExit("error: app.py ended; start it by hand to see why")
            time.sleep(0.2)
        yield found[1], found[2]
    finally:
        process.send_signal(signal.SIGINT)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(20)
        process.kill()


async def listen(address: str, opened: OpenStudy, listeners: int, timed: Timed) -> None:
    """Listeners that come, take the study, and are followed by the next, until cancelled."""
    ears, qualities = Ears(opened), with_fixed(spaced_qualities(opened.study.systems))

    async def one(seat: int) -> None:
        for visit in range(10_000):
            await asyncio.sleep(0.3 * seat if not visit else 0)  # nobody comes all at once
            listener = Behaviour("honest", qualities, 1000 * seat + visit)
            async with httpx.AsyncClient(base_url=address, timeout=60, event_hooks=timed.hooks()) as client:
                await client.get("/listen/", params={"study": opened.token})
                await client.get(f"/api/studies/{opened.token}")
                await take_part(client, opened.token, listener, ears, name=f"{seat}-{visit}")

    await asyncio.gather(*(one(seat) for seat in range(listeners)))


async def decode(address: str, cookie: str, done: Counter[str], begun: asyncio.Event) -> None:
    """One visitor who decodes again and again, until cancelled; the event is set by the first sound."""
    async with httpx.AsyncClient(base_url=address, timeout=120, cookies={"administrator": cookie}) as client:
        await client.get("/app/help")  # gives the visitor's cookie
        while True:
            made = await client.post("/live/jobs", json={"query": DECODED})
            made.raise_for_status()
            job = f"/live/jobs/{made.json()['id']}"
            try:
                async with client.stream("GET", f"{job}/events") as events:
                    async for line in events.aiter_lines():
                        kind = json.loads(line)["kind"]
                        done[kind] += 1
                        if kind == "chunk":
                            begun.set()
            except asyncio.CancelledError:  # the block is over
                await client.post(f"{job}/cancel")
                raise


@contextlib.asynccontextmanager
async def running(*coroutines) -> AsyncIterator[None]:
    """Until the block ends; says an error of theirs."""
    tasks = [asyncio.create_task(one) for one in coroutines]
    try:
        yield
        for task in tasks:
            if task.done():
                task.result()
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def measure(address: str, token: str, opened: OpenStudy, listeners: int, seconds: float) -> tuple[Timed, Counter]:
    """The four blocks."""
    timed, done = Timed(opened.token), Counter()
    async with httpx.AsyncClient(base_url=address) as client:
        cookie = (await client.post("/login", data={"secret": token})).cookies["administrator"]
    async with running(listen(address, opened, listeners, timed)):
        await asyncio.sleep(2 * SETTLE_S)
        for block in ("idle", "decoding", "decoding", "idle"):
            begun = asyncio.Event()
            decodes = [decode(address, cookie, done, begun) for _ in range(2 if block == "decoding" else 0)]
            async with running(*decodes):
                if decodes:  # both ask from the start; models are loaded before there is sound
                    await asyncio.wait_for(begun.wait(), START_S)
                await asyncio.sleep(SETTLE_S)
                timed.block = block
                await asyncio.sleep(seconds)
                timed.block = ""
    return timed, done


def main(
    seconds: Annotated[float, typer.Option(min=5, help="Of each of the four blocks.")] = 60,
    listeners: Annotated[int, typer.Option(min=1, help="At once.")] = 8,
) -> None:
    """Measure, print, and end with 1 where decoding slows listeners by more than half."""
    with tempfile.TemporaryDirectory(prefix="measure-listeners-") as name:
        opened = make_study(Path(name), 100_000)
        with served(Path(name)) as (address, token):
            timed, done = asyncio.run(measure(address, token, opened, listeners, seconds))
        opened.store.close()
    p95 = {}
    for block in ("idle", "decoding"):
        values = 1000 * np.array(timed.seconds[block])
        p50, p95[block], longest = np.percentile(values, (50, 95, 100))
        print(
            f"{block:9s} {len(values):5d} requests   p50 {p50:6.1f} ms  p95 {p95[block]:6.1f} ms  longest {longest:6.1f} ms"
        )
    ratio = p95["decoding"] / p95["idle"]
    print(f"requests: {dict(timed.paths)}; answers: {dict(timed.statuses)}")
    print(f"decoded meanwhile: {done['chunk']} chunks, {done['rendered']} renderings; other events: {dict(done)}")
    if not done["chunk"]:
        raise SystemExit("error: nothing was decoded meanwhile; the measurement says nothing")
    print(f"p95 with two live decodes is {ratio:.2f} times that of idle; at most {ENOUGH} is promised")
    raise SystemExit(int(ratio > ENOUGH))


if __name__ == "__main__":
    typer.run(main)
