"""A person's first five minutes, timed: from a clone to the first comparison heard, in a real browser.

python tools/first_five_minutes.py                    # clones HEAD; the environment is made anew, from the lock
python tools/first_five_minutes.py --working-tree     # what lies here, committed or not
python tools/first_five_minutes.py --environment .venv         # without making an environment

Needs Chromium and playwright (the extra dev). Each line is a step, with the seconds it took and those since the beginning.
"""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import typer

from listening_tests.simulation.server import free_port

ROOT = Path(__file__).resolve().parent.parent
PATIENCE_MS = 300_000
ROWS = ".cmp-row:not([data-system=reference])"
# half a second of sound that left the page, says the player that plays it
HEARD = f"(index) => Number(document.querySelectorAll('{ROWS}')[index].dataset.played ?? 0) > 8000"
MEASURED = "() => [...document.querySelectorAll('.cmp-facts')].some((one) => one.textContent.includes('First packet'))"


class Watch:
    """Prints how long each step took."""

    def __init__(self) -> None:
        self.begin = self.last = time.monotonic()

    def step(self, what: str) -> None:
        now = time.monotonic()
        print(f"{now - self.last:7.1f} s  {now - self.begin:7.1f} s  {what}", flush=True)
        self.last = now

    @property
    def seconds(self) -> float:
        return self.last - self.begin


def clone(target: Path, working_tree: bool) -> None:
    """The repository as somebody gets it, or as it lies here."""
    if not working_tree:
        subprocess.run(["git", "clone", "--quiet", str(ROOT), str(target)], check=True)
        return
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        check=True,
    )
    for name in filter(None, listed.stdout.decode().split("\0")):
        if (ROOT / name).is_file():
            (target / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, target / name)


def use_environment(target: Path, environment: Path) -> None:
    """Take an environment that is there for the one that ``make`` would make."""
    (target / ".venv").mkdir()
    for entry in environment.resolve().iterdir():
        (target / ".venv" / entry.name).symlink_to(entry)
    (target / ".venv" / ".made-from-lock").unlink(missing_ok=True)
    (target / ".venv" / ".made-from-lock").touch()


@contextmanager
def make_app(target: Path, log: Path) -> Iterator[str]:
    """``make app``; yields the link that it prints."""
    environment = {
        k: v for k, v in os.environ.items() if not k.startswith(("STREAMFLOW_", "VIRTUAL_ENV", "PYTHONPATH"))
    }
    environment |= {"PYTHONUNBUFFERED": "1", "PYTHONPATH": str(target)}
    command = ["make", "app", f"PORT={free_port()}", f"PYTHON={sys.executable}"]
    with log.open("w") as errors:
        process = subprocess.Popen(
            command,
            cwd=target,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
            start_new_session=True,
        )
    try:
        for line in process.stdout:
            if found := re.search(r"http\S+/login\S*", line):
                yield found.group()
                break
        else:
            raise SystemExit(f"error: make app ended: {log.read_text().strip().splitlines()[-1:]}")
    finally:
        os.killpg(process.pid, signal.SIGINT)
        try:
            process.wait(30)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)


def visit(page: Any, link: str, watch: Watch, shots: Path | None) -> None:
    """Log in, look at the overview, decode two systems, hear one."""
    for attempt in range(200):
        try:
            page.goto(link)
            break
        except Exception:  # the server printed the link and is about to listen
            if attempt == 199:
                raise
            time.sleep(0.1)
    page.click("button")
    page.wait_for_selector("h1")
    watch.step("logged in, the overview is there")
    look(page, shots, "overview")
    page.goto(link.split("/login")[0] + "/app/compare")
    page.wait_for_selector(".cmp-systems input:checked")
    page.wait_for_function("location.search.includes('checkpoint=')")
    watch.step("the compare page is filled in")
    boxes = page.locator(".cmp-systems input:checked")
    while boxes.count() > 2:
        boxes.last.uncheck()
    page.click("#compare-decode")
    page.wait_for_function(MEASURED)
    watch.step("the first of two systems is decoded")
    page.locator(f"{ROWS} .cmp-play").first.click()
    page.wait_for_function(HEARD, arg=0)
    watch.step("it is heard")
    page.wait_for_function("document.querySelector('.cmp-said').textContent.startsWith('ready')")
    page.locator(f"{ROWS} .cmp-play").nth(1).click()
    page.wait_for_function(HEARD, arg=1)
    watch.step("both are decoded, scored and heard: the first comparison")
    look(page, shots, "compare")


def look(page: Any, shots: Path | None, name: str) -> None:
    """Keep a picture of the page."""
    if shots is not None:
        shots.mkdir(parents=True, exist_ok=True)
        page.screenshot(path=shots / f"{name}.png", full_page=True)


def main(
    working_tree: Annotated[
        bool, typer.Option("--working-tree", help="Copy what lies here instead of cloning.")
    ] = False,
    environment: Annotated[Path | None, typer.Option(help="Use this one instead of making one.")] = None,
    screenshots: Annotated[Path | None, typer.Option(help="A folder for pictures of the pages.")] = None,
) -> None:
    """Time the way from a clone to the first comparison heard."""
    from playwright.sync_api import sync_playwright

    chromium = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    if chromium is None:
        raise SystemExit("error: no Chromium; install Debian's package chromium")
    with tempfile.TemporaryDirectory(prefix="first-five-minutes-") as name, sync_playwright() as driver:
        target, watch = Path(name) / "clone", Watch()
        clone(target, working_tree)
        watch.step("cloned" if not working_tree else "copied")
        if environment is not None:
            use_environment(target, environment)
        browser = driver.chromium.launch(executable_path=chromium, args=["--no-sandbox", "--mute-audio"])
        with make_app(target, Path(name) / "log") as link:
            watch.step("make app printed its link")
            page = browser.new_page(viewport={"width": 1280, "height": 900})
            page.set_default_timeout(PATIENCE_MS)
            visit(page, link, watch, screenshots)
        browser.close()
        stop_jobs(target)
    print(f"{watch.seconds:.0f} s from nothing to the first comparison heard")


def stop_jobs(target: Path) -> None:
    """The demo goes on in the background, and its folder is about to go."""
    from harness.jobs import Jobs

    jobs = Jobs(target / "runs" / ".jobs")
    for job in jobs.active()[::-1]:
        jobs.cancel(job.id)
    for job in jobs.list():
        jobs.wait(job.id, 60)


if __name__ == "__main__":
    typer.run(main)
