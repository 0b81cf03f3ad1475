"""The compare page's player by itself, in a real browser."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

STATIC = Path(__file__).parents[2] / "application" / "static" / "compare"
HOME = "http://player.test/"

PRESSED_TWICE = """async () => {
  const asked = [];
  let begun = 0;
  AudioContext.prototype.resume = () => new Promise((done) => asked.push(done)); // a device that takes its time
  Object.defineProperty(AudioContext.prototype, "state", { get: () => "suspended" });
  const make = AudioContext.prototype.createBufferSource;
  AudioContext.prototype.createBufferSource = function () { begun += 1; return make.call(this); };
  const { Player } = await import("./player.js");
  const { Stream } = await import("./stream.js");
  const [player, stream] = [new Player(), new Stream()];
  stream.push(new Float32Array(16000));
  const first = player.play(stream);
  player.stop();
  const second = player.play(stream);
  asked.forEach((done) => done());
  await Promise.all([first, second]);
  player.stop();
  return begun;
}"""


@pytest.fixture
def page(browser: Any) -> Any:
    context = browser.new_context()
    page = context.new_page()

    def answer(route: Any) -> None:
        name = route.request.url.removeprefix(HOME)
        if name:
            route.fulfill(body=(STATIC / name).read_text(), content_type="text/javascript")
        else:
            route.fulfill(body="<!doctype html><title>player</title>", content_type="text/html")

    page.route(f"{HOME}**", answer)
    page.goto(HOME)
    yield page
    context.close()


def test_a_stream_begun_again_before_the_device_was_ready_sounds_once(page: Any) -> None:
    assert page.evaluate(PRESSED_TWICE) == 1
