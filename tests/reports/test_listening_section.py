"""What listeners said, in the report of the run they listened to: there, right, without the listeners."""

from __future__ import annotations

import ast
import json
import re
import shutil
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from page_document import Document
from typer.testing import CliRunner

sys.path.insert(0, str(Path(__file__).parents[1] / "listening_tests" / "analysis"))

from make_ratings import make_ratings, make_sessions, make_study

from harness.cli import app
from harness.run import Run
from listening_tests.analysing import analyse_study
from listening_tests.analysis.analyse import Analysis, analyse
from listening_tests.creating import create_study
from listening_tests.joining import join_run
from listening_tests.opening import load_open_study
from listening_tests.simulation.simulate import simulate_study
from reports import write_report
from tests.slowness import PATIENCE_MS, slowed

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
SECTION = re.compile(r'<section id="listening".*?</section>', re.S)
HOSTILE = '</script><script>document.title="owned"</script>'
PERSONAL = ("somebody@example.org", "C0DE4711", "https://panel.example/cc=", "paid 9 euros")
PROTOCOLS = ("acr-naturalness", "mushra", "ab", "ccr", "abx", "same-different", "seam-locating")


@pytest.fixture()
def run(run_path: Path, tmp_path: Path) -> Run:
    """A copy to write into."""
    copy = tmp_path / "run"
    shutil.copytree(run_path, copy, ignore=shutil.ignore_patterns("report", ".*"))
    return Run(copy)


@pytest.fixture()
def analysed(run: Run) -> Callable[..., Analysis]:
    """A real analysis of made-up ratings of the run's own recordings; listeners have telling names."""

    def make(protocol: str = "acr-naturalness", **changes: object) -> Analysis:
        names = [u["utterance_id"] for u in run.utterances if u["speaker_id"] != "several"]
        frame, sessions = make_ratings(protocol, listeners=15, sentences=len(names)), make_sessions(15)
        frame["sentence"] = frame["sentence"].map({f"s{place}": name for place, name in enumerate(names)})
        for table in (frame, sessions):
            table["listener"] = "person-" + table["listener"]
        sessions["participant"] = "panel-" + sessions["participant"]
        consent, completion = {"contact": PERSONAL[0]}, {"code": PERSONAL[1], "return_url": PERSONAL[2]}
        study = make_study(protocol, source={"run": str(run.path)})
        study = type(study).from_table({**study.table(), **changes, "consent": consent, "completion": completion})
        facts = {"hash": study.hash(), "opened": "2026-11-21", "recruitment": PERSONAL[3]}
        return analyse(frame, study, run, facts, sessions=sessions)

    return make


def section_of(run: Run) -> str:
    found = SECTION.search(write_report(run.path).read_text(encoding="utf-8"))
    return found[0] if found else ""


def told(markup: str) -> str:
    return Document(markup).text


def rows_of(section: str, table: str) -> list[str]:
    body = re.search(rf'<table[^>]*id="{table}".*?</table>', section, re.S)[0]
    return [told(row) for row in re.findall(r"<tr><th scope=\"row\">.*?</tr>", body, re.S)]


def test_a_run_that_nobody_has_listened_to_says_nothing_of_it(page: str) -> None:
    assert 'id="listening"' not in page and 'href="#listening"' not in page


def test_it_comes_right_after_the_summary_and_has_a_link(run: Run, analysed: Callable[..., Analysis]) -> None:
    join_run(analysed(), "first", run)
    page = write_report(run.path).read_text(encoding="utf-8")
    sections = re.findall(r'<section id="([^"]+)"', page)
    assert sections[:3] == ["summary", "listening", "results"] and '<a href="#listening">' in page


def test_every_number_is_the_analysis_own_and_systems_keep_their_colour(
    run: Run, analysed: Callable[..., Analysis]
) -> None:
    analysis = analysed()
    join_run(analysis, "first", run)
    section = section_of(run)
    page = (run.path / "report" / "index.html").read_text(encoding="utf-8")
    rows = rows_of(section, "listening-table")
    assert len(rows) == len(analysis.estimates) == 3
    for row, shown in zip(analysis.estimates, rows, strict=True):
        assert shown.startswith(f"{row['system']} {row['mean']:.2f} ")
        assert "A test acr-naturalness, opened 2026-11-21 " in shown
        assert f"{row['low']:.2f} to {row['high']:.2f}" in shown and " listeners and sentences" in shown
        assert f" {row['listeners']} {row['sentences']} " in shown
        colour = rf'--colour:var\((--system-\d)\)[^>]*></span><span class="label" title="{row["system"]}"'
        (here,), everywhere = set(re.findall(colour, section)), set(re.findall(colour, page))
        assert everywhere == {here}
    apart = [row for row in analysis.differences if row["p_holm"] < 0.05]
    assert 0 < len(apart) < len(analysis.differences)
    for row in analysis.differences:
        pair = f"{row['a']} − {row['b']} = "
        assert (pair in told(section)) == (row in apart)
    assert f"Told apart after Holm's correction, {len(apart)} of 3 comparisons:" in told(section)


def test_every_metric_of_the_run_stands_beside_the_ratings(run: Run, analysed: Callable[..., Analysis]) -> None:
    analysis = analysed()
    join_run(analysis, "first", run)
    rows = rows_of(section_of(run), "correlation-table")
    assert [row.split()[0] for row in rows] == ["stoi", "mel_distance", "f0_median_cents"]
    for name, shown in zip(("stoi", "mel_distance", "f0_median_cents"), rows, strict=True):
        for row in (row for row in analysis.correlations if row["metric"] == name):
            value = f"{abs(row['spearman']):.2f}"
            assert value in shown and f"n {row['n']}" in shown


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_every_protocol_is_shown_and_no_listener_is_named(
    protocol: str, run: Run, analysed: Callable[..., Analysis]
) -> None:
    analysis = analysed(protocol)
    path = join_run(analysis, "first", run)
    assert path == run.path / "listening" / "first.json"
    whole, written = analysis.to_json(), path.read_text(encoding="utf-8")
    assert "person-L" in whole and PERSONAL[0] in whole and PERSONAL[1] in whole, "the test would not notice"
    for private in ("person-", "L00", "L13", "panel-", str(run.path), *PERSONAL):
        assert private not in written, private
    section = section_of(run)
    assert len(rows_of(section, "listening-table")) == len(analysis.estimates) and "problem" not in section
    assert [item.name for item in path.parent.iterdir()] == ["first.json"]


@pytest.mark.parametrize("protocol", ["ab", "abx", "same-different"])
def test_significance_of_preferences_and_of_discrimination_is_told(
    protocol: str, run: Run, analysed: Callable[..., Analysis]
) -> None:
    analysis = analysed(protocol)
    join_run(analysis, protocol, run)
    text = told(section_of(run))
    rows = analysis.content()["abx"] or analysis.content()["same_different"] or analysis.content()["estimates"]
    of = [row["p_holm"] for row in rows]
    apart = [p for p in of if p is not None and p < 0.05]
    assert apart and f"correction, {len(apart)} of {len(of) - of.count(None)} comparison" in text
    assert ("Without a test" in text) == (None in of)
    told_of = "full, share preferred 0." if protocol == "ab" else "naive from full, d′ "
    assert told_of in text


def test_simulated_listeners_stay_out_and_one_put_there_by_hand_is_marked(
    run: Run, analysed: Callable[..., Analysis]
) -> None:
    assert join_run(analysed(simulated=True), "first", run) is None
    assert not (run.path / "listening").exists() and section_of(run) == ""
    path = join_run(analysed(), "first", run)
    content = json.loads(path.read_text(encoding="utf-8"))
    content["study"]["simulated"] = True
    path.write_text(json.dumps(content), encoding="utf-8")
    text = told(section_of(run))
    assert text.count("simulated listeners") == 3 and "These listeners are programs" in text


def test_a_study_of_other_systems_is_not_put_into_a_run(run: Run, analysed: Callable[..., Analysis]) -> None:
    analysis = analysed()
    other = replace(analysis, study={**analysis.study, "systems": ["somebody-elses"]})
    assert join_run(other, "first", run) is None and join_run(analysis, "first", None) is None


def test_analysed_again_it_takes_its_own_place_and_not_another_studys(
    run: Run, analysed: Callable[..., Analysis]
) -> None:
    first, second = analysed(), analysed("ab")
    paths = [join_run(analysis, "study", run) for analysis in (first, second, first, second)]
    assert paths[0] == paths[2] != paths[1] == paths[3]
    assert len(list((run.path / "listening").iterdir())) == 2


def test_a_run_that_cannot_be_written_is_told_and_stops_nothing(
    run: Run, analysed: Callable[..., Analysis], caplog: pytest.LogCaptureFixture
) -> None:
    (run.path / "listening").write_text("a file where the folder would be")
    assert join_run(analysed(), "first", run) is None
    assert "were not put into the run" in caplog.text and section_of(run) == ""


def spoilt(content: dict, **changes: object) -> bytes:
    return json.dumps({**content, **changes}).encode()


def test_a_bad_or_old_file_is_a_line_and_the_rest_is_shown(run: Run, analysed: Callable[..., Analysis]) -> None:
    path = join_run(analysed(), "good", run)
    content = json.loads(path.read_bytes())
    row = content["estimates"][0]
    bad = {
        "a-cut": path.read_bytes()[:500],
        "b-list": b"[1, 2]",
        "c-newer": spoilt(content, format=99),
        "d-old": json.dumps({"study": {}, "estimates": []}).encode(),
        "e-text": spoilt(content, estimates=[{**row, "mean": HOSTILE}]),
        "f-nan": spoilt(content, estimates=[{**row, "mean": float("nan")}]),
        "g-huge": spoilt(content, estimates=[{**row, "mean": 10**400}]),
        "h-none": spoilt(content, estimates=[]),
        "i-column": spoilt(content, correlations=[{"metric": "stoi"}]),
        "j-deep": b"[" * 100_000,
        "k-bytes": b"\xff\xfe\x00",
    }
    for name, written in bad.items():
        (path.parent / f"{name}.json").write_bytes(written)
    (path.parent / "l-folder.json").mkdir()
    section = section_of(run)
    assert len(rows_of(section, "listening-table")) == 3
    lines = [told(line) for line in re.findall(r'<p class="problem">.*?</p>', section, re.S)]
    assert [line.split(" ")[0] for line in lines] == [f"listening/{name}.json" for name in (*bad, "l-folder")]
    assert all("analyse the study again" in line and str(run.path) not in line and len(line) < 200 for line in lines)


def test_names_in_a_file_are_text_and_never_markup(run: Run, analysed: Callable[..., Analysis]) -> None:
    path = join_run(analysed(), "first", run)
    content = json.loads(path.read_bytes())
    content["study"]["title"] = content["claim"] = content["estimates"][0]["system"] = HOSTILE
    content["correlations"][0]["metric"] = content["correlations"][0]["identity"] = HOSTILE
    path.write_bytes(spoilt(content))
    section = section_of(run)
    assert HOSTILE not in section and told(section).count(HOSTILE) >= 5


def test_the_report_command_takes_up_what_was_joined_since(run: Run, analysed: Callable[..., Analysis]) -> None:
    assert section_of(run) == ""
    join_run(analysed(), "first", run)
    done = CliRunner().invoke(app, ["report", str(run.path)])
    assert done.exit_code == 0, done.output
    assert 'id="listening"' in (run.path / "report" / "index.html").read_text(encoding="utf-8")


def test_reports_never_import_listening_tests() -> None:
    for path in Path(sys.modules["reports"].__file__).parent.glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            names = [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            names += [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            assert not any(name.split(".")[0] == "listening_tests" for name in names), path


@pytest.mark.slow
def test_a_study_made_from_a_run_comes_back_to_it(run: Run, tmp_path: Path) -> None:
    systems = ("full", "streamflow-sr", "copy-synthesis")
    changes = {"systems": systems, "screening.level": False, "screening.training": 0, "screening.traps": 0,
               "listening.max_s": 4.0}  # fmt: skip
    made = tmp_path / "made"
    create_study(made, run=run.path, changes=changes, sentences=3)
    done = simulate_study(made, tmp_path / "heard", {"honest": 4}, speed=30)
    opened = load_open_study(done.folder)
    analyse_study(opened)
    assert not (run.path / "listening").exists(), "programs are no listeners"
    people = replace(opened, study=opened.study.with_changes(simulated=False))
    written = analyse_study(people)
    (path,) = (run.path / "listening").iterdir()
    assert path.name == "heard.json"
    listeners = [row["listener"] for row in json.loads((written.folder / "analysis.json").read_bytes())["listeners"]]
    assert len(listeners) == 4 and not any(name in path.read_text(encoding="utf-8") for name in listeners)
    assert len(rows_of(section_of(run), "listening-table")) == 3


@pytest.mark.slow
@pytest.mark.skipif(CHROMIUM is None, reason="no Chromium; install Debian's package chromium")
@pytest.mark.parametrize("width", [400, 1400])
def test_a_browser_shows_it_without_errors_or_sideways_scrolling(
    width: int, run: Run, analysed: Callable[..., Analysis], tmp_path: Path
) -> None:
    playwright = pytest.importorskip("playwright.sync_api")
    for protocol in ("acr-naturalness", "mushra", "ab"):
        join_run(analysed(protocol, title=f"A rather long title of a study of {protocol}"), protocol, run)
    (run.path / "listening" / "old.json").write_text("{}")
    path, problems, asked = write_report(run.path), [], []
    with playwright.sync_playwright() as p:
        browser = p.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        page = slowed(browser).new_page(viewport={"width": width, "height": 900})
        page.set_default_timeout(PATIENCE_MS)
        page.on("pageerror", lambda error: problems.append(str(error)))
        page.on("console", lambda message: problems.append(message.text) if message.type == "error" else None)
        page.on("request", lambda request: asked.append(request.url))
        page.goto(path.as_uri())
        section = page.locator("#listening")
        section.scroll_into_view_if_needed()
        page.wait_for_function("document.scrollingElement.scrollWidth <= document.scrollingElement.clientWidth")
        names = section.locator("#listening-table tbody tr").count()
        colours = section.locator(".swatch").evaluate_all("all => all.map((e) => getComputedStyle(e).backgroundColor)")
        section.screenshot(path=str(tmp_path / f"listening-{width}.png"))
        browser.close()
    assert problems == []
    assert names == 12 and len(set(colours)) == 3  # 3 systems and MUSHRA's three others, 3 pairs
    assert [url for url in asked if not url.startswith(("data:", "blob:", path.as_uri()))] == []
