"""``python app.py`` as a process, and somebody who has logged in."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from tests.ports import free_port
from tests.slowness import PATIENCE_MS

ROOT = Path(__file__).parents[2]
START_S = 900.0  # importing torch and Gradio on a machine with other work to do
SERIOUS = ("serious", "critical")
STYLED = "() => [...document.querySelectorAll('link[rel=stylesheet]')].every((one) => one.sheet)"
STILL = """() => document.getAnimations().every(
  (one) => one.playState !== "running" || one.effect.getComputedTiming().endTime === Infinity
)"""
NARROW = "() => document.scrollingElement.scrollWidth <= innerWidth"


@dataclass(frozen=True)
class Served:
    """A running application.

    Attributes:
        url: without a slash at the end.
        login: the link that was printed; its token is good for one use. "" where there is a password.
        process: the server.
    """

    url: str
    login: str
    process: subprocess.Popen


@contextmanager
def serve_app(folder: Path, *, cwd: Path = ROOT, **environment: str) -> Iterator[Served]:
    """Serve ``folder``/runs and ``folder``/studies until the block ends.

    Args:
        folder: where the log lies too.
        cwd: of the process; baselines and checkpoints are below it.
        environment: on top of this process's.
    """
    port, log = free_port(), folder / "log"
    command = [
        sys.executable,
        ROOT / "app.py",
        "--studies",
        folder / "studies",
        "--runs",
        folder / "runs",
        "--port",
        port,
    ]
    own = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONUNBUFFERED": "1", **environment}
    with log.open("wb") as out:
        process = subprocess.Popen(list(map(str, command)), cwd=cwd, env=own, stdout=out, stderr=subprocess.STDOUT)
    url, deadline = f"http://127.0.0.1:{port}", time.monotonic() + START_S
    try:
        while True:
            try:
                httpx.get(f"{url}/login", timeout=30)
                break
            except httpx.HTTPError:
                assert process.poll() is None and time.monotonic() < deadline, log.read_text()[-3000:]
                time.sleep(0.1)
        link = re.search(r"http\S+/login\?token=\S+", log.read_text())
        yield Served(url, link.group() if link else "", process)
    finally:
        process.terminate()
        try:
            process.wait(60)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def log_in(page: Any, served: Served) -> None:
    """Follow the printed link and press its button."""
    page.goto(served.login)
    page.click("main button, form button")
    page.wait_for_url("**/app/**")


def logged_in(browser: Any, served: Served) -> dict[str, Any]:
    """The cookies of somebody who has logged in, for contexts of their own."""
    context = browser.new_context()
    page = context.new_page()
    page.set_default_timeout(PATIENCE_MS)
    log_in(page, served)
    state = context.storage_state()
    context.close()
    return state


def watched(context: Any) -> Any:
    """A new page that keeps the errors of its scripts in ``problems`` and what it fetched in ``asked``."""
    page = context.new_page()
    page.set_default_timeout(PATIENCE_MS)
    page.problems, page.asked = [], []
    page.on("pageerror", lambda error: page.problems.append(str(error)))
    page.on("request", lambda request: page.asked.append(request.url))
    return page


def elsewhere(page: Any, url: str) -> list[str]:
    """What a watched page fetched from anywhere but this server."""
    return [asked for asked in page.asked if not asked.startswith((url, "data:", "blob:"))]


def shoot(page: Any, name: str) -> None:
    """A screenshot, where a folder for them was asked for."""
    if folder := os.environ.get("STREAMFLOW_SCREENSHOTS"):
        Path(folder).mkdir(parents=True, exist_ok=True)
        page.screenshot(path=f"{folder}/{name}.png", full_page=True)


def in_address(page: Any, words: str) -> None:
    """Wait until the address says this: it is written after the page has heard of a change."""
    page.wait_for_function("words => location.search.includes(words)", arg=words)


def choose_tab(page: Any, name: str) -> None:
    """Choose a tab, be it in the menu of those that there is no room for: which they are is measured after the drawing."""
    from playwright.sync_api import TimeoutError

    page.wait_for_selector("role=tab >> visible=true")
    direct, deadline = page.locator(f"[role=tab]:visible:text-is('{name}')"), time.monotonic() + PATIENCE_MS / 1000
    while True:
        try:
            if direct.count():
                return direct.first.click(timeout=5000)
            page.click(".overflow-menu:visible > button", timeout=5000)
            return page.click(f".overflow-dropdown button:text-is('{name}')", timeout=5000)
        except TimeoutError:  # it has moved meanwhile
            if time.monotonic() > deadline:
                raise


def check_narrow(page: Any, name: str) -> None:
    """Nothing is wider than the window, once figures have taken the room that there is."""
    from playwright.sync_api import TimeoutError

    page.wait_for_function(STYLED)
    try:
        page.wait_for_function(NARROW)
    except TimeoutError:
        over = page.evaluate("document.scrollingElement.scrollWidth - innerWidth")
        raise AssertionError(f"{name} is {over} px too wide") from None


def violations(page: Any) -> list[str]:
    """What axe-core calls serious or critical, a line each, once no colour is on its way to another."""
    from axe_playwright_python.sync_playwright import Axe

    page.wait_for_function(STYLED)
    page.wait_for_function(STILL)
    found = Axe().run(page, options={"resultTypes": ["violations"]}).response["violations"]
    return [
        f"{one['id']}: {node['html'][:200]} {node['failureSummary']}"
        for one in found
        if one["impact"] in SERIOUS
        for node in one["nodes"]
    ]


def check_look(page: Any, name: str) -> None:
    """Nothing too wide, no serious violation of accessibility; a picture where one is asked for."""
    check_narrow(page, name)
    shoot(page, name)
    assert violations(page) == [], name
