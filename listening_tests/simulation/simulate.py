"""Simulated listeners take a copy of a study at the real service, a process of its own, over HTTP."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx

from harness.storage import write_bytes

from ..errors import StudyError
from ..model import Step
from ..study import Study, load_study
from .behaviour import KINDS, Behaviour
from .client import Visit, take_part
from .qualities import parse_qualities, spaced_qualities, with_fixed
from .server import service_process

if TYPE_CHECKING:
    from ..opening import OpenStudy

TIMEOUT_S = 60.0  # a request on a machine that does other things too


@dataclass(frozen=True, slots=True)
class Simulated:
    """What came of it.

    Attributes:
        folder: the copy, with its ratings.
        truth: latent quality of each system.
        visits: (kind, what became of the listener, id in the ratings or "").
    """

    folder: Path
    truth: Mapping[str, float]
    visits: list[tuple[str, Visit, str]]

    def tables(self) -> Iterator[tuple[str, list[dict[str, Any]]]]:
        """What is printed: who came through, and what the screening made of them."""
        from ..analysing import exclusions_of

        excluded = exclusions_of(self.folder)
        rows = []
        for kind in KINDS:
            mine = [(visit, listener) for name, visit, listener in self.visits if name == kind]
            if mine:
                rows.append(
                    {
                        "listeners": kind,
                        "came": len(mine),
                        **{
                            what: sum(visit.outcome == what for visit, _ in mine)
                            for what in ("completed", "screened_out")
                        },
                        "refused answers": sum(visit.refused for visit, _ in mine),
                        "excluded": sum(listener in excluded for _, listener in mine),
                    }
                )
        yield "simulated listeners", rows
        yield "latent quality", [dict(self.truth)]


def simulate_study(
    source: str | Path,
    out: str | Path,
    counts: Mapping[str, int],
    *,
    quality: str | None = None,
    speed: float = 30.0,
    seed: int = 0,
    progress: Callable[[int, int], None] | None = None,
) -> Simulated:
    """Copy a study to ``out``, open it, and let simulated listeners take it all at once.

    Args:
        counts: how many of each kind of KINDS.
        quality: as :func:`parse_qualities`; None for evenly spaced ones.
        speed: how many times faster than real time the copy's service runs.
        progress: called with (answers, answers expected).

    Raises:
        StudyError: no study, ``out`` taken, or a service that does not start.
    """
    if sum(counts.values()) < 1:
        raise StudyError("no listeners: give --honest, --lazy, --bot or --inverted a number above 0")
    systems = load_study(source).systems
    qualities = spaced_qualities(systems) if quality is None else parse_qualities(quality, systems)
    folder, _ = copy_study(Path(source), Path(out), sum(counts.values()))
    try:
        found = _listen(folder, qualities, counts, speed, seed, progress)
    except BaseException:  # Ctrl-C too: half a simulation is in the way of the next one
        shutil.rmtree(folder, ignore_errors=True)
        raise
    return Simulated(folder, qualities, found)


def _listen(
    folder: Path, qualities: Mapping[str, float], counts: Mapping[str, int], speed: float, seed: int,
    progress: Callable[[int, int], None] | None,
) -> list[tuple[str, Visit, str]]:  # fmt: skip
    """Open the copy, let everybody take it; what became of each."""
    from ..opening import open_study

    opened = open_study(folder, None)
    listeners = [
        (kind, Behaviour(kind, with_fixed(qualities), seed * 100_003 + index))
        for kind in KINDS
        for index in range(counts.get(kind, 0))
    ]
    with service_process(folder, speed=speed) as address:
        visits = asyncio.run(_all(address, opened, listeners, speed, progress))
    found = []
    for (kind, _), visit in zip(listeners, visits, strict=True):
        session = opened.store.session(visit.token) if visit.token else None
        found.append((kind, visit, "" if session is None else session.session_id))
    return found


async def _all(
    address: str, opened: OpenStudy, listeners: list[tuple[str, Behaviour]], speed: float,
    progress: Callable[[int, int], None] | None,
) -> list[Visit]:  # fmt: skip
    ears, done = Ears(opened), 0

    def one_more() -> None:
        nonlocal done
        done += 1
        if progress:
            progress(done, max(done, len(listeners) * ears.steps_a_session))

    limits = httpx.Limits(max_connections=len(listeners) + 1)
    async with httpx.AsyncClient(base_url=address, timeout=TIMEOUT_S, limits=limits) as client:
        return await asyncio.gather(
            *(
                take_part(
                    client, opened.token, listener, ears, name=f"{kind}-{listener.seed}", speed=speed, progress=one_more
                )
                for kind, listener in listeners
            )
        )


class Ears:
    """What simulated listeners hear: the step behind a step id, read from the copy's own store."""

    def __init__(self, opened: OpenStudy) -> None:
        self.opened = opened
        self.steps: dict[str, dict[str, Step]] = {}
        self.steps_a_session = 1

    def __call__(self, token: str, step_id: str) -> Step:
        if token not in self.steps:
            session = self.opened.store.session(token)
            if session is None:
                raise StudyError("the service gave a session that its store does not have; start the simulation again")
            self.steps[token] = {row.step_id: row.step for row in self.opened.store.steps(session.session_id)}
            self.steps_a_session = max(self.steps_a_session, len(self.steps[token]))
        return self.steps[token][step_id]


def copy_study(source: Path, out: Path, listeners: int) -> tuple[Path, Study]:
    """The study with its stimuli, marked as simulated, without the ratings that it may have."""
    if out.exists() and any(out.iterdir()):
        raise StudyError(f"{out}: is not empty; give another --out, or remove it")
    study = load_study(source)
    table = study.table()
    table["simulated"] = True
    table["design"]["listeners"] = max(study.design.listeners, listeners)
    table["access"]["return_slot_after_min"] = 1e6  # a fast clock must not call anybody idle
    copied = Study.from_table(table, str(source))
    out.mkdir(parents=True, exist_ok=True)
    shutil.copy2(source / "stimuli.json", out / "stimuli.json")
    shutil.copytree(source / "stimuli", out / "stimuli")
    write_bytes(out / "study.toml", copied.to_toml().encode())
    return out, copied
