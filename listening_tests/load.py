"""How fast the service is under load: listeners at once, in real time, at a server process of its own.

python -m listening_tests.load [--listeners 200] [--seconds 60] [--study FOLDER] [--database URL]
"""

from __future__ import annotations

import argparse
import asyncio
import random
import shutil
import sys
import tempfile
import time
import uuid
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import numpy as np

from harness.storage import sha256_of, write_bytes, write_json
from streamflow.errors import StreamflowError

from .model import Stimulus
from .opening import open_study
from .simulation.server import service_process
from .stimuli.wav import encode_wav, to_int16
from .study import Study, load_study

RATE = 16_000
THINKING_S = (0.5, 3.0)  # between the end of listening and the answer


def blind_answer(step: Mapping[str, Any], rng: random.Random) -> dict[str, Any]:
    """Some answer that the step allows, from nothing but what the page was told."""
    public, labels = step["public"], [item["label"] for item in step["stimuli"]]
    plain = {
        "consent": {"agreed": True},
        "questions": {"replies": dict.fromkeys(public.get("questions", []), "a reply")},
        "level": {"done": True},
        "break": {"done": True},
        "comments": {"text": "50 % of A & B; a+b = ü"},
    }
    if step["kind"] in plain:
        return plain[step["kind"]]
    if step["view"] == "intervals":
        return {"choice": rng.choice(labels)}
    if step["view"] == "sliders":
        rated = [label for label in labels if label != public.get("reference")]
        return {"values": {label: rng.randint(1, 100) for label in rated}}
    if step["view"] == "seams":
        return {"presses": []}
    value = rng.choice([item["value"] for item in public["scale"]])
    return {"value": value} if type(value) is int else {"choice": value}


@dataclass
class Measured:
    """What was measured: seconds a request by name, and requests that failed."""

    seconds: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    failures: list[str] = field(default_factory=list)
    completed: int = 0

    def report(self) -> str:
        """Lines for a person."""
        lines = [f"{'request':<12}{'count':>8}{'p50 ms':>9}{'p95 ms':>9}{'max ms':>9}"]
        for name, seconds in sorted(self.seconds.items()):
            p50, p95, most = 1000 * np.percentile(seconds, [50, 95, 100])
            lines.append(f"{name:<12}{len(seconds):>8}{p50:>9.0f}{p95:>9.0f}{most:>9.0f}")
        lines.append(f"failures: {len(self.failures)}   sessions completed: {self.completed}")
        return "\n".join([*lines, *sorted(set(self.failures))[:5]])


class Visitor:
    """One listener: starts somewhere in the first seconds, fetches sounds, listens in real time, answers."""

    def __init__(self, client: httpx.AsyncClient, measured: Measured, study: str, number: int) -> None:
        self.client, self.measured, self.study, self.number = client, measured, study, number
        self.rng = random.Random(number)
        self.headers: dict[str, str] = {}

    async def visit(self, delay_s: float, deadline: float) -> None:
        """Take part until the end of the study or until ``deadline`` (monotonic seconds)."""
        await asyncio.sleep(delay_s)
        body = {"study": self.study, "language": "en", "parameters": {"PROLIFIC_PID": f"load-{self.number}"}}
        begun = await self._timed("start", "POST", "api/sessions", json=body)
        if begun is None:
            return
        self.headers = {"Authorization": f"Bearer {begun.json()['session']}"}
        shown = await self._timed("next step", "GET", "api/step")
        current = shown.json() if shown is not None else {}
        while "step" in current and time.monotonic() < deadline:
            current = await self._step(current)
        self.measured.completed += bool(current.get("done"))

    async def _step(self, current: dict[str, Any]) -> dict[str, Any]:
        for item in current["stimuli"]:
            await self._timed("sound", "GET", item["url"])
        seconds = {item["label"]: item["seconds"] for item in current["stimuli"]}
        listens = current["listening"]["coverage"] > 0
        await asyncio.sleep(listens * sum(seconds.values()) + self.rng.uniform(*THINKING_S))
        body = {
            "client_id": str(uuid.uuid4()),
            "step": current["step"],
            "answer": blind_answer(current, self.rng),
            "listened": {label: [[0.0, length]] for label, length in seconds.items()} if listens else {},
            "events": [{"at": 10.0 * n, "type": "play", "label": "A", "position": 0.1 * n} for n in range(20)],
        }
        if self.rng.random() < 0.1:  # somebody comes back
            await self._timed("next step", "GET", "api/step")
        saved = await self._timed("save", "POST", "api/answers", json=body)
        return saved.json()["next"] if saved is not None else {}

    async def _timed(self, name: str, method: str, path: str, **options: Any) -> httpx.Response | None:
        start = time.perf_counter()
        try:
            response = await self.client.request(method, path, headers=self.headers, **options)
        except httpx.HTTPError as error:
            self.measured.failures.append(f"{name}: {type(error).__name__}")
            return None
        self.measured.seconds[name].append(time.perf_counter() - start)
        if response.status_code >= 400:
            self.measured.failures.append(f"{name}: {response.status_code} {response.text[:80]}")
            return None
        return response


async def load(address: str, study: str, listeners: int, seconds: float, ramp_s: float) -> Measured:
    """Let listeners come within ``ramp_s`` and go on for ``seconds``."""
    measured = Measured()
    limits = httpx.Limits(max_connections=listeners + 1, max_keepalive_connections=listeners)
    deadline = time.monotonic() + seconds
    async with httpx.AsyncClient(base_url=address + "/", timeout=60.0, limits=limits) as client:
        visitors = [Visitor(client, measured, study, number) for number in range(listeners)]
        await asyncio.gather(*(visitor.visit(ramp_s * n / listeners, deadline) for n, visitor in enumerate(visitors)))
    return measured


def make_load_study(folder: Path, listeners: int, *, sentences: int = 24, seconds: float = 4.0) -> Path:
    """A study with noise of the length of sentences, so that no run is needed."""
    study = Study.from_table({
        "title": "Load", "protocol": "acr-naturalness", "systems": ["one", "two", "three"], "simulated": True,
        "design": {"listeners": listeners},
    })  # fmt: skip
    rng, table = np.random.default_rng(0), []
    roles = {**dict.fromkeys(study.systems, "test"), "reference": "reference"}
    for sentence in range(sentences):
        for system, role in [*roles.items(), (study.systems[sentence % 3], "trap")]:
            samples = to_int16(0.05 * rng.standard_normal(int(seconds * RATE)).clip(-4, 4))
            name, content = rng.bytes(12).hex(), encode_wav(samples, RATE)
            write_bytes(folder / "stimuli" / f"{name}.wav", content)
            key = {"beeps": 2} if role == "trap" else {}
            table.append(
                Stimulus(name, f"s{sentence}", system, role, len(samples), RATE, sha256_of(content), key=key).table()
            )
    write_bytes(folder / "study.toml", study.to_toml().encode())
    write_json(folder / "stimuli.json", {"stimuli": table, "level": study.table()["level"], "rate": RATE})
    return folder


def copy_study(source: Path, folder: Path, listeners: int) -> Path:
    """A study's copy, marked as simulated, with room for so many listeners."""
    table = load_study(source).table()
    table["simulated"], table["access"]["invitation"] = True, False
    table["design"]["listeners"] = max(listeners, table["design"]["listeners"])
    shutil.copytree(source / "stimuli", folder / "stimuli")
    shutil.copy2(source / "stimuli.json", folder / "stimuli.json")
    write_bytes(folder / "study.toml", Study.from_table(table).to_toml().encode())
    return folder


def main(given: list[str] | None = None) -> None:
    """The command."""
    parser = argparse.ArgumentParser(prog="python -m listening_tests.load", description=__doc__.splitlines()[0])
    parser.add_argument("--listeners", type=int, default=200)
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--ramp", type=float, default=20.0, help="seconds within which they come")
    parser.add_argument("--study", type=Path, help="a copy of this study, instead of noise")
    parser.add_argument("--database", help="SQLAlchemy URL of an empty database; default: SQLite")
    arguments = parser.parse_args(given)
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place) / "load"
        try:
            if arguments.study:
                copy_study(arguments.study, folder, arguments.listeners)
            else:
                make_load_study(folder, arguments.listeners)
            opened = open_study(folder, arguments.database)
            with service_process(folder, database=arguments.database) as address:
                going = load(address, opened.token, arguments.listeners, arguments.seconds, arguments.ramp)
                print(asyncio.run(going).report())
            opened.store.close()
        except StreamflowError as error:
            sys.exit(str(error))


if __name__ == "__main__":
    main()
