"""What the overview and the runs page say, and the routes behind the jobs panel."""

from __future__ import annotations

import os
import shutil
import sys
import time
from pathlib import Path

import pytest
from fastapi import FastAPI
from starlette.testclient import TestClient

from application import address
from application.pages.overview import runs_of, studies_of, verdict_of
from application.pages.runs import choices, gate
from application.pages.runs.run_markup import run_detail, runs_table
from application.pages.runs.verdict import WORDS
from application.site import Site
from harness.gate.baseline import promote
from harness.gate.evaluate import evaluate
from harness.gate.files import write_files
from harness.gate.kept import kept_gates
from listening_tests.workspace import Workspace
from streamflow.errors import StreamflowError

sys.path.insert(0, str(Path(__file__).parents[1] / "harness" / "gate"))
from make_runs import policy, scores, write_run

HOSTILE = "<img src=x onerror=alert(1)>"


@pytest.fixture
def own(tmp_path: Path) -> Site:
    for name in ("runs", "studies", "baselines"):
        (tmp_path / name).mkdir()
    workspace = Workspace(tmp_path / "studies", runs=tmp_path / "runs")
    return Site(workspace=workspace, address="http://here", baselines=tmp_path / "baselines")


def gated(site: Site, loss: float) -> None:
    if not (site.runs / "first").exists():
        write_run(site.runs / "first", scores())
    values = scores(noise=1)
    values["pesq_wb"] = values["pesq_wb"] - loss
    write_run(site.runs / "second", values)
    result = evaluate(site.runs / "first", site.runs / "second", policy(), names=("main", str(site.runs / "second")))
    write_files(result, site.runs / "gates" / "gate")


def overview(site: Site) -> str:
    return verdict_of(site, site.index.runs(), kept_gates(site.runs))


def test_an_empty_place_tells_what_to_press(own: Site) -> None:
    text = overview(own)
    assert 'href="compare"' in text and 'href="runs?new=1"' in text
    assert studies_of(own) == "" and runs_of([]) == ""
    assert "New comparison" in runs_table([], 0)


def test_runs_without_a_gate_lead_to_one(own: Site) -> None:
    write_run(own.runs / "first", scores())
    assert "No candidate was gated yet" in overview(own) and "first" in runs_of(own.index.runs())
    assert "1. Promote a baseline" in overview(own)
    promote(own.runs / "first", "main", own.baselines)
    assert "Promote a baseline" not in overview(own) and "Gate a candidate" in overview(own)


@pytest.mark.parametrize(("loss", "verdict"), [(0.0, "PASS"), (0.5, "FAIL"), (0.1, "INCONCLUSIVE")])
def test_a_verdict_is_said_in_words_with_its_reasons(own: Site, loss: float, verdict: str) -> None:
    gated(own, loss)
    text = overview(own)
    assert WORDS[verdict] in text and verdict in text
    assert all(WORDS[other] not in text for other in WORDS if other != verdict)
    assert ("What holds it back" in text) == (verdict != "PASS")
    assert "help#metric-pesq_wb" in text or verdict == "PASS"
    assert "runs?tab=gate&amp;gate=gates%2Fgate" in text and "runs?run=second" in text


def test_a_run_that_is_newer_than_the_verdict_is_named(own: Site) -> None:
    gated(own, 0.0)
    assert "Newer than this verdict" not in overview(own)
    later = write_run(own.runs / "third", scores(noise=2)) / "run.toml"
    os.utime(later, (time.time() + 60, time.time() + 60))
    assert "Newer than this verdict" in overview(own) and "gate third" in overview(own)


def test_what_others_wrote_is_text(own: Site) -> None:
    gated(own, 0.5)
    toml = own.runs / "second" / "run.toml"
    toml.write_text(f'corpus = "{HOSTILE}/m.csv"\ncheckpoint = "{HOSTILE}"\nseeds = [0]\n[systems."{HOSTILE}"]\n')
    report = own.runs / "gates" / "gate" / "gate.json"
    report.write_text(report.read_text().replace("pesq_wb", HOSTILE))
    shown = [
        overview(own), runs_of(own.index.runs()), run_detail(own, "second", own.index.get("second")),
        run_detail(own, HOSTILE, None), gate.gates_shown(own, ""), gate.gates_shown(own, HOSTILE),
        gate.gates_shown(own, "gates/gate"), gate.policy_check(f'name = "{HOSTILE}"'),
    ]  # fmt: skip
    assert sum("&lt;img" in text for text in shown) >= 6
    assert not any(HOSTILE in text for text in shown)


def test_a_gate_is_refused_before_it_is_started(own: Site) -> None:
    gated(own, 0.0)
    fine = gate.default_policy()
    for wrong in (
        (own, None, "run:first", "g", "", False, fine),
        (own, "run:first", "run:first", "g", "", False, fine),
        (own, "run:nowhere", "run:first", "g", "", False, fine),
        (own, "weights:/etc", "run:first", "g", "", False, fine),
        (own, "run:second", "run:first", "../g", "", False, fine),
        (own, "run:second", "run:first", "gate", "", False, fine),
        (own, "run:second", "run:first", "g", "", False, "level = 2"),
    ):
        with pytest.raises(StreamflowError):
            gate.start_gate(*wrong)
    assert own.jobs.list() == [] and not (own.runs / "gates" / "g").exists()


def test_the_policy_is_checked_as_it_stands() -> None:
    assert "can be used" in gate.policy_check(gate.default_policy())
    assert "level" in gate.policy_check("level = 2\n[metrics.stoi]\nmargin = 0.1")
    assert "not TOML" in gate.policy_check("level = ")
    assert "must be one of" in gate.policy_check('extends = "/etc/passwd"')


def test_lists_offer_what_is_here(own: Site) -> None:
    gated(own, 0.0)
    shutil.copytree(own.runs / "first", own.runs / "broken")
    (own.runs / "broken" / "run.toml").write_text("[")
    assert set(choices.run_names(own)) == {"first", "second"}
    assert "small" in dict(choices.checkpoints(own)) and str(own.corpus) in dict(map(reversed, choices.manifests(own)))
    with pytest.raises(StreamflowError, match="choose one"):
        choices.run_path(own, "../first")


def test_addresses_are_read_back_as_they_were_written() -> None:
    assert address.link("runs", tab="gate", gate="gates/a b", run="") == "runs?tab=gate&gate=gates%2Fa+b"
    assert address.link("runs", merge=["a", "b"]) == "runs?merge=a&merge=b"
    assert address.link("runs") == "runs" and address.link("") == "./"


def test_the_routes_list_show_and_cancel_jobs(administrator: TestClient, app: FastAPI, site: Site) -> None:
    name = site.jobs.start(["report", "no-such-run"], HOSTILE, facts={"href": "runs"})
    site.jobs.wait(name)
    job = next(job for job in administrator.get("/jobs").json()["over"] if job["id"] == name)
    assert (job["state"], job["title"], job["href"]) == ("failed", HOSTILE, None) and "not a run" in job["line"]
    log = administrator.get(f"/jobs/{name}/log")
    assert "not a run" in log.text and log.headers["content-type"].startswith("text/plain")
    assert administrator.post(f"/jobs/{name}/cancel").json()["state"] == "failed"
    for wrong in ("none", "..%2f..", name[:-1] + "g"):
        assert administrator.get(f"/jobs/{wrong}/log").status_code == 404
        assert administrator.post(f"/jobs/{wrong}/cancel").status_code == 404


def test_the_routes_are_the_administrators(anybody: TestClient, app: FastAPI) -> None:
    assert anybody.get("/jobs").status_code == 401
    assert anybody.post("/jobs/x/cancel").status_code == 401
