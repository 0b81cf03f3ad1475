"""What ``make app`` makes on a fresh machine: only what is missing, once, in order."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner

from application.demo import start_demo
from application.site import Site
from harness.cli import app as streamflow
from listening_tests.workspace import Workspace


@pytest.fixture
def fresh(tmp_path: Path) -> Iterator[Site]:
    site = Site(workspace=Workspace(tmp_path / "studies", runs=tmp_path / "runs"), address="http://testserver")
    yield site
    for job in site.jobs.active()[::-1]:
        site.jobs.cancel(job.id)
    for job in site.jobs.list():
        site.jobs.wait(job.id, 900)


def verbs(site: Site, started: list[str]) -> list[str]:
    return [" ".join(site.jobs.get(job).argv[:2]).partition(" --")[0] for job in started]


def test_a_fresh_machine_gets_a_run_then_a_study_and_not_twice(fresh: Site) -> None:
    started = start_demo(fresh)
    assert verbs(fresh, started) == ["compare", "study create", "study open"]
    assert sorted(started) == started  # they wait for each other in this order
    assert start_demo(fresh) == []  # the server was started again
    assert {job.id for job in fresh.jobs.active()} <= set(started)


def test_what_is_there_is_not_made_again(fresh: Site) -> None:
    report = fresh.runs / "demo" / "report" / "index.html"
    report.parent.mkdir(parents=True)
    report.write_text("a report")
    study = fresh.workspace.folder / "demo"
    study.mkdir(parents=True)
    (study / "study.toml").write_text("")
    assert verbs(fresh, start_demo(fresh)) == ["study open"]
    (study / "frozen.json").write_text("{}")
    for job in fresh.jobs.active():
        fresh.jobs.cancel(job.id)
    assert start_demo(fresh) == []


def test_its_verbs_are_the_command_lines_own(fresh: Site) -> None:
    for job in start_demo(fresh):
        argv = list(fresh.jobs.get(job).argv)
        options = [word for word in argv if word.startswith("--")]
        path = argv[
            : next((index for index, word in enumerate(argv) if word.startswith("--") or "/" in word), len(argv))
        ]
        said = CliRunner(env={"COLUMNS": "200", "TERM": "dumb"}).invoke(streamflow, [*path, "--help"]).output
        assert all(option in said for option in options), path
