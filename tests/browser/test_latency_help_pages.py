"""The latency page and the help page in a real browser at ``python app.py``, on a desktop and a phone."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from tests.browser.serving import Served, check_look, elsewhere, logged_in, serve_app, watched
from tests.reports.make_bench import make_bench
from tests.reports.make_run import make_run

pytestmark = pytest.mark.slow
SIZES = {"desktop": {"width": 1280, "height": 900}, "phone": {"width": 400, "height": 850}}
DRAWN = "#{}:has([data-drawn] .main-svg)"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """``python app.py`` with a run that has a bench and one that has none."""
    folder = tmp_path_factory.mktemp("app")
    make_run(folder / "runs" / "plain")
    make_run(folder / "runs" / "benched")
    make_bench(folder / "runs" / "benched")
    with serve_app(folder) as served:
        yield served


@pytest.fixture(scope="module")
def state(browser: Any, server: Served) -> dict[str, Any]:
    return logged_in(browser, server)


@pytest.fixture(params=SIZES)
def page(request: pytest.FixtureRequest, browser: Any, server: Served, state: dict[str, Any]) -> Iterator[Any]:
    context = browser.new_context(viewport=SIZES[request.param], storage_state=state, locale="en-GB")
    page = watched(context)
    page.url_of, page.size = server.url + "/app", request.param
    yield page
    assert page.problems == []
    assert elsewhere(page, server.url) == []
    context.close()


def drawn(page: Any, name: str) -> None:
    """Bring a part of the page to where it is drawn, and wait for its first figure."""
    page.wait_for_selector(f"#{name} figure[data-plot]", state="attached")
    page.locator(f"#{name} figure[data-plot]").first.scroll_into_view_if_needed()
    page.wait_for_selector(DRAWN.format(name), state="attached")


def query(page: Any) -> dict[str, list[str]]:
    return parse_qs(urlsplit(page.url).query)


def slide(page: Any, label: str, value: str) -> None:
    """Type into the number beside a slider."""
    box = page.get_by_label(re.compile(f"number input for {re.escape(label)}"))
    box.fill(value)
    box.press("Tab")


def test_sliders_play_the_traces_again_and_the_address_keeps_them(page: Any) -> None:
    page.goto(f"{page.url_of}/latency?run=plain&system=naive&system=streamflow-sr")
    drawn(page, "latency-playing")
    page.wait_for_function("location.search.includes('rate=25')")
    told = page.inner_text("#playing-table")
    for label, value, sign in (("Token rate (tokens/s)", "100", "rate=100"), ("Buffer (ms)", "400", "buffer=400")):
        slide(page, label, value)
        page.wait_for_function("was => document.querySelector('#playing-table')?.innerText !== was", arg=told)
        page.wait_for_function("sign => location.search.includes(sign)", arg=sign)
        told = page.inner_text("#playing-table")
    page.wait_for_selector("#latency-playing:has-text('Tokens come at 100 a second')")
    page.reload()
    drawn(page, "latency-playing")
    page.wait_for_function("told => document.querySelector('#playing-table')?.innerText === told", arg=told)
    assert query(page)["system"] == ["naive", "streamflow-sr"] and query(page)["run"] == ["plain"]
    check_look(page, f"latency-{page.size}")


def test_a_run_without_a_bench_says_what_to_press_and_one_with_it_shows_its_curves(page: Any) -> None:
    page.goto(f"{page.url_of}/latency?run=plain")
    page.wait_for_selector("#bench-said:has-text('not measured yet')")
    page.wait_for_selector("role=button[name='Measure on this machine']")
    page.goto(f"{page.url_of}/latency?run=benched")
    drawn(page, "latency-curves")
    page.wait_for_selector("text=Chunk latency against the length of the stream")
    page.wait_for_selector("#streams-table", state="attached")
    page.locator("#latency-curves [data-plot=streams-packet]").scroll_into_view_if_needed()
    page.wait_for_selector("[data-plot=streams-packet][data-drawn]")


@pytest.mark.parametrize("page", ["desktop"], indirect=True)
def test_the_bench_is_a_job_whose_end_the_page_tells(page: Any) -> None:
    page.goto(f"{page.url_of}/latency?run=plain&system=naive")
    page.wait_for_selector("#bench-progress:has-text('Takes about')")
    page.click("role=button[name='Measure on this machine']")
    page.wait_for_selector("role=button[name='Stop']")
    page.reload()  # the job is the server's, not the page's
    # the run is a made-up one, and the page says what the command says of it
    page.wait_for_selector("#bench-progress:has-text('failed')", timeout=900_000)
    page.wait_for_selector("#bench-progress:has-text('was made with other weights')")
    page.wait_for_selector("role=button[name='Stop']", state="hidden")


def test_another_metric_and_hidden_systems_change_what_is_shown(page: Any) -> None:
    page.goto(f"{page.url_of}/latency?run=plain&metric=mel_distance")
    drawn(page, "latency-quality")
    page.wait_for_selector("#quality-table:has-text('mel_distance')", state="attached")
    page.wait_for_function("location.search.includes('rate=25')")  # filled in, so that nothing else changes the form
    page.get_by_label("copy-synthesis", exact=True).uncheck()
    page.wait_for_function("!document.querySelector('#quality-table').innerText.includes('copy-synthesis')")
    page.wait_for_function("!new URL(location.href).searchParams.getAll('system').includes('copy-synthesis')")


def test_an_address_that_is_not_ours_shows_what_there_is(page: Any) -> None:
    page.goto(
        f"{page.url_of}/latency?run=../../etc&run=gone&rate=nan&buffer=-5&jitter=x&metric=none&of=1&stream=2&source=3"
    )
    drawn(page, "latency-curves")
    page.wait_for_function("location.search.includes('rate=25') && location.search.includes('jitter=0')")
    assert set(query(page)["run"]) <= {"plain", "benched"}


def test_help_is_found_by_search_and_by_address(page: Any) -> None:
    page.goto(f"{page.url_of}/help#metric-pesq_wb")
    page.wait_for_selector(".help-here:has-text('P.862.2')")
    page.wait_for_function("document.getElementById('metric-pesq_wb').getBoundingClientRect().top < 400")
    page.fill("#help-search", "continuity sound")
    page.wait_for_function("/^[1-9]\\d* found$/.test(document.querySelector('#help-found').textContent)")
    page.wait_for_selector("#latency-continuity", state="visible")
    page.wait_for_selector("#metric-pesq_wb", state="hidden")
    page.wait_for_function("location.search === '?q=continuity+sound'")
    page.reload()
    page.wait_for_function("document.querySelector('#help-found')?.textContent.endsWith('found')")
    page.wait_for_function("document.querySelector('#help-search').value === 'continuity sound'")
    page.fill("#help-search", "zzzz")
    page.wait_for_selector("#help-found:has-text('nothing found')")
    page.fill("#help-search", "")
    page.wait_for_selector("#metric-pesq_wb", state="visible")
    check_look(page, f"help-{page.size}")
