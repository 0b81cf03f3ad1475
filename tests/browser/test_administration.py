"""An administrator in a real browser at ``python app.py``: make a study from a run, open, invite, watch, analyse."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest

from listening_tests.simulation.server import free_port

pytestmark = pytest.mark.slow
ROOT = Path(__file__).parents[2]


@dataclass
class App:
    """``python app.py`` as a process."""

    url: str
    login: str
    studies: Path
    process: subprocess.Popen


@pytest.fixture(scope="module")
def app(studies: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[App]:
    folder = tmp_path_factory.mktemp("app")
    runs = studies.opened["ab"].folder.parent
    port = free_port()
    command = [sys.executable, "app.py", "--studies", folder / "studies", "--runs", runs, "--port", str(port)]
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONUNBUFFERED": "1"}
    process = subprocess.Popen(
        list(map(str, command)), cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True, bufsize=1
    )
    login = re.search(r"http\S+", process.stdout.readline()).group()
    url = f"http://127.0.0.1:{port}"
    for _ in range(300):
        try:
            httpx.get(f"{url}/login", timeout=1)
            break
        except httpx.HTTPError:
            assert process.poll() is None, "app.py ended"
            time.sleep(0.1)
    yield App(url, login, folder / "studies", process)
    process.terminate()
    process.wait(20)
    process.stdout.close()


@pytest.fixture(scope="module")
def page(browser: Any, app: App) -> Iterator[Any]:
    context = browser.new_context(viewport={"width": 1280, "height": 900}, locale="en-GB")
    page = context.new_page()
    page.set_default_timeout(30_000)
    page.asked, page.problems = [], []
    page.on("request", lambda request: page.asked.append(request.url))
    page.on("pageerror", lambda error: page.problems.append(str(error)))
    page.goto(app.login)
    page.click("button")
    page.wait_for_selector("text=Studies")
    yield page
    context.close()


def shot(page: Any, name: str) -> None:
    if folder := os.environ.get("STREAMFLOW_SCREENSHOTS"):
        Path(folder).mkdir(parents=True, exist_ok=True)
        page.screenshot(path=f"{folder}/administration-{name}.png", full_page=True)


def test_nobody_gets_in_without_the_token(app: App):
    assert httpx.get(f"{app.url}/administration/").headers["location"] == "/login"
    for path in ("config", "gradio_api/info", f"gradio_api/file={app.studies}"):
        assert httpx.get(f"{app.url}/administration/{path}").status_code in (401, 403)
    assert httpx.post(f"{app.url}/administration/gradio_api/queue/join", json={}).status_code in (401, 403)
    assert httpx.post(f"{app.url}/login", data={"secret": "guess"}).status_code == 403


def test_a_study_is_made_from_a_run_opened_and_taken(app: App, page: Any, listener: Callable[..., Any]):
    page.click("role=tab[name='New study']")
    choose(page, "Run", "run")
    page.wait_for_selector("label:has-text('streamflow-sr') input")
    choose(page, "Protocol", "ab")
    field(page, "Name").fill("first")
    field(page, "Title").fill("Which sounds better?")
    field(page, "Listeners").fill("4")
    field(page, "Sentences").fill("4")
    field(page, "Trials a listener").fill("2")
    field(page, "Traps").fill("0")
    shot(page, "new")
    page.click("text=Make the study")
    page.wait_for_selector(".notice:has-text('4 listeners wanted')")
    assert (app.studies / "first" / "study.toml").is_file()
    page.click("role=tab[name='Study']")
    page.wait_for_selector("strong:has-text('draft')")
    page.click("role=button[name='Open']")
    link = page.wait_for_selector("a[href*='/s/']").get_attribute("href")
    shot(page, "open")
    page.click("role=button[name='Make invitations']")
    page.wait_for_function("[...document.querySelectorAll('textarea')].some(one => one.value.includes('invitation='))")
    person = listener("ab", url=link)
    person.go_to("done")
    page.click("role=button[name='Look']")
    page.wait_for_selector("text=balance of completed ratings")
    watched = page.inner_text("body")
    assert not {"naive", "streamflow-sr"} & set(re.findall(r"[\w-]+", watched.partition("width of the intervals")[2]))
    page.click("role=button[name='Analyse']")
    page.wait_for_selector("h3:has-text('exclusions')")
    page.wait_for_selector("a[href*='report.html']")
    shot(page, "analysed")
    assert (app.studies / "first" / "analysis" / "report.html").is_file()
    assert page.problems == []
    assert {urlsplit(url).netloc for url in page.asked if url.startswith("http")} == {urlsplit(app.url).netloc}


def test_a_mistake_is_told_in_one_line(app: App, page: Any):
    page.click("role=tab[name='New study']")
    field(page, "Name").fill("../elsewhere")
    page.click("text=Make the study")
    page.wait_for_selector("text=cannot be a folder's name")
    assert not (app.studies.parent / "elsewhere").exists()


def test_the_pages_fit_a_phone(app: App, page: Any):
    page.set_viewport_size({"width": 390, "height": 844})
    page.click("role=tab[name='Study']")
    page.wait_for_timeout(500)
    shot(page, "phone")
    assert page.evaluate("document.scrollingElement.scrollWidth - innerWidth") <= 0


def field(page: Any, label: str) -> Any:
    """The input whose label begins so; Gradio makes the hint below it part of the label."""
    return page.get_by_label(re.compile(rf"^\s*{label}\b")).locator("visible=true").first


def choose(page: Any, label: str, option: str) -> None:
    """Pick from one of Gradio's dropdowns."""
    box = field(page, label)
    box.click()
    box.fill(option)
    page.get_by_role("option", name=option, exact=True).click()
