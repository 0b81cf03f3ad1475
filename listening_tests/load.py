"""How the service bears many listeners at once: ``python -m listening_tests.load STUDY``.

A copy of the study is served by a process of its own; simulated listeners take it all together, sounds included, and the
times of "next trial" and "save" are printed. The listeners run on the same cores as the service, so the figures are too high.
"""

from __future__ import annotations

import asyncio
import tempfile
import time
from collections import defaultdict
from pathlib import Path
from typing import Annotated, Any

import httpx
import numpy as np
import typer

from .opening import OpenStudy, open_study
from .simulation.behaviour import Behaviour
from .simulation.client import Visit, take_part
from .simulation.qualities import spaced_qualities, with_fixed
from .simulation.server import service_process
from .simulation.simulate import Ears, copy_study

NAMES = {"/api/sessions": "begin", "/api/step": "next trial", "/api/answers": "save and next trial"}
TIMEOUT_S = 60.0


class TimedClient(httpx.AsyncClient):
    """Notes how long each request took."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.seconds: dict[str, list[float]] = defaultdict(list)
        self.failed = 0

    async def request(self, method: str, url: Any, **options: Any) -> httpx.Response:
        start = time.perf_counter()
        try:
            response = await super().request(method, url, **options)
        except httpx.HTTPError:
            self.failed += 1
            raise
        self.failed += response.status_code >= 500
        self.seconds[NAMES.get(str(url), "sound")].append(time.perf_counter() - start)
        return response


def main(
    study: Annotated[Path, typer.Argument(help="A study; a copy of it is used.")],
    listeners: Annotated[int, typer.Option(min=1)] = 200,
    speed: Annotated[float, typer.Option(min=1, help="How many times faster than people they listen.")] = 1.0,
    arrive_s: Annotated[float, typer.Option(min=0, help="They come within so many seconds.")] = 10.0,
    database: Annotated[str | None, typer.Option(envvar="STREAMFLOW_DATABASE")] = None,
) -> None:
    """Print p50, p95 and the worst of every kind of request."""
    with tempfile.TemporaryDirectory() as folder:
        copied, made = copy_study(study, Path(folder) / study.name, listeners)
        opened = open_study(copied, database)
        with service_process(copied, speed=speed, database=database) as address:
            crowd = [Behaviour("honest", with_fixed(spaced_qualities(made.systems)), seed) for seed in range(listeners)]
            start = time.perf_counter()
            client, visits = asyncio.run(_visit(address, opened, crowd, speed, arrive_s))
            seconds = time.perf_counter() - start
    completed = sum(visit.outcome == "completed" for visit in visits)
    answers = sum(len(visit.acknowledged) for visit in visits)
    typer.echo(
        f"{listeners} listeners, {completed} completed, {answers} answers in {seconds:.0f} s "
        f"({answers / seconds:.0f} a second), {client.failed} requests failed"
    )
    for name, taken in client.seconds.items():
        p50, p95, worst = np.percentile(np.array(taken) * 1000, [50, 95, 100])
        typer.echo(f"{name:20} n {len(taken):6}   p50 {p50:6.0f} ms   p95 {p95:6.0f} ms   worst {worst:6.0f} ms")


async def _visit(
    address: str, opened: OpenStudy, crowd: list[Behaviour], speed: float, arrive_s: float
) -> tuple[TimedClient, list[Visit]]:
    ears = Ears(opened)
    limits = httpx.Limits(max_connections=len(crowd) + 1, max_keepalive_connections=len(crowd) + 1)
    async with TimedClient(base_url=address, timeout=TIMEOUT_S, limits=limits) as client:

        async def one(index: int, listener: Behaviour) -> Visit:
            await asyncio.sleep(arrive_s * index / len(crowd))
            return await take_part(client, opened.token, listener, ears, name=f"load-{index}", speed=speed)

        return client, await asyncio.gather(*(one(index, listener) for index, listener in enumerate(crowd)))


if __name__ == "__main__":
    typer.run(main)
