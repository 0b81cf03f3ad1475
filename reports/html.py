"""The report as one HTML file: everything that it needs lies inside it, and it may load nothing else."""

from __future__ import annotations

import base64
import hashlib
import json
import os
import re
from pathlib import Path

from jinja2 import Environment, PackageLoader, StrictUndefined
from plotly.offline import get_plotlyjs

from harness.run import Run
from reports import formatting
from reports.closeup_figures import closeups
from reports.colours import style_variables
from reports.comparison import Comparison
from reports.figures import to_json
from reports.headline import findings
from reports.latency_figures import chunk_latency_figure, quality_latency_figure, time_split_figure
from reports.listening_tables import listening_section
from reports.methods import facts, methods
from reports.metric_figures import metric_figure
from reports.players import MOST_AUDIO_BYTES, player_rows
from reports.seam_figures import seam_figure, z_figure
from reports.seam_tables import seam_measures, seam_table
from reports.tables import (
    chunk_table,
    decimals_of,
    difference_table,
    failure_table,
    main_table,
    unscored_table,
)

STATIC = Path(__file__).parent / "static"


def write_report(
    run_path: str | Path,
    out: str | Path | None = None,
    *,
    most_players: int = 24,
    most_audio_bytes: int = MOST_AUDIO_BYTES,
) -> Path:
    """Write a run's report and return where it is.

    Args:
        run_path: the folder of a run.
        out: the file to write; ``report/index.html`` in the run by default.
        most_players: utterances that get players; which, and how many were left out, is said in the report.
        most_audio_bytes: of audio in the page; past it, utterances are left out too.

    Raises:
        StreamflowError: no run there.
        OSError: the file cannot be written. What was there before stays.
    """
    run_path = Path(run_path)
    out = Path(out) if out is not None else run_path / "report" / "index.html"
    page = render(Comparison(Run(run_path)), most_players=most_players, most_audio_bytes=most_audio_bytes)
    out.parent.mkdir(parents=True, exist_ok=True)
    partial = out.with_name(f".{out.name}.partial")
    try:
        partial.write_text(page, encoding="utf-8")
        os.replace(partial, out)
    finally:
        partial.unlink(missing_ok=True)
    return out


def render(comparison: Comparison, *, most_players: int = 24, most_audio_bytes: int = MOST_AUDIO_BYTES) -> str:
    """The page as text; the same run gives the same text."""
    decimals = decimals_of(comparison)
    script = plain_script((STATIC / "report.js").read_text(encoding="utf-8"))
    plotly = plain_script(get_plotlyjs())
    close = closeups(comparison)
    context = {
        "comparison": comparison,
        "facts": facts(comparison),
        "findings": findings(comparison, decimals),
        "listening": listening_section(comparison),
        "main_table": main_table(comparison, decimals),
        "difference_table": difference_table(comparison, decimals),
        "metric_figures": [(m, metric_figure(comparison, m)) for m in comparison.metrics],
        "seam_table": seam_table(comparison),
        "seam_figures": [
            (measure, seam_figure(comparison, measure, unit), z_figure(comparison, measure))
            for measure, unit in seam_measures(comparison)
        ],
        "closeups": close,
        "closeup_texts": {u["utterance_id"]: u.get("text") or "" for u in comparison.utterances},
        "chunk_table": chunk_table(comparison),
        "chunk_figure": chunk_latency_figure(comparison),
        "split_figure": time_split_figure(comparison),
        "quality_figures": {m.name: quality_latency_figure(comparison, m) for m in comparison.metrics},
        "rows": player_rows(comparison, decimals, most_players, most_audio_bytes),
        "failures": failure_table(comparison),
        "unscored": unscored_table(comparison),
        "methods": methods(comparison),
        "style": style_variables() + (STATIC / "report.css").read_text(encoding="utf-8"),
        "script": script,
        "plotly": plotly,
        "policy": policy(script, plotly),
    }
    return _environment().get_template("report.html.j2").render(context)


def policy(*scripts: str) -> str:
    """A Content-Security-Policy under which only these scripts run and nothing is fetched, whatever a run contains."""
    hashes = " ".join(
        f"'sha256-{base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()}'" for script in scripts
    )
    return (
        f"default-src 'none'; script-src {hashes}; style-src 'unsafe-inline'; img-src data: blob:; media-src data:; "
        "base-uri 'none'; form-action 'none'"
    )


def plain_script(source: str) -> str:
    """A script that no HTML parser ends early, as its hash in the policy needs it: newlines as parsers leave them."""
    source = re.sub(r"\r\n?", "\n", source)
    return re.sub(r"</(script)|<!--", lambda m: f"<\\/{m[1]}" if m[1] else "<\\!--", source, flags=re.IGNORECASE)


def to_text(content: object) -> str:
    """Nested notes as indented JSON, for people."""
    return json.dumps(content, indent=2, ensure_ascii=False, default=str)


def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("reports"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.globals.update(to_json=to_json, to_text=to_text)
    environment.filters.update(
        number=formatting.number, seconds=formatting.seconds, size=formatting.size, count=formatting.count
    )
    return environment
