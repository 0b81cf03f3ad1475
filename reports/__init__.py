"""Reports on a run: one self-contained HTML file with tables, plots and audio. Reads a Run, never a decoder."""

from __future__ import annotations

from reports.html import write_report

__all__ = ["write_report"]
