"""What the overview and the runs page say, and the routes behind the jobs panel."""

from __future__ import annotations

import json
import os
import shutil
import sys
import time
import warnings
from pathlib import Path

import gradio
import pytest
from fastapi import FastAPI
from starlette.testclient import TestClient

from application import address
from application.blocks import make_blocks
from application.messages import BACKGROUND
from application.pages.overview import runs_of, studies_of, verdict_of
from application.pages.runs import choices, gate, merge
from application.pages.runs.run_markup import run_detail, runs_table
from application.pages.runs.verdict import WORDS
from application.site import Site
from harness.gate.baseline import promote
from harness.gate.evaluate import evaluate
from harness.gate.files import write_files
from harness.gate.kept import kept_gates
from listening_tests.workspace import Workspace
from reports.joined import open_runs
from streamflow.errors import StreamflowError
from tests.reports.make_run import make_run

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


def test_weights_have_no_names_of_their_own_for_systems(own: Site) -> None:
    gated(own, 0.0)
    with pytest.raises(StreamflowError, match="new=full"):
        gate.start_gate(own, "weights:small", "run:first", "g", "new=full", False, gate.default_policy())
    assert own.jobs.list() == [] and not (own.runs / "gates" / "g").exists()


@pytest.mark.parametrize("candidate", ["weights:small", "run:second"])
@pytest.mark.parametrize("measure", [True, False])
def test_latency_is_measured_where_it_was_ticked_and_nowhere_else(own: Site, candidate: str, measure: bool) -> None:
    gated(own, 0.0)
    own.jobs.start(["report", "no-such-run"], "before")  # so that the gate waits, and is never carried out
    gate.start_gate(own, candidate, "run:first", "g", "full", measure, gate.default_policy())
    started = own.jobs.list()[0]
    own.jobs.cancel(started.id)
    assert ("--measure-latency" in started.argv, "--recorded-latency" in started.argv) == (measure, not measure)
    kind = "--checkpoint" if candidate.startswith("weights") else "--candidate"
    assert started.argv[started.argv.index(kind) + 1].endswith(candidate.partition(":")[2])


def test_weights_that_were_gated_are_called_by_their_name(own: Site) -> None:
    gated(own, 0.5)
    folder = own.runs / "gates" / "gate"
    shutil.copytree(own.runs / "second", folder / "candidate")
    toml = folder / "candidate" / "run.toml"
    lines = [line for line in toml.read_text().splitlines() if not line.startswith("checkpoint")]
    toml.write_text("\n".join([f'checkpoint = "/somewhere/mine {HOSTILE.replace("/", "")}"', *lines]))
    report = json.loads((folder / "gate.json").read_text()) | {"candidate": str(folder / "candidate")}
    (folder / "gate.json").write_text(json.dumps(report))
    for text in (gate.gates_shown(own, ""), gate.gates_shown(own, "gates/gate"), overview(own)):
        assert "weights mine" in text and "<img" not in text
    toml.write_text("[")
    assert "weights against the baseline" in overview(own)


@pytest.fixture(scope="module")
def corpus_run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_run(tmp_path_factory.mktemp("corpus") / "plain")


def of_another_corpus(run: Path, name: str) -> None:
    """A copy whose utterances are called otherwise."""
    other = shutil.copytree(run, run.with_name(name))
    rows = json.loads((other / "utterances.json").read_text())
    (other / "utterances.json").write_text(json.dumps([row | {"utterance_id": f"x-{i}"} for i, row in enumerate(rows)]))
    text = (other / "run.toml").read_text().splitlines()
    lines = ['corpus = "elsewhere/manifest.csv"', *(line for line in text if not line.startswith("corpus"))]
    (other / "run.toml").write_text("\n".join(lines))


def test_runs_that_cannot_be_merged_are_refused_before_a_job_is_started(own: Site, corpus_run: Path) -> None:
    for name in ("plain", "again"):
        shutil.copytree(corpus_run, own.runs / name)
    of_another_corpus(own.runs / "plain", "other")
    for names, baseline, why in (
        (["plain"], "", "two runs or more"),
        (["plain", "other"], "", "no utterance in common.*plain is of .*other is of elsewhere.*of one corpus"),
        (["plain", "again"], "nobody", "nobody: not a system"),
        (["plain", "again"], "full", "plain:full"),
        (["plain", "again"], "two words", "not a system"),
    ):
        with pytest.raises(StreamflowError, match=why) as refused:
            merge.start_merge(own, names, baseline, "joined")
        assert "\n" not in str(refused.value)
    with pytest.raises(StreamflowError, match="begin with a letter"):
        merge.start_merge(own, ["plain", "again"], "", "two words")
    assert own.jobs.list() == [] and not (own.runs / merge.FOLDER).exists()


def test_systems_of_a_joined_report_are_offered_as_it_calls_them(own: Site, corpus_run: Path) -> None:
    for name in ("plain", "again"):
        shutil.copytree(corpus_run, own.runs / name)
    offered = merge.systems_of(own, ["plain", "again"])
    assert offered == open_runs([own.runs / "plain", own.runs / "again"]).systems and "again:full" in offered
    assert merge.systems_of(own, ["plain"]) == open_runs(own.runs / "plain").systems


def test_one_button_of_a_run_is_the_primary_one(own: Site) -> None:
    write_run(own.runs / "first", scores())
    text = run_detail(own, "first", own.index.get("first"))
    assert text.count("rn-primary") == 1 and 'rn-button rn-primary">Gate it</a>' in text
    assert [one for one in drawn_buttons(own) if one.value == "Write the report" and one.variant == "primary"] == []


def drawn_buttons(site: Site) -> list[gradio.Button]:
    return [one for one in make_blocks(site).blocks.values() if isinstance(one, gradio.Button)]


def test_tables_that_a_phone_sets_in_lines_keep_their_roles_and_columns(own: Site) -> None:
    gated(own, 0.5)
    for text, columns in ((runs_of(own.index.runs()), ("Corpus", "State")), (overview(own), ("System", "Verdict"))):
        rows = text.count("<tr")
        assert text.count('role="row"') == rows and text.count('role="rowheader"') == rows - 1
        assert all(text.count(f'data-of="{column}"') == rows - 1 for column in columns)


def test_wherever_work_is_started_it_is_said_that_it_shares_the_processor(own: Site) -> None:
    said = [str(one.value) for one in make_blocks(own).blocks.values() if isinstance(one, gradio.Markdown)]
    assert sum(BACKGROUND in text for text in said) == 5  # compare, sweep, merge, gate, simulate


def test_the_data_of_a_figure_is_no_script_to_warn_of(own: Site) -> None:
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        make_blocks(own)
        gradio.HTML('<script type="application/json">{}</script>')
        warnings.warn("something else", UserWarning, stacklevel=1)
    assert [str(one.message) for one in caught if "script" in str(one.message) or "else" in str(one.message)] == [
        "something else"
    ]


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
