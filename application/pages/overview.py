"""The page."""

from __future__ import annotations

import gradio

from ..site import Site


def build(site: Site) -> None:
    """Draw the page."""
    gradio.Markdown("# Overview")
