"""A simulated listener at the service's real HTTP interface: what the page's scripts do, without the page."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import httpx

from ..model import Step
from .answers import answer_step
from .behaviour import Behaviour

RETRY_S = (0.05, 1.0)  # wait after a failed request: first, longest
ATTEMPTS = 200


@dataclass
class Visit:
    """What became of one simulated listener.

    Attributes:
        outcome: ``completed``, ``screened_out``, ``full`` or ``gave_up``.
        token: of the session; the listener's only.
        acknowledged: client ids of the answers that the service said it saved.
        refused: answers that the service did not take, such as those given without listening.
        code: completion code.
    """

    outcome: str = "gave_up"
    token: str = ""
    acknowledged: list[str] = field(default_factory=list)
    refused: int = 0
    code: str = ""


async def call(client: httpx.AsyncClient, method: str, path: str, **options: Any) -> httpx.Response:
    """Send a request until the service answers, as the page's retry queue does.

    Raises:
        httpx.HTTPError: the service stayed away for ATTEMPTS.
    """
    wait = RETRY_S[0]
    for attempt in range(ATTEMPTS):
        try:
            response = await client.request(method, path, **options)
            if response.status_code < 500 and response.status_code != 429:
                return response
        except httpx.HTTPError:
            if attempt == ATTEMPTS - 1:
                raise
        await asyncio.sleep(wait)
        wait = min(RETRY_S[1], 1.5 * wait)
    raise httpx.HTTPError(f"{method} {path}: no answer after {ATTEMPTS} attempts")


async def take_part(
    client: httpx.AsyncClient,
    study_token: str,
    listener: Behaviour,
    step_of: Callable[[str, str], Step],
    *,
    name: str,
    speed: float = 1.0,
    progress: Callable[[], None] = lambda: None,
) -> Visit:
    """Go through a study from the invitation to the completion code.

    Args:
        client: with the service's address as ``base_url``.
        study_token: as in the link that listeners get.
        listener: how to answer.
        step_of: session token and step id to the step with its secrets: the listener's ears.
        name: sent as Prolific's participant id, so that a lost session is found again.
        speed: how many times faster than real time the service's clock runs.
        progress: called after each answer.
    """
    visit = Visit()
    begin = {"study": study_token, "language": "en", "parameters": {"PROLIFIC_PID": name}}
    response = await call(client, "POST", "/api/sessions", json=begin)
    if response.status_code != 200:
        visit.outcome = "full"
        return visit
    visit.token = response.json()["session"]
    headers = {"Authorization": f"Bearer {visit.token}"}
    current = (await call(client, "GET", "/api/step", headers=headers)).json()
    while "step" in current:
        step = await asyncio.to_thread(step_of, visit.token, current["step"])
        current = await _answer(client, headers, current, listener, answer_step(listener, step), visit, speed)
        progress()
    if current.get("done"):
        visit.outcome, visit.code = "completed", current["completion"]["code"]
    elif current.get("screened_out"):
        visit.outcome = "screened_out"
    return visit


async def _answer(
    client: httpx.AsyncClient, headers: dict[str, str], current: dict[str, Any], listener: Behaviour,
    answer: dict[str, Any], visit: Visit, speed: float,
) -> dict[str, Any]:  # fmt: skip
    """Listen, answer, and give the same answer again until it is saved; returns what comes next."""
    seconds = {item["label"]: float(item["seconds"]) for item in current["stimuli"]}
    client_id = str(uuid.uuid4())
    body = {
        "client_id": client_id,
        "step": current["step"],
        "answer": answer,
        "listened": {label: [[0.0, length]] for label, length in seconds.items()},
        "events": [],
    }
    for item in current["stimuli"]:
        await call(client, "GET", item["url"], headers=headers)
    if listener.listens:
        await asyncio.sleep(1.02 * sum(seconds.values()) / speed)
    while True:
        response = await call(client, "POST", "/api/answers", json=body, headers=headers)
        if response.status_code == 200:
            visit.acknowledged.append(client_id)
            return response.json()["next"]
        if response.status_code != 422:
            response.raise_for_status()
            raise httpx.HTTPError(f"/api/answers: unexpected status {response.status_code}")
        visit.refused += 1
        if visit.refused > ATTEMPTS:
            raise httpx.HTTPError(f"/api/answers: {response.text[:200]}")
        await asyncio.sleep(0.25 * sum(seconds.values()) / speed + 0.01)
