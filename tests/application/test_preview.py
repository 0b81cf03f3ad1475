"""The preview's routes: the listener's page for administrators, under names that nobody can guess."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from starlette.testclient import TestClient

from application.site import Site
from listening_tests.creating import create_study
from listening_tests.preview import preview_of_study
from listening_tests.stimuli.wav import encode_wav


@pytest.fixture
def name(site: Site, tmp_path: Path) -> Iterator[str]:
    """A preview of two systems in three sentences."""
    rng = np.random.default_rng(0)
    for system in ("old", "new"):
        (tmp_path / system).mkdir()
        for sentence in range(3):
            samples = np.int16(3000 * rng.standard_normal(16_000))
            (tmp_path / system / f"s{sentence}.wav").write_bytes(encode_wav(samples, 16_000))
    folders = {"old": tmp_path / "old", "new": tmp_path / "new"}
    changes = {"protocol": "ab", "screening.training": 0, "screening.traps": 0, "title": "<b>Which?</b>"}
    create_study(tmp_path / "study", folders=folders, changes=changes)
    yield site.previews.add(preview_of_study(tmp_path / "study"))
    site.previews.close()


def test_nobody_but_an_administrator_sees_a_preview(anybody: TestClient, name: str) -> None:
    for path in ("", "api/step", "api/place", "assets/listener.js"):
        assert anybody.get(f"/preview/{name}/{path}").status_code in (303, 401)
    assert anybody.post(f"/preview/{name}/api/place", json={"position": 1}).status_code == 401


def test_the_page_may_stand_in_a_frame_of_ours_alone(administrator: TestClient, name: str) -> None:
    page = administrator.get(f"/preview/{name}/")
    assert page.status_code == 200 and "&lt;b&gt;Which?" in page.text and "<b>Which" not in page.text
    assert "frame-ancestors 'self'" in page.headers["content-security-policy"]
    assert page.headers["x-frame-options"] == "SAMEORIGIN"
    for address in re.findall(r'(?:src|href)="([^"]+)"', page.text):  # everything that it loads is there
        assert administrator.get(f"/preview/{name}/{address}").status_code == 200, address
    assert administrator.get(f"/preview/{name}/assets/texts.json?lang=de").json()
    for path in ("listener.js", "visual.css", "views/abx.js"):
        assert administrator.get(f"/preview/{name}/assets/{path}").status_code == 200


def test_a_screen_is_shown_answered_and_left(administrator: TestClient, name: str) -> None:
    base = f"/preview/{name}"
    assert administrator.get(f"{base}/api/studies/{name}").json()["title"] == "<b>Which?</b>"
    places = administrator.post(f"{base}/api/place", json={"quick": True}).json()["places"]
    trial = next(place["position"] for place in places if place["name"] == "Trial")
    behind = administrator.post(f"{base}/api/place", json={"position": trial}).json()
    assert behind["name"] == "Trial" and {"A is old", "A is new"} & set(behind["facts"])
    step = administrator.get(f"{base}/api/step").json()
    assert "old" not in str(step) and len(step["stimuli"]) == 2
    sounds = [administrator.get(f"{base}/{sound['url']}") for sound in step["stimuli"]]
    assert all(sound.content[:4] == b"RIFF" for sound in sounds)
    assert len({len(sound.content) for sound in sounds}) == 2  # as a listener's: lengths tell nothing
    answer = {"client_id": "x", "step": step["step"], "answer": {"choice": "A"}}
    refused = administrator.post(f"{base}/api/answers", json={**answer, "answer": {"choice": "C"}})
    assert refused.status_code == 422 and refused.json()["error"]
    assert administrator.post(f"{base}/api/answers", json=answer).json()["next"]["position"] == trial + 1
    assert administrator.get(f"{base}/{step['stimuli'][0]['url']}").status_code == 404


@pytest.mark.parametrize("position", [-1, 999, "1", 1.5, True, None, [1]])
def test_a_screen_that_is_none_is_refused(administrator: TestClient, name: str, position: object) -> None:
    reply = administrator.post(f"/preview/{name}/api/place", json={"position": position})
    assert reply.status_code == 422 and "choose one of the list" in reply.json()["error"]


def test_a_preview_that_is_gone_says_what_to_do(administrator: TestClient) -> None:
    page = administrator.get("/preview/gone/")
    assert page.status_code == 404 and "press Preview again" in page.text
    assert administrator.get("/preview/gone/api/step").status_code == 404
    assert administrator.get("/preview/gone/assets/../../../app.py").status_code == 404
