"""Blind tests over HTTP: from the first question to the names, for the browser that began and no other."""

from __future__ import annotations

import io
import wave
from collections.abc import Iterator

import numpy as np
import pytest
from fastapi import FastAPI, Request
from starlette.testclient import TestClient

from application.routes.blind import add_blind_routes
from application.visitor import Visitors, visitor_of
from harness.live.errors import UnknownJobError
from listening_tests.on_the_spot import Desk
from tests.listening_tests.on_the_spot.speech import spoken

WISH = {"job": "decoded", "first": "full", "second": "naive", "kind": "abx", "trials": 2}


class Decoded:
    """What a live engine holds: one job, its owner's."""

    def __init__(self) -> None:
        self.owner = ""

    def audio(self, job: str, visitor: str, system: str) -> np.ndarray:
        first, dull = spoken()
        sounds = {"full": first, "naive": 0.4 * dull[:-700], "reference": first}  # neither as loud nor as long
        if (job, visitor) != ("decoded", self.owner) or system not in sounds:
            raise UnknownJobError("there is no such decode; press Decode again")
        return sounds[system]


@pytest.fixture
def app() -> FastAPI:
    app, decoded = FastAPI(), Decoded()
    add_blind_routes(app, Desk(), decoded.audio)

    @app.get("/blind/mine")
    def mine(request: Request) -> dict:
        decoded.owner = visitor_of(request)
        return {}

    app.add_middleware(Visitors)
    return app


@pytest.fixture
def client(app: FastAPI) -> Iterator[TestClient]:
    with TestClient(app) as client:
        client.get("/blind/mine")
        yield client


def begin(client: TestClient, **changes) -> dict:
    reply = client.post("/blind/tests", json=WISH | changes)
    assert reply.status_code == 200, reply.text
    return reply.json()


def heard(client: TestClient, token: str) -> np.ndarray:
    reply = client.get(f"/blind/sounds/{token}")
    assert reply.status_code == 200
    assert reply.headers["content-type"] == "audio/wav" and reply.headers["cache-control"] == "no-store"
    assert not {"etag", "last-modified", "content-disposition"} & set(reply.headers)
    with wave.open(io.BytesIO(reply.content)) as sound:
        return np.frombuffer(sound.readframes(sound.getnframes()), "<i2").astype(float)


def test_a_whole_test_by_a_listener_who_hears_the_difference(client):
    test = begin(client)
    for number in (1, 2):
        sounds = {one["label"]: heard(client, one["token"]) for one in test["step"]["stimuli"]}
        nearest = min("AB", key=lambda label: np.abs(sounds[label] - sounds["X"]).mean())
        test = client.post(f"/blind/tests/{test['id']}/answers", json={"number": number, "choice": nearest}).json()
    assert test["over"] and test["running"]["k"] == 2 and all(trial["right"] for trial in test["trials"])
    assert client.get(f"/blind/tests/{test['id']}").json() == test


def test_no_answer_before_the_end_names_a_system_with_a_sound(client):
    """The two names are the person's own choice; beyond that list of both, no reply before the end has them."""
    test = begin(client, trials=3)
    client.post(f"/blind/tests/{test['id']}/answers", json={"number": 1, "choice": "A"})
    state = client.get(f"/blind/tests/{test['id']}").json()
    assert state.pop("systems") == ["full", "naive"]
    assert "full" not in str(state) and "naive" not in str(state) and state["trials"] is None


def test_ending_early_tells_the_names(client):
    test = begin(client, trials=5)
    client.post(f"/blind/tests/{test['id']}/answers", json={"number": 1, "choice": "B"})
    ended = client.post(f"/blind/tests/{test['id']}/end", json={}).json()
    assert ended["early"] and {ended["trials"][0]["A"], ended["trials"][0]["B"]} == {"full", "naive"}


def test_somebody_elses_browser_finds_nothing(app, client):
    test = begin(client)
    token = test["step"]["stimuli"][0]["token"]
    with TestClient(app) as other:
        replies = [
            other.get(f"/blind/tests/{test['id']}"),
            other.post(f"/blind/tests/{test['id']}/answers", json={"number": 1, "choice": "A"}),
            other.post(f"/blind/tests/{test['id']}/end", json={}),
            other.get(f"/blind/sounds/{token}"),
            other.post("/blind/tests", json=WISH),
        ]
    assert [reply.status_code for reply in replies] == [404] * 5
    assert all(set(reply.json()) == {"error"} for reply in replies)
    assert client.get(f"/blind/tests/{test['id']}").json()["done"] == 0


@pytest.mark.parametrize(
    ("changes", "status", "said"),
    [
        ({"kind": "guess"}, 422, "no blind test is called"),
        ({"trials": 0}, 422, "1 to 100"),
        ({"trials": "16"}, 422, "1 to 100"),
        ({"trials": None}, 422, "1 to 100"),
        ({"second": "full"}, 422, "two different"),
        ({"second": "nobody"}, 404, "press Decode"),
        ({"job": "other"}, 404, "press Decode"),
        ({"first": ["full"]}, 422, "reload"),
    ],
)
def test_what_cannot_be_is_refused_in_one_line(client, changes, status, said):
    reply = client.post("/blind/tests", json=WISH | changes)
    assert reply.status_code == status and said in reply.json()["error"] and "\n" not in reply.json()["error"]


@pytest.mark.parametrize("answer", [{}, {"number": "1", "choice": "A"}, {"number": 1}, {"number": 1, "choice": 5},
                                    {"number": 1, "choice": "C"}, {"number": 7, "choice": "A"}])  # fmt: skip
def test_a_malformed_answer_changes_nothing(client, answer):
    test = begin(client)
    reply = client.post(f"/blind/tests/{test['id']}/answers", json=answer)
    assert reply.status_code == 422 and reply.json()["error"]
    assert client.get(f"/blind/tests/{test['id']}").json()["done"] == 0


def test_nothing_but_the_sound_itself_tells_which_is_which(client):
    """Addresses, headers and sizes, also of what a server might compress on the way."""
    test = begin(client, kind="abx-2", trials=3)
    names, seen = [], set()
    for number in (1, 2, 3):
        for one in test["step"]["stimuli"]:
            reply = client.get(f"/blind/sounds/{one['token']}", headers={"Accept-Encoding": "gzip, br, deflate"})
            again = client.get(f"/blind/sounds/{one['token']}")
            assert again.content == reply.content
            names.append(one["token"])
            seen.add((reply.status_code, len(reply.content), *sorted(reply.headers.items())))
        test = client.post(f"/blind/tests/{test['id']}/answers", json={"number": number, "choice": "A"}).json()
    assert len(seen) == 1  # twelve files, four a trial
    assert len(set(names)) == len({len(name) for name in names}) * 12 == 12
