"""A sweep in a real browser: its form and plan, watched, cancelled, gone on with, its report opened inside."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.browser.runs import PATIENCE_MS, finished, go, job
from tests.browser.serving import Served, check_look, elsewhere, logged_in, serve_app, watched

pytestmark = pytest.mark.slow
SIZES = {"desktop": {"width": 1280, "height": 900}, "phone": {"width": 400, "height": 850}}
LINK = (
    "runs?tab=sweep&strategy=naive&strategy=streamflow-sr&vary=block%3D12&vary=crossfade%3D0.1,0.3&set=nfe%3D2&limit=2"
)
PLAN = "#sweep-plan"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("app")


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


def varied(page: Any, text: str) -> None:
    page.wait_for_function("text => document.querySelector('#sweep-vary textarea').value === text", arg=text)


@pytest.mark.parametrize("page", SIZES, indirect=True)
def test_a_link_fills_the_form_and_the_plan_says_what_comes_of_it(page: Any) -> None:
    go(page, LINK)
    page.wait_for_selector(f"{PLAN} >> text=/systems x 2 utterances x 1 seed/")
    varied(page, "block=12\ncrossfade=0.1,0.3")
    page.wait_for_selector(f"{PLAN} >> text=streamflow-sr takes no crossfade, which is not varied for it")
    page.wait_for_selector(f"{PLAN} >> text=/streamflow-sr@block-12.nfe-2 uses weights that were trained otherwise/")
    page.click(f"{PLAN} summary >> text=Left out: 1")
    page.wait_for_selector(f"{PLAN} li >> text=/crossfade=0.3 must be a share of a hop/ >> visible=true")
    check_look(page, f"sweep-plan-{page.size}")
    page.fill("#sweep-vary textarea", "blok=12")
    page.wait_for_selector(f"{PLAN} >> text=did you mean 'block'")
    page.fill("#sweep-vary textarea", "backward=no,0+1")
    page.wait_for_selector(f"{PLAN} summary >> text=Systems: 4")
    page.wait_for_function("location.search.includes('vary=backward%3Dno%2C0%2B1')")
    page.reload()
    page.wait_for_function("window.pageArrived")
    page.wait_for_selector(f"{PLAN} summary >> text=Systems: 4")
    varied(page, "backward=no,0+1")


def test_ticking_a_parameter_adds_it_with_its_usual_values_and_unticking_takes_it_out(page: Any) -> None:
    go(page, "runs?tab=sweep")
    page.wait_for_selector(f"{PLAN} summary >> text=Systems: 7")  # block from 10 to 60, and the default
    page.get_by_label("crossfade", exact=True).check()
    page.wait_for_function("document.querySelector('#sweep-vary textarea').value.includes('crossfade=0:0.2:0.05')")
    page.wait_for_selector(f"{PLAN} summary >> text=Systems: 31")
    page.get_by_label("block", exact=True).uncheck()
    page.wait_for_selector(f"{PLAN} summary >> text=Systems: 5")
    page.wait_for_function("location.search.includes('vary=crossfade') && !location.search.includes('vary=block')")
    page.get_by_label("block", exact=True).check()
    page.get_by_label("crossfade", exact=True).uncheck()  # while the answer to the one before is on its way
    page.wait_for_selector(f"{PLAN} summary >> text=Systems: 7")


def test_a_sweep_is_cancelled_gone_on_with_and_its_report_opened_inside(page: Any, folder: Path) -> None:
    go(page, "runs?tab=sweep&strategy=naive&vary=crossfade%3D0.1,0.2&set=nfe%3D1&limit=6&metrics=none&name=fades")
    page.wait_for_selector(f"{PLAN} >> text=18 renderings")
    page.click("#sweep-start")
    page.wait_for_selector(f"{job('Sweep fades', 'running')} >> text=/decode [1-9]/", timeout=PATIENCE_MS)
    page.click(f"{job('Sweep fades')} button >> text=Cancel")
    page.wait_for_selector(job("Sweep fades", "cancelled"), timeout=PATIENCE_MS)
    kept = len(list((folder / "runs" / "fades" / ".renderings").glob("*/*.json")))
    assert 0 < kept < 18
    go(page, "runs?run=fades")
    page.get_by_role("button", name="Go on with it").click()
    finished(page, "Compare fades")
    page.wait_for_selector("h2 >> text=fades")
    assert f"{18 - kept} decoded, {kept} kept" in page.evaluate(
        """async () => { const { over } = await (await fetch("../jobs")).json();
        return (await fetch(`../jobs/${over.find((job) => job.title === "Compare fades").id}/log`)).text(); }"""
    )
    page.wait_for_selector(".rn-facts:has-text('crossfade 0.1, 0.2 of naive')")
    page.frame_locator("iframe.rn-frame").locator("#sweep h2").wait_for()
    check_look(page, "sweep-run")
    page.click("text=Sweep otherwise")
    page.wait_for_function("window.pageArrived")
    page.wait_for_selector(f"{PLAN} summary >> text=Systems: 3")
    varied(page, "crossfade=0.1,0.2")
