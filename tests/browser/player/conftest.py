"""The player in a real Chromium, by itself or on an offline clock."""

from __future__ import annotations

import threading
from base64 import b64decode, b64encode
from collections.abc import Callable, Iterator
from functools import partial
from http.server import ThreadingHTTPServer

import numpy as np
import pytest

from tests.browser.conftest import CHROMIUM, SIZES
from tests.slowness import PATIENCE_MS, slowed

from .site import RATE, STATIC, Site

playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")


@pytest.fixture(scope="module")
def player_site() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Site, directory=str(STATIC)))
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/"
    server.shutdown()
    server.server_close()


@pytest.fixture(scope="module")
def player_browser() -> Iterator[playwright.Browser]:
    if CHROMIUM is None:
        pytest.skip("no Chromium; install Debian's package chromium")
    with playwright.sync_playwright() as started:
        flags = ["--no-sandbox", "--autoplay-policy=no-user-gesture-required", "--mute-audio"]
        browser = started.chromium.launch(executable_path=CHROMIUM, args=flags)
        yield slowed(browser)
        browser.close()


@pytest.fixture
def open_page(player_site: str, player_browser: playwright.Browser) -> Iterator[Callable[..., playwright.Page]]:
    """open_page(size="desktop", **context options): a page with the modules loaded; any script error fails the test."""
    contexts, errors = [], []

    def opened(size: str = "desktop", **options: object) -> playwright.Page:
        phone = {"has_touch": True, "is_mobile": True} if size == "phone" else {}
        context = player_browser.new_context(**{"viewport": SIZES.get(size), **phone, **options})
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(PATIENCE_MS)
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.goto(player_site)
        page.wait_for_function("window.ready")
        return page

    yield opened
    for context in contexts:
        context.close()
    assert errors == []


# Samples go to the page and back as the text of their bytes: as numbers they took longer than all that is tested.
OFFLINE = """async ([sounds, schedule, options]) => {
  const samplesOf = (text) => new Float32Array(Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0)).buffer);
  const textOf = (samples) => {
    const bytes = new Uint8Array(samples.buffer, samples.byteOffset, samples.byteLength);
    let text = "";
    for (const byte of bytes) text += String.fromCharCode(byte);
    return btoa(text);
  };
  const buffers = Object.fromEntries(Object.entries(sounds).map(([label, text]) => [label, samplesOf(text)]));
  const { samples, player } = await module.renderOffline(buffers, schedule, OfflineAudioContext, options);
  const labels = Object.keys(buffers);
  const shares = Object.fromEntries(labels.map((label) => [label, player.coverage(label)]));
  const { position, playing } = player;
  return { samples: textOf(samples), listened: player.listened(), shares, position, playing };
}"""


@pytest.fixture(scope="module")
def render_offline(player_site: str, player_browser: playwright.Browser) -> Iterator[Callable[..., dict]]:
    """render(sounds, schedule, seconds, **options): what the player puts out, and what it counts as heard."""
    page = player_browser.new_page()
    page.set_default_timeout(PATIENCE_MS)
    page.goto(player_site)
    page.wait_for_function("window.ready")

    def render(sounds: dict[str, np.ndarray], schedule: list, seconds: float, **options: object) -> dict:
        texts = {label: b64encode(np.asarray(samples, "<f4").tobytes()).decode() for label, samples in sounds.items()}
        found = page.evaluate(OFFLINE, [texts, schedule, {"seconds": seconds, "rate": RATE, **options}])
        return {**found, "samples": np.frombuffer(b64decode(found["samples"]), "<f4").astype(float)}

    yield render
    page.close()
