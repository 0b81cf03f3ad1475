"""The overview and the runs page in a real browser at ``python app.py``: browse, compare, cancel, merge, gate, promote."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.browser.runs import PATIENCE_MS, finished, go, job
from tests.browser.serving import (
    STYLED,
    Served,
    check_look,
    choose_tab,
    elsewhere,
    in_address,
    logged_in,
    serve_app,
    watched,
)
from tests.reports.make_run import make_run

pytestmark = pytest.mark.slow
ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT / "tests" / "harness" / "gate"))
from make_runs import scores, write_run  # noqa: E402

SIZES = {"desktop": {"width": 1280, "height": 900}, "phone": {"width": 400, "height": 850}}
POLICY = """extends = "default"
calibration = "off"
latency = false
[metrics]
speaker_similarity = false
f0_median_cents = false
voicing_error = false
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Runs of one corpus: two with audio, and three whose scores are chosen, one of them clearly worse."""
    folder = tmp_path_factory.mktemp("app")
    make_run(folder / "runs" / "plain")
    shutil.copytree(folder / "runs" / "plain", folder / "runs" / "again")
    worse = scores(noise=1)
    worse["pesq_wb"] = worse["pesq_wb"] - 0.5
    write_run(folder / "runs" / "good", scores())
    write_run(folder / "runs" / "worse", worse)
    return folder


@pytest.fixture(scope="module")
def server(folder: Path) -> Iterator[Served]:
    with serve_app(folder, cwd=folder) as served:
        yield served


@pytest.fixture(scope="module")
def state(browser: Any, server: Served) -> dict[str, Any]:
    return logged_in(browser, server)


@pytest.fixture
def page(browser: Any, server: Served, state: dict[str, Any], request: pytest.FixtureRequest) -> Iterator[Any]:
    size = getattr(request, "param", "desktop")
    context = browser.new_context(viewport=SIZES[size], storage_state=state, locale="en-GB", has_touch=size == "phone")
    page = watched(context)
    page.base, page.size = server.url, size
    yield page
    assert page.problems == []
    assert elsewhere(page, server.url) == []
    context.close()


both_sizes = pytest.mark.parametrize("page", SIZES, indirect=True)


def looked(page: Any, name: str) -> None:
    check_look(page, f"{name}-{page.size}")


@both_sizes
def test_runs_are_found_filtered_and_the_address_keeps_it(page: Any) -> None:
    go(page, "runs")
    page.wait_for_selector(".rn-table >> text=worse")
    looked(page, "runs")
    page.get_by_label("Find").fill("plain")
    page.wait_for_function("document.querySelector('.rn-table')?.innerText.includes('worse') === false")
    in_address(page, "q=plain")
    page.reload()
    page.wait_for_selector(".rn-table >> text=1 run of")
    page.wait_for_function("document.querySelector('#runs-find :is(input, textarea)').value === 'plain'")
    page.get_by_label("Find").fill("nothing of this name")
    page.wait_for_selector("text=take a filter out")


@both_sizes
def test_a_run_shows_where_it_comes_from_and_its_report_inside(page: Any) -> None:
    go(page, "runs?run=plain")
    page.wait_for_selector("h2 >> text=plain")
    page.wait_for_selector(".rn-facts >> text=Some CPU, 2 cores")
    if page.size == "desktop":
        page.get_by_role("button", name="Write the report").click()
        finished(page, "Report of plain")
    report = page.frame_locator("iframe.rn-frame")
    report.locator("h1").wait_for()
    page.wait_for_function(
        "document.querySelector('iframe.rn-frame')?.contentDocument === null"
    )  # no way in for its scripts
    looked(page, "run")
    page.go_back()
    go(page, "runs?run=nowhere")
    page.wait_for_selector("text=There is no run nowhere here")


def test_a_comparison_is_started_watched_and_opened(page: Any, folder: Path) -> None:
    go(page, "runs?new=1&system=copy-synthesis&limit=1&metrics=none&name=small-one")
    page.wait_for_selector("#new-forecast >> text=1 utterances")
    page.wait_for_function("document.querySelector('#new-name :is(input, textarea)').value === 'small-one'")
    looked(page, "new-comparison")
    page.fill("#new-systems textarea", "copy-synthesis\nfast:streamflow-sr,nef=2")
    page.wait_for_selector("#new-forecast >> text=nef")
    page.fill("#new-systems textarea", "copy-synthesis\nfast:streamflow-sr,nfe=2")
    page.wait_for_selector("#new-forecast >> text=2 renderings")
    in_address(page, "system=fast%3Astreamflow-sr%2Cnfe%3D2")
    page.click("#new-start")
    page.wait_for_selector(job("Compare small-one"))
    finished(page, "Compare small-one")
    page.wait_for_selector("h2 >> text=small-one")
    page.frame_locator("iframe.rn-frame").locator("h1").wait_for()
    assert (folder / "runs" / "small-one" / "latency.parquet").is_file()


def test_a_comparison_is_cancelled_and_survives_a_reload(page: Any) -> None:
    every = "&".join(f"system={name}" for name in ("full", "naive", "causal", "streamflow-sr", "streamflow-lr"))
    go(page, f"runs?new=1&{every}&metrics=none&name=long-one")
    page.wait_for_selector("#new-forecast >> text=120 renderings")
    page.click("#new-start")
    page.wait_for_selector(f"{job('Compare long-one', 'running')} >> text=/decode [1-9]/", timeout=PATIENCE_MS)
    go(page, "")
    page.wait_for_selector(f"{job('Compare long-one', 'running')} progress")
    looked(page, "overview-running")
    page.click(f"{job('Compare long-one')} button >> text=Cancel")
    page.wait_for_selector(job("Compare long-one", "cancelled"), timeout=PATIENCE_MS)
    page.click(f"{job('Compare long-one')} summary")
    page.wait_for_selector(f"{job('Compare long-one')} pre >> text=interrupted")


def test_runs_are_merged_into_one_report(page: Any) -> None:
    go(page, "runs?tab=merge&merge=plain&merge=again")
    page.wait_for_selector("#merge-start:visible")
    for name in ("plain", "again"):  # the form is filled in from the address after it is drawn
        page.wait_for_selector(f"#runs-tabs [role=tabpanel]:visible .token:has-text('{name}')")
    looked(page, "merge")
    page.click("#merge-start")
    finished(page, "Report of plain, again")
    page.wait_for_selector("h2 >> text=merged")
    page.frame_locator("iframe.rn-frame").locator("h1 >> text=plain").wait_for()


def test_a_worse_candidate_is_held_back_and_the_overview_says_so(page: Any, folder: Path) -> None:
    go(page, "runs?tab=baselines&promote=good")
    page.wait_for_selector("#promote-ask:visible")
    page.wait_for_function(
        "[...document.querySelectorAll('input')].some((e) => e.checkVisibility() && e.value === 'good')"
    )
    page.click("#promote-ask")
    page.wait_for_selector("#promote-yes:visible")
    for name in ("other", "main"):  # what is asked is about another name then
        page.get_by_label("Name of the baseline").fill(name)
        page.wait_for_selector("#promote-yes", state="hidden")
    page.click("#promote-ask")
    page.click("#promote-yes")
    page.wait_for_selector("#promote-said >> text=good is the baseline main now")
    assert (folder / "baselines" / "main" / "history.jsonl").is_file()
    looked(page, "baselines")
    go(page, "runs?tab=gate&candidate=run:worse")
    page.wait_for_selector("#gate-policy-check >> text=can be used")
    page.click("text=Policy: what may be lost")
    typed(page, POLICY + "nonsense = true\n")
    page.wait_for_selector("#gate-policy-check >> text=nonsense")
    typed(page, POLICY)
    page.wait_for_selector("#gate-policy-check >> text=3 metrics are required")
    page.reload()
    page.wait_for_selector("#gate-policy-check >> text=3 metrics are required")
    looked(page, "gate-form")
    page.click("#gate-start")
    finished(page, "Gate worse")
    page.wait_for_selector("h2 >> text=must not ship")
    page.frame_locator("iframe.rn-frame").locator("h1 >> text=FAIL").wait_for()
    looked(page, "gate-verdict")
    go(page, "")
    page.wait_for_selector("h2 >> text=The candidate must not ship")
    row = page.locator(".rn-verdict tbody tr:first-child").inner_text()
    assert "pesq_wb" in row and "FAIL" in row and "−0.1 MOS-LQO" in row
    looked(page, "overview-verdict")
    page.set_viewport_size(SIZES["phone"])
    nothing_scrolls(page)
    check_look(page, "overview-verdict-phone")
    page.set_viewport_size(SIZES["desktop"])
    page.click("text=Listen to what fell")
    page.wait_for_url("**/runs?tab=gate&gate=gates%2Fgate*", wait_until="commit")


SCROLLED = """() => [...document.querySelectorAll(".rn-scroll")].filter((e) => e.checkVisibility()
  && e.scrollWidth > e.clientWidth).map((e) => e.getAttribute("aria-label"))"""
HEIGHTS = """() => [...document.querySelectorAll(".rn-runs tbody tr")].map((e) => e.getBoundingClientRect().height)"""
MOST_ROW_PX = 110  # three short lines, four where a corpus has a long name


def nothing_scrolls(page: Any) -> None:
    """No table is wider than its place, once the styles have come and it has taken the room that there is."""
    page.wait_for_function(STYLED)
    page.wait_for_function(f"() => ({SCROLLED})().length === 0")


def typed(page: Any, text: str) -> None:
    """Replace what an editor holds, as one who pastes does."""
    page.click("#gate-policy .cm-content")
    page.keyboard.press("Control+a")
    page.keyboard.insert_text(text)


@pytest.mark.parametrize("page", ["phone"], indirect=True)
def test_on_a_phone_the_verdict_fits_and_every_tab_is_reached(page: Any) -> None:
    go(page, "")
    page.wait_for_selector(".rn-verdict")
    page.wait_for_selector(".rn-runs tbody tr")
    nothing_scrolls(page)
    looked(page, "overview")
    go(page, "runs")
    page.wait_for_selector(".rn-runs tbody tr")
    nothing_scrolls(page)
    page.wait_for_function(f"() => Math.max(...({HEIGHTS})()) <= {MOST_ROW_PX}")
    for name, sign in (
        ("New comparison", "#new-start"),
        ("New sweep", "#sweep-start"),
        ("Merge", "#merge-start"),
        ("Gate", "#gate-start"),
    ):
        choose_tab(page, name)
        page.wait_for_selector(f"{sign}:visible")
        looked(page, f"tab-{name.lower().replace(' ', '-')}")
    in_address(page, "tab=gate")
    page.reload()
    page.wait_for_selector("#gate-start:visible")
