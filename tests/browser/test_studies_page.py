"""An administrator in a real browser at ``python app.py``: make a study, look at it, open, watch, analyse it, plan one."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import numpy as np
import pytest

from harness.run import RunFolder
from listening_tests.creating import create_study
from listening_tests.opening import load_open_study
from tests.browser.serving import Served, check_look, choose_tab, log_in, serve_app, shoot, watched
from tests.slowness import PATIENCE_MS

pytestmark = pytest.mark.slow
SYSTEMS = ("full", "naive", "streamflow-sr")


@dataclass
class App:
    """``python app.py`` as a process."""

    served: Served
    studies: Path
    run: Path

    @property
    def url(self) -> str:
        return self.served.url


@pytest.fixture(scope="module")
def app(heard_run: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[App]:
    folder = tmp_path_factory.mktemp("app")
    run = scored(shutil.copytree(heard_run, folder / "runs" / "small"))
    with serve_app(folder) as served:
        yield App(served, folder / "studies", run)


def scored(run: Path) -> Path:
    """With a metric for every recording, so that it can be set against ratings."""
    folder, rng = RunFolder(run), np.random.default_rng(1)
    names = sorted(path.stem for path in folder.reference("x").parent.glob("*.flac"))
    rows = [
        {"system": system, "utterance": name, "speaker": name[:-2], "seed": 0, "metric": "stoi", "identity": "stoi",
         "value": worth + rng.normal(0, 0.02), "unit": "", "unscored_because": ""}
        for system, worth in zip(SYSTEMS, (0.9, 0.7, 0.8), strict=True) for name in names
    ]  # fmt: skip
    folder.write_tables({"scores": rows})
    return run


@pytest.fixture(scope="module")
def page(browser: Any, app: App) -> Iterator[Any]:
    context = browser.new_context(viewport={"width": 1280, "height": 900}, locale="en-GB")
    page = watched(context)
    log_in(page, app.served)
    yield page
    context.close()


def show(page: Any, app: App, **said: str) -> None:
    """The page of studies with this in its address, once it has filled itself in."""
    page.goto(str(httpx.URL(f"{app.url}/app/studies", params=said)))
    page.wait_for_selector("h1:has-text('Listening tests')")
    page.wait_for_function("document.querySelector('#studies')?.innerText.trim() && window.studiesCameUp")


def field(page: Any, label: str) -> Any:
    """The input whose label begins so; Gradio makes the hint below it part of the label."""
    return page.get_by_label(re.compile(rf"^\s*{re.escape(label)}\b")).locator("visible=true").first


def choose(page: Any, label: str, option: str) -> None:
    """Pick from one of Gradio's dropdowns."""
    box = field(page, label)
    box.click()
    box.fill(option)
    page.get_by_role("option", name=option, exact=True).click()


def test_nobody_gets_in_without_the_token(app: App):
    asked = httpx.Client(base_url=app.url, timeout=PATIENCE_MS / 1000)
    page = asked.get("/app/studies", headers={"Accept": "text/html"})
    assert (page.status_code, urlsplit(page.headers["location"]).path) == (303, "/login")
    for path in ("app/config", f"app/gradio_api/file={app.studies}", "preview/guess/", "preview/guess/api/step"):
        assert asked.get(f"/{path}").status_code == 401
    assert asked.post("/login", data={"secret": "guess"}).status_code == 403


def test_a_study_is_made_looked_at_opened_taken_and_analysed(app: App, page: Any, listener: Callable[..., Any]):
    show(page, app, tab="new")
    choose(page, "Run", "small")
    page.wait_for_selector("label:has-text('streamflow-sr') input")
    choose(page, "Protocol", "ab")
    for label, text in {"Name": "first", "Title": "Which sounds better?", "Listeners": "4", "Sentences": "4",
                        "Trials a listener": "2", "Traps": "0", "Practice trials": "1"}.items():  # fmt: skip
        field(page, label).fill(text)
    page.wait_for_url("**/studies?*screening.training=1*")
    before = page.url
    page.reload()
    page.wait_for_function("document.querySelector('[placeholder=naturalness-1]')?.value === 'first'")
    page.wait_for_function("window.studiesCameUp")
    page.wait_for_url(lambda url: url == before)
    page.wait_for_function("(box) => box.value === '4'", arg=field(page, "Listeners").element_handle())
    look_through(page, page.frame_locator("#form-preview iframe"))
    shoot(page, "studies-new")
    assert not app.studies.exists() or not list(app.studies.iterdir())  # a preview leaves nothing
    page.click("text=Make the study")
    page.wait_for_selector("#study-said:has-text('4 listeners wanted')")
    page.wait_for_url(lambda url: "study=first" in url and "tab=listeners" in url)
    page.wait_for_selector("#study strong:has-text('draft')")
    page.click("role=button[name='Open']")
    page.wait_for_selector("text=tick the box above the button first")
    page.check("text=I have looked at the preview")
    page.click("role=button[name='Open']")
    box = page.locator("label:has-text('The listeners') :is(input, textarea)").first
    page.wait_for_function("(box) => box.value.includes('/s/')", arg=box.element_handle())
    link = box.input_value()
    page.click("role=button[name='Make invitations']")
    page.wait_for_function("[...document.querySelectorAll('textarea')].some(one => one.value.includes('invitation='))")
    shoot(page, "studies-open")
    person = listener("ab", url=link)
    person.go_to("done")
    code = person.page.input_value(".flow-code")
    field(page, "Codes as listeners sent them").fill(f"{code}\n0000-0000-0000-0000")
    page.click("text=Check the codes")
    page.wait_for_selector("text=2 codes, 1 wrong; 1 of 1 complete sessions are among them")
    watch_blind(app, page)
    analyse(app, page)
    assert page.problems == []
    assert {urlsplit(url).netloc for url in page.asked if url.startswith("http")} == {urlsplit(app.url).netloc}


def look_through(page: Any, frame: Any) -> None:
    """The preview of the form: the listener's own screens and player."""
    page.click("role=button[name='Preview'] >> visible=true")
    frame.locator("[data-screen=welcome]").wait_for()
    frame.get_by_role("button", name="Consent").click()
    frame.locator("[data-screen=consent]").wait_for()
    frame.get_by_label("Answer without listening").check()
    frame.get_by_role("button", name="Trial", exact=True).click()
    frame.locator("[data-screen=intro] [type=submit]").click()
    trial = frame.locator(".lt-trial[data-view=pair]:not([aria-busy])")
    trial.wait_for()
    frame.locator(".lt-sound").first.click()  # it plays
    frame.locator(".lt-sound.lt-playing").wait_for()
    frame.locator("summary").click()
    assert set(re.findall(r"[AB] is ([\w-]+)", frame.locator("#behind").inner_text())) <= set(SYSTEMS)
    assert not set(SYSTEMS) & set(re.findall(r"[\w-]+", trial.inner_text()))
    frame.locator(".lt-body .lt-choice").first.click()
    frame.locator(".lt-submit").click()  # quick: nothing had to be heard
    frame.locator("body:not([data-position='0'])").wait_for()
    frame.get_by_role("button", name="The end").click()
    frame.locator(".flow-code").wait_for()
    assert frame.locator(".flow-code").input_value() == "PREVIEW"


def watch_blind(app: App, page: Any) -> None:
    """Nothing tells the systems until somebody says why they unlock."""
    choose_tab(page, "How it goes")
    page.wait_for_selector("text=balance of completed ratings")
    assert not set(SYSTEMS) & set(re.findall(r"[\w-]+", page.inner_text("#study-watched")))
    page.click("text=Unlock")
    page.click("text=Show the systems' names and means")
    page.wait_for_selector("text=say why first")
    field(page, "Why").fill("the study is complete")
    page.click("text=Show the systems' names and means")
    page.wait_for_selector("text=reason: the study is complete")
    opened = load_open_study(app.studies / "first")
    assert [entry["action"] for entry in opened.store.audit_log("first")] == ["unlock"]
    opened.store.close()


def analyse(app: App, page: Any) -> None:
    """The report is shown in the page, also after a reload; the ratings can be taken away."""
    choose_tab(page, "Results")
    page.click("role=button[name='Analyse']")
    report = page.frame_locator("#study-report iframe")
    report.locator("h1").wait_for()
    page.wait_for_url("**shown=1*")
    page.reload()
    report.locator("h1").wait_for()
    page.wait_for_function("window.studiesCameUp")
    page.click("role=button[name='Export the ratings']")
    with page.expect_download() as download:
        page.click("a:has-text('ratings.csv')")
    assert Path(download.value.path()).read_text().startswith("study,listener,")
    assert report.locator("h1").count() == 1  # that the address named a study did not clear its results again
    shoot(page, "studies-analysed")
    assert (app.studies / "first" / "analysis" / "report.html").is_file()


def test_simulated_listeners_show_what_the_study_will_find(app: App, page: Any):
    create_study(
        app.studies / "tried",
        run=app.run,
        changes={"design.listeners": 4, "screening.training": 0, "screening.traps": 0, "languages": ["en"],
                 "title": "How natural is this?", "screening.level": False},
    )  # fmt: skip
    show(page, app, study="tried", tab="simulate")
    for label, number in {"Honest": "5", "Lazy": "0", "Bot": "0"}.items():
        field(page, label).fill(number)
    page.click("role=button[name='Simulate']")
    page.wait_for_selector("#study-simulation .study-note:is(.good, .bad)", timeout=5 * PATIENCE_MS)
    assert not page.query_selector("#study-simulation .bad"), page.inner_text("#study-simulation")
    page.click("a:has-text('Analyse tried-simulated')")
    page.wait_for_url("**study=tried-simulated&tab=results*")
    page.wait_for_selector("#study :text('nobody')")
    page.click("role=button[name='Analyse']")
    page.wait_for_selector("section:has-text('Correlation of metrics')")
    page.locator("#relation").scroll_into_view_if_needed()  # it is drawn when it comes near
    page.wait_for_selector("#relation .js-plotly-plot .points path")
    assert page.locator("section:has-text('Correlation of metrics') td").count() >= 9
    assert page.get_attribute("a[href='help#metric-stoi'] >> nth=0", "href")
    shoot(page, "studies-relation")


def test_the_size_of_a_study_is_planned(app: App, page: Any):
    show(page, app, tab="plan")
    page.wait_for_selector("#plan-said :text('listeners')")
    first = page.inner_text("#plan-said")
    field(page, "Sentences").fill("24")
    page.wait_for_function("before => document.querySelector('#plan-said').innerText !== before", arg=first)
    page.wait_for_selector("#plan-curve .js-plotly-plot .points path")
    page.wait_for_url("**plan.sentences=24*")
    page.get_by_label("number input for Difference (points)").fill("0.05")
    page.wait_for_selector("#plan-said :text('sentences cannot resolve 0.05 points')")
    said = page.inner_text("#plan-said")
    page.reload()
    page.wait_for_function("said => document.querySelector('#plan-said')?.innerText === said", arg=said)
    shoot(page, "studies-plan")


def test_a_mistake_is_told_in_one_line(app: App, page: Any):
    show(page, app, tab="new", run="small", name="../elsewhere")
    page.wait_for_function("document.querySelector('[placeholder=naturalness-1]')?.value === '../elsewhere'")
    page.click("text=Make the study")
    page.wait_for_selector("text=cannot be a folder's name")
    assert not (app.studies.parent / "elsewhere").exists()


@pytest.mark.parametrize("size", ["desktop", "phone"])
def test_every_tab_fits_and_can_be_read_by_everybody(app: App, page: Any, size: str):
    page.set_viewport_size({"desktop": {"width": 1280, "height": 900}, "phone": {"width": 390, "height": 844}}[size])
    for name in ("listeners", "monitor", "results", "preview", "simulate", "new", "plan"):
        show(page, app, tab=name)
        check_look(page, f"studies-{name}-{size}")
