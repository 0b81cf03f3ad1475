"""A service with small studies, and listeners that go through it over HTTP."""

from __future__ import annotations

import json
import random
import uuid
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from starlette.testclient import TestClient

from listening_tests.load import blind_answer
from listening_tests.opening import OpenStudy, open_study
from listening_tests.service import Settings, create_service

SYSTEMS = ("zebrafinch", "quokkanet", "marmosetvoc")


class Clock:
    """Time that passes when told to."""

    def __init__(self) -> None:
        self.now = 1_800_000_000.0

    def __call__(self) -> float:
        return self.now

    def pass_time(self, seconds: float) -> None:
        self.now += seconds


class Listener:
    """One listener's browser: keeps every byte that came, and knows nothing but what the service says."""

    def __init__(self, client: TestClient, clock: Clock, opened: OpenStudy, seed: int = 0) -> None:
        self.client, self.clock, self.opened, self.rng = client, clock, opened, random.Random(seed)
        self.token = ""
        self.received: list[bytes] = []
        self.texts: list[bytes] = []  # what of it is no sound
        self.sounds: dict[str, list[Any]] = {}  # step -> responses in the order of labels

    @property
    def session_id(self) -> str:
        return self.opened.store.session(self.token).session_id

    def request(self, method: str, path: str, **options: Any) -> Any:
        own = {"Authorization": f"Bearer {self.token}"} if self.token else {}
        headers = {**own, **options.pop("headers", {})}
        response = self.client.request(method, path, headers=headers, follow_redirects=False, **options)
        head = "\n".join(f"{name}: {value}" for name, value in response.headers.items())
        self.received += [str(response.url).encode(), head.encode(), response.content]
        is_sound = response.headers.get("content-type", "").startswith("audio/")
        self.texts += self.received[-3:-1] if is_sound else self.received[-3:]
        return response

    def start(self, **given: Any) -> Any:
        body = {"study": self.opened.token, "language": "en", "parameters": {}, **given}
        response = self.request("POST", "/api/sessions", json=body)
        if response.status_code == 200:
            self.token = response.json()["session"]
        return response

    def step(self) -> dict[str, Any]:
        return self.request("GET", "/api/step").json()

    def body(self, step: dict[str, Any], /, **given: Any) -> dict[str, Any]:
        heard = {item["label"]: [[0.0, item["seconds"]]] for item in step["stimuli"]}
        return {
            "client_id": str(uuid.uuid4()), "step": step["step"], "answer": blind_answer(step, self.rng),
            "listened": heard, "events": [], **given,
        }  # fmt: skip

    def send(self, body: dict[str, Any]) -> Any:
        return self.request(
            "POST", "/api/answers", content=json.dumps(body).encode()
        )  # any string, also half of a pair

    def listen(self, step: dict[str, Any]) -> None:
        self.clock.pass_time(sum(item["seconds"] for item in step["stimuli"]) + 1.0)

    def answer(self, step: dict[str, Any], /, **given: Any) -> Any:
        self.listen(step)
        return self.send(self.body(step, **given))

    def fetch_sounds(self, step: dict[str, Any]) -> None:
        self.sounds[step["step"]] = [self.request("GET", "/" + item["url"]) for item in step["stimuli"]]

    def go_to(self, kind: str) -> dict[str, Any]:
        """Answer until a step of that kind comes."""
        step = self.step()
        while step.get("kind") != kind:
            assert "step" in step, f"no {kind}: {step}"
            step = self.answer(step).json()["next"]
        return step

    def go_through(self, *, fetch: bool = False) -> dict[str, Any]:
        """Answer everything; what comes at the end."""
        step = self.step()
        while "step" in step:
            if fetch:
                self.fetch_sounds(step)
            response = self.answer(step)
            assert response.status_code == 200, response.text
            step = response.json()["next"]
        return step


@pytest.fixture()
def clock() -> Clock:
    return Clock()


@pytest.fixture()
def serve(make_study: Callable[..., Any], clock: Clock) -> Iterator[Callable[..., Any]]:
    """``serve(page=False, settings=None, database=None, **study)`` -> (client, opened study)."""
    stores = []

    def make(*, page: bool = False, settings: Settings | None = None, database: str | None = None, **keys: Any) -> Any:
        keys.setdefault("systems", SYSTEMS)
        _, folder = make_study(**keys)
        opened = open_study(folder, database)
        stores.append(opened.store)
        app = create_service([opened], clock=clock, settings=settings, page=page)
        return TestClient(app, raise_server_exceptions=False), opened

    yield make
    for store in stores:
        store.close()


@pytest.fixture()
def visit(serve: Callable[..., Any], clock: Clock) -> Callable[..., Listener]:
    """``visit(**as serve)`` -> a listener who has not started."""

    def make(**keys: Any) -> Listener:
        client, opened = serve(**keys)
        return Listener(client, clock, opened)

    return make


@pytest.fixture()
def another(clock: Clock) -> Callable[[Listener, int], Listener]:
    """``another(listener, seed)`` -> one more at the same service, with a browser of their own."""

    def make(first: Listener, seed: int) -> Listener:
        return Listener(TestClient(first.client.app, raise_server_exceptions=False), clock, first.opened, seed)

    return make
