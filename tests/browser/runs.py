"""Finding one's way on the runs page: its addresses and its background jobs."""

from __future__ import annotations

from typing import Any

PATIENCE_MS = 600_000  # for what a job does


def go(page: Any, address: str) -> None:
    """Open a page and wait until its state was read from its address."""
    page.goto(f"{page.base}/app/{address}")
    if address.startswith("runs"):
        page.wait_for_function("window.pageArrived")


def job(title: str, state: str = "") -> str:
    wanted = f"[data-state={state}]" if state else ""
    return f".jobs-row{wanted}:has(.jobs-title:text-is('{title}'))"


def finished(page: Any, title: str) -> None:
    """Wait until a job is done and open what it made; tell what it said where it failed."""
    page.wait_for_selector(", ".join(job(title, state) for state in ("done", "failed", "lost")), timeout=PATIENCE_MS)
    assert page.query_selector(job(title, "done")), page.inner_text(job(title))
    page.click(f"{job(title, 'done')} >> text=Open")
