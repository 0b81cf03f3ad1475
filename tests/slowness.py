"""A slow reader's machine, to make races show themselves: ``STREAMFLOW_BROWSER_SLOWDOWN=6 python -m pytest PATHS``.

What a test asserts at once after something that takes its time then fails here instead of on a busy machine.
"""

from __future__ import annotations

import os
from typing import Any

PATIENCE_MS = 180_000  # of a page, on a machine with other work to do; nothing waits so long but for an event
LATENCY_MS = 50  # of every request, for each unit of the slowdown

# What waits for another process or for the next turn, and so is late without any work of the page's own: the clipboard,
# the sound device, a decoder, the screen, a timer. Each is late by another 100 to 300 ms, in turn.
LATE = """(() => {
  const waits = [100, 300, 200];
  let turn = 0;
  const wait = () => waits[(turn += 1) % waits.length];
  const timeout = window.setTimeout.bind(window), frame = window.requestAnimationFrame.bind(window);
  const late = (owner, name) => {
    const real = owner?.[name];
    if (!real) return;
    owner[name] = function (...given) {
      const outcome = real.apply(this, given);
      if (!(outcome instanceof Promise)) return outcome;
      outcome.catch(() => undefined);
      return new Promise((done) => timeout(done, wait())).then(() => outcome);
    };
  };
  late(window.Clipboard?.prototype, "writeText");
  late(HTMLMediaElement.prototype, "play");
  late(AudioContext.prototype, "resume");
  late(BaseAudioContext.prototype, "decodeAudioData");
  late(window.MediaDevices?.prototype, "getUserMedia");
  window.setTimeout = (what, after, ...given) => timeout(what, (after ?? 0) < 1000 ? (after ?? 0) + wait() : after, ...given);
  const asked = new Map();
  window.requestAnimationFrame = (what) => {
    const number = timeout(() => { asked.set(number, frame((now) => { asked.delete(number); what(now); })); }, wait() / 2);
    return number;
  };
  const cancel = window.cancelAnimationFrame.bind(window);
  window.cancelAnimationFrame = (number) => { clearTimeout(number); if (asked.has(number)) cancel(asked.get(number)); };
})();"""


def slowed(browser: Any) -> Any:
    """The browser, whose pages compute and load as many times slower as ``STREAMFLOW_BROWSER_SLOWDOWN`` says."""
    rate = float(os.environ.get("STREAMFLOW_BROWSER_SLOWDOWN") or 1)
    if rate <= 1:
        return browser
    make_context = browser.new_context

    def new_context(**options: Any) -> Any:
        context = make_context(**options)
        context.add_init_script(LATE)
        make_page = context.new_page

        def new_page() -> Any:
            page = make_page()
            session = context.new_cdp_session(page)
            session.send("Emulation.setCPUThrottlingRate", {"rate": rate})
            session.send("Network.enable")
            session.send(
                "Network.emulateNetworkConditions",
                {"offline": False, "latency": LATENCY_MS * rate, "downloadThroughput": -1, "uploadThroughput": -1},
            )
            return page

        context.new_page = new_page
        return context

    browser.new_context = new_context
    browser.new_page = lambda **options: new_context(**options).new_page()
    return browser
