"""A slow reader's machine, to make races show themselves: ``STREAMFLOW_BROWSER_SLOWDOWN=6 python -m pytest tests/browser``.

What a test asserts at once after something that takes its time then fails here instead of on a busy machine.
"""

from __future__ import annotations

import os
from typing import Any

LATENCY_MS = 50  # of every request, for each unit of the slowdown


def slowed(browser: Any) -> Any:
    """The browser, whose pages compute and load as many times slower as ``STREAMFLOW_BROWSER_SLOWDOWN`` says."""
    rate = float(os.environ.get("STREAMFLOW_BROWSER_SLOWDOWN") or 1)
    if rate <= 1:
        return browser
    make_context = browser.new_context

    def new_context(**options: Any) -> Any:
        context = make_context(**options)
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
    return browser
