"""A browser, and a live server with a small real study of every protocol."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
import soundfile
from scipy.signal import butter, sosfilt

from harness import toml
from harness.run import RunFolder
from harness.storage import encode_flac, write_bytes
from listening_tests.creating import create_study
from listening_tests.opening import OpenStudy, open_study
from listening_tests.protocols import REGISTRY
from tests.ports import free_port
from tests.slowness import PATIENCE_MS, slowed

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
SHIPPED = Path(__file__).parents[2] / "corpora" / "shipped"
RATE = 16_000
CHUNK = 7_680  # samples: 0.48 s, so that a clip has seams
CLIP_S = 1.7  # long enough for a trap of beeps, short enough to listen to everything in real time
SYSTEMS = ("full", "naive", "streamflow-sr")
START_S = 900.0  # of a server, on a machine with other work to do
SIZES = {"desktop": {"width": 1280, "height": 800}, "phone": {"width": 390, "height": 844}}


def speech() -> dict[str, np.ndarray]:
    """Eight real sentences, cut short; float32 at 16 kHz."""
    found = {}
    for path in sorted(SHIPPED.glob("flite_*_[1-4].flac"))[:8]:
        samples, rate = soundfile.read(path, dtype="float32")
        assert rate == RATE
        found[path.stem] = samples[: int(CLIP_S * RATE)] * np.minimum(1, np.arange(int(CLIP_S * RATE), 0, -1) / 800)
    return found


def decoded(system: str, samples: np.ndarray) -> np.ndarray:
    """What a system makes of a recording: dull, or dull with a step of the level at every seam, or with a little noise."""
    out = sosfilt(butter(4, 3400, fs=RATE, output="sos"), samples).astype(np.float32)
    if system == "naive":
        for start in range(CHUNK, len(out), 2 * CHUNK):
            out[start : start + CHUNK] *= 0.6
    if system == "streamflow-sr":
        out += np.random.default_rng(1).normal(0, 1e-3, len(out)).astype(np.float32)
    return out


def write_run(path: Path) -> Path:
    """A run that studies can be made from: audio and traces, nothing scored."""
    folder, traces = RunFolder(path), []
    for name, samples in speech().items():
        write_bytes(folder.reference(name), encode_flac(samples))
        for system in SYSTEMS:
            write_bytes(folder.audio(system, name), encode_flac(decoded(system, samples)))
            starts = [0] if system == "full" else list(range(0, len(samples), CHUNK))
            for index, start in enumerate(starts):
                length = min(CHUNK, len(samples) - start) if len(starts) > 1 else len(samples)
                arrived = (start + length) / RATE + 0.1 + 0.2 * (index == 2)
                traces.append(
                    {
                        "system": system, "utterance": name, "seed": 0, "index": index, "start_sample": start,
                        "samples": length, "tokens_in": (start + length) // 640, "tokens_per_second": 25.0,
                        "seam_sample": start,
                        "arrived_s": arrived, "compute_s": 0.1, "dit_s": 0.07, "vocoder_s": 0.02, "other_s": 0.01,
                    }
                )  # fmt: skip
    scores = [{"system": system, "utterance": "flite_awb_1", "speaker": "flite_awb", "seed": 0, "metric": "stoi",
               "identity": "stoi", "value": value, "unit": "", "unscored_because": ""}
              for system, value in zip(SYSTEMS, (0.9, 0.7, 0.8), strict=True)]  # fmt: skip
    folder.write_tables({"traces": traces, "scores": scores, "seams": [], "latency": [], "failures": []})
    utterances = [{"utterance_id": name, "speaker_id": name[:-2], "text": f"This is {name}."} for name in speech()]
    write_bytes(path / "utterances.json", json.dumps(utterances).encode())
    experiment = {"corpus": "corpora/shipped/manifest.csv", "checkpoint": "small", "seed": 0}
    experiment["systems"] = {name: {"decoder": name} for name in SYSTEMS}
    write_bytes(path / "run.toml", toml.dumps(experiment).encode())
    write_bytes(path / "provenance.json", b"{}")
    return path


SMALL: dict[str, Any] = {
    "title": "How does this speech sound?", "languages": ["en", "de", "zh", "es"], "design.listeners": 24,
    "design.trials": 2, "break_every": 1, "screening.training": 1, "screening.traps": 0,
}  # fmt: skip
PAIRS = ("naive", "streamflow-sr")  # systems of the protocols that compare with the offline decoder, or need seams
EVERYTHING = {
    "protocol": "acr-quality", "screening.traps": 1, "screening.headphones": ["woods", "milne"], "break_every": 2,
    "questions": ["age_group", "gender", "first_language", "hearing", "device", "experience"],
    "consent.contact": "research@example.org", "completion.return_url": "https://example.org/done?cc={code}",
}  # fmt: skip


@dataclass
class Studies:
    """Open studies by name (their protocol's, or ``everything``) and a real server for them, as a process."""

    opened: dict[str, OpenStudy]
    port: int
    log: Path
    process: subprocess.Popen | None = field(default=None)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def link(self, name: str, **parameters: str) -> str:
        """What a listener is sent."""
        return str(httpx.URL(f"{self.url}/s/{self.opened[name].token}", params=parameters or None))

    def start(self) -> None:
        """Start the server and wait until it answers."""
        folders = [argument for one in self.opened.values() for argument in ("--study", str(one.folder))]
        command = [sys.executable, "-m", "listening_tests.serve", *folders, "--port", str(self.port)]
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                command,
                stdout=log,
                stderr=log,
                env={**os.environ, "OMP_NUM_THREADS": "1"},
                cwd=Path(__file__).parents[2],
            )
        deadline = time.monotonic() + START_S
        while time.monotonic() < deadline:
            if self.process.poll() is not None:
                break
            try:
                httpx.get(f"{self.url}/api/studies/none", timeout=10)
                return
            except httpx.HTTPError:
                time.sleep(0.2)
        pytest.fail(f"the server did not start:\n{self.log.read_text()[-3000:]}")

    def kill(self) -> None:
        """kill -9: no chance to tidy up."""
        if self.process and self.process.poll() is None:
            self.process.send_signal(signal.SIGKILL)
            self.process.wait()


@pytest.fixture(scope="session")
def heard_run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run with something to hear; copy it before you write."""
    return write_run(tmp_path_factory.mktemp("heard") / "run")


@pytest.fixture(scope="session")
def studies(heard_run: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Studies]:
    folder = tmp_path_factory.mktemp("listening")
    run, opened = Path(shutil.copytree(heard_run, folder / "run")), {}
    for name in (*REGISTRY, "everything"):
        special = EVERYTHING if name == "everything" else {"protocol": name}
        systems = PAIRS if name in ("abx-offline", "seam-locating") else SYSTEMS
        create_study(folder / name, run=run, changes={**SMALL, "systems": list(systems), **special})
        opened[name] = open_study(folder / name)
    served = Studies(opened, free_port(), folder / "server.log")
    served.start()
    yield served
    served.kill()


# A sound was played to its end. That it plays is not waited for: it may be over before anybody looks.
HEARD = """(button) => {
  if (button.matches(".lt-playing")) return false;
  const bar = button.parentElement.querySelector(".lt-heard");
  if (bar) return bar.matches(".lt-done");
  if (document.querySelector("[data-view=seams]")) return document.querySelector(".lt-submit:not(.lt-off)");
  return !document.querySelector(".lt-locked");
}"""


class Listener:
    """A person at a browser: hears everything in real time and answers."""

    def __init__(self, context: Any, url: str, shots: Path | None = None) -> None:
        self.context, self.url, self.shots = context, url, shots
        self.asked: list[str] = []
        self.problems: list[str] = []
        self.seen: list[str] = []
        self.open()

    def open(self, url: str | None = None) -> None:
        """A new tab."""
        self.page = self.context.new_page()
        self.page.set_default_timeout(PATIENCE_MS)
        self.page.on("request", lambda request: self.asked.append(request.url))
        self.page.on("pageerror", lambda error: self.problems.append(str(error)))
        self.page.on("console", lambda m: self.problems.append(m.text) if "Content Security" in m.text else None)
        self.page.goto(url or self.url)

    def screen(self) -> str:
        """What is shown now, once it is all there: ``consent``, ... or ``trial-scale``, ..."""
        self.page.wait_for_selector("[data-screen], .lt-trial:not([aria-busy])")
        if form := self.page.query_selector("[data-screen]"):
            return form.get_attribute("data-screen")
        return f"trial-{self.page.get_attribute('.lt-trial', 'data-view')}"

    def look(self, name: str) -> None:
        """A screenshot, where a folder for them was asked for; and the page must not scroll sideways."""
        over = self.page.evaluate("document.scrollingElement.scrollWidth - innerWidth")
        assert over <= 0, f"{name} is {over} px too wide"
        if self.shots:
            self.page.wait_for_timeout(250)
            self.page.screenshot(path=self.shots / f"{len(self.seen):02d}-{name}.png", full_page=True)

    def hear_all(self) -> None:
        """Play every sound of a trial to its end."""
        page = self.page
        if page.get_attribute(".lt-trial", "data-view") == "intervals":
            page.click(".lt-play-all")
        else:
            for button in page.query_selector_all(".lt-sound"):
                button.click()
                page.wait_for_function(HEARD, arg=button)
        page.wait_for_function("!document.querySelector('.lt-locked, .lt-heard:not(.lt-done)')")

    def choose(self) -> None:
        """Give some answer, without sending it."""
        page = self.page
        view = page.get_attribute(".lt-trial", "data-view")
        if view == "sliders":
            for lane in page.query_selector_all(".lt-lane"):
                lane.query_selector(".lt-sound").click()
                lane.query_selector("[role=slider]").focus()
                page.keyboard.press("ArrowUp")
            page.wait_for_function("!document.querySelector('.lt-unset')")
        elif view != "seams":
            page.query_selector_all(".lt-body .lt-choice")[1].click()

    def answer(self) -> None:
        """Fill in what the screen wants."""
        name = self.screen()
        if name.startswith("trial"):
            self.hear_all()
            self.choose()
        elif name == "consent":
            self.page.check("[name=agreed]")
        elif name == "questions":
            self.page.select_option("[name=age_group]", "25-34")
        elif name == "level":
            self.page.click(".flow-play")
        elif name == "comments":
            self.page.fill("textarea", "No & yes + 100 % ünïcödé")

    def send(self) -> None:
        self.page.click(".lt-submit:not(.lt-off), [data-screen] [type=submit]:not(.lt-off)")

    def next(self) -> str:
        """Answer this screen, wait for the next and say its name."""
        self.page.evaluate("document.querySelector('[data-screen], .lt-trial').dataset.old = 'yes'")
        self.answer()
        self.look(f"{self.screen()}-answered")
        self.send()
        self.page.wait_for_function("!document.querySelector('[data-old]')")
        return self.arrive()

    def arrive(self) -> str:
        self.seen.append(self.screen())
        self.look(self.seen[-1])
        return self.seen[-1]

    def go_to(self, *wanted: str) -> str:
        """On until one of these screens is shown (``trial`` for any trial)."""
        name = self.arrive()
        while not any(name == one or name.startswith(f"{one}-") for one in wanted):
            assert name not in ("failed", "over"), self.page.inner_text("body")
            name = self.next()
        return name


# Not of the session: while Playwright runs, its event loop is this thread's, and other tests' asyncio.run is refused.
@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    if CHROMIUM is None:
        pytest.skip("no Chromium; install Debian's package chromium")
    playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    with playwright.sync_playwright() as driver:
        chromium = driver.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox", "--mute-audio"])
        yield slowed(chromium)
        chromium.close()


@pytest.fixture
def listener(browser: Any, request: pytest.FixtureRequest) -> Iterator[Callable[..., Listener]]:
    """``listener(study, size, **options)``: a person with a fresh browser profile who opened the link of a study; of
    another server's with ``url``.
    """
    contexts = []

    def make(
        study: str, size: str = "desktop", *, url: str = "", parameters: dict | None = None, **options: Any
    ) -> Listener:
        shots = os.environ.get("STREAMFLOW_SCREENSHOTS")
        folder = Path(shots) / f"{study}-{size}-{options.get('locale', 'en')}" if shots else None
        if folder:
            folder.mkdir(parents=True, exist_ok=True)
        context = browser.new_context(viewport=SIZES[size], has_touch=size == "phone", **{"locale": "en-GB", **options})
        contexts.append(context)
        link = url or request.getfixturevalue("studies").link(study, **(parameters or {}))
        return Listener(context, link, folder)

    yield make
    for context in contexts:
        context.close()
