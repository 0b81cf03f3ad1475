"""The files of a gate, and what a workflow on GitHub is told."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from harness.storage import write_bytes

from .junit import to_junit
from .markdown import MOST_BYTES, annotations, to_markdown
from .outcome import GateResult

JSON, JUNIT, MARKDOWN, PAGE = "gate.json", "junit.xml", "gate.md", "index.html"


def write_files(result: GateResult, out: Path, page: str = "") -> None:
    """Write ``gate.json``, ``junit.xml`` and ``gate.md``, each atomically.

    Raises:
        OSError: a file cannot be written.
    """
    write_bytes(out / JSON, result.to_json().encode())
    write_bytes(out / JUNIT, to_junit(result))
    write_bytes(out / MARKDOWN, to_markdown(result, page).encode())


def tell_github(result: GateResult, page: str = "", environment: Mapping[str, str] = os.environ) -> list[str]:
    """Append to the job summary, and return the annotation lines; nothing outside of GitHub Actions.

    The summary of a step may hold 1 MiB altogether, so what other commands of the step wrote counts.
    """
    if environment.get("GITHUB_ACTIONS") != "true":
        return []
    if summary := environment.get("GITHUB_STEP_SUMMARY"):
        path = Path(summary)
        written = path.stat().st_size if path.is_file() else 0
        with path.open("a", encoding="utf-8") as file:
            file.write(to_markdown(result, page, MOST_BYTES - written))
    return annotations(result)
