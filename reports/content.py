"""What stands in a comparison report: every table, figure and sentence by the name that its template knows it by."""

from __future__ import annotations

from typing import Any

from reports.comparison import Comparison
from reports.explorer import explorer_data
from reports.figures import Figure
from reports.forest import effect_figures, forest_figure
from reports.headline import findings
from reports.latency_section import latency_section
from reports.listening_tables import listening_section
from reports.media import Media
from reports.methods import facts, methods
from reports.metric_figures import metric_figure
from reports.metric_groups import grouped
from reports.paper import paper
from reports.players import player_rows
from reports.prosody_section import prosody_section
from reports.seam_section import seam_section
from reports.selection import worth_hearing
from reports.sweep_section import sweep_section
from reports.tables import (
    Table,
    decimals_of,
    difference_table,
    failure_table,
    identity_table,
    main_table,
    unscored_table,
    waiting_table,
)
from reports.verdicts import note, overviews


def content_of(comparison: Comparison, media: Media, most_players: int, most_bytes: int) -> dict[str, Any]:
    """The context of ``report.html.j2`` but for style and scripts."""
    decimals = decimals_of(comparison)
    rows = player_rows(
        comparison,
        decimals,
        most_players,
        most_bytes,
        utterances=worth_hearing(comparison, most_players),
        media=media,
    )
    return {
        "comparison": comparison,
        "facts": facts(comparison),
        "notes": list(getattr(comparison.run, "notes", [])),
        "findings": findings(comparison, decimals),
        "listening": listening_section(comparison) if len(comparison.runs) == 1 else None,  # studies are of one run
        **_differences(comparison, decimals),
        "sweep": sweep_section(comparison),
        "main_tables": main_tables(comparison, decimals),
        "metric_figures": [(m, metric_figure(comparison, m)) for m in comparison.metrics],
        "seams": seam_section(comparison),
        "prosody": prosody_section(comparison),
        "latency": latency_section(comparison),
        "rows": rows,
        "explorer": explorer_data(comparison, rows),
        "failures": failure_table(comparison),
        "unscored": unscored_table(comparison),
        "methods": methods(comparison),
        "paper": paper(comparison),
        "identities": identity_table(comparison),
    }


def main_tables(comparison: Comparison, decimals: dict[str, int]) -> list[tuple[str, Table]]:
    """(title, table): one where all metrics fit side by side, else one a group, and one of waiting."""
    groups = grouped(comparison.metrics)
    if len(groups) == 1:
        return [("", main_table(comparison, decimals))]
    tables = [(title, main_table(comparison, decimals, metrics, waiting=False)) for title, metrics in groups]
    waiting = waiting_table(comparison)
    return tables + ([("Waiting", waiting)] if waiting else [])


def _differences(comparison: Comparison, decimals: dict[str, int]) -> dict[str, Any]:
    """Everything about the baseline; empty where there is none, or nothing was scored."""
    if comparison.verdicts.empty:
        return {"overviews": [], "verdict_note": "", "difference_tables": [], "forest_figures": [], "effects": {}} | {
            "has_margins": False
        }
    groups = grouped(comparison.metrics)
    forests: list[tuple[Any, Figure | None]] = [(m, forest_figure(comparison, m)) for m in comparison.metrics]
    return {
        "overviews": overviews(comparison),
        "verdict_note": note(comparison),
        "difference_tables": [(title, difference_table(comparison, decimals, metrics)) for title, metrics in groups],
        "forest_figures": [(metric, figure) for metric, figure in forests if figure],
        "effects": effect_figures(comparison),
        "has_margins": bool(comparison.verdicts["margin"].notna().any()),
    }
