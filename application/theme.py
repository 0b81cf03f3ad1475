"""How the pages look."""

from __future__ import annotations

STYLE = """
.gradio-container { max-width: none !important; }
.gradio-container > main { width: min(1200px, 100%) !important; max-width: none !important; margin: 0 auto; }
.prose table { display: block; overflow-x: auto; white-space: nowrap; border: 0 !important; padding: 0 !important; }
.notice { min-height: 1.5em; }
footer { display: none !important; }
"""
