"""Compare: choose an utterance and systems, decode them live, hear them as they stream, see and test them side by side."""

from __future__ import annotations

from ...site import Site
from .page import ComparePage


def build(site: Site) -> None:
    """Draw the page."""
    ComparePage(site).draw()
