"""The prosody page of a report: every F0 metric by system, jumps at the seams, contours over the reference."""

from __future__ import annotations

from harness import prosody
from reports.comparison import Comparison
from reports.prosody_figures import contour_panels, jump_figure
from reports.prosody_table import jump_table, jumps_of, prosody_table
from reports.selection import spread_over_speakers

MOST_CONTOURS = 4  # utterances whose contours are drawn
MOST_TRACKED = 12  # utterances whose audio is read for jumps: by eight systems, F0 of one takes half a second


def prosody_section(comparison: Comparison) -> dict | None:
    """What templates/prosody.html.j2 shows; None where the run has neither prosody scores nor audio.

    Returns:
        ``table``, ``jump_table`` (either may be None), ``jump_figure`` (None without seams that have F0), ``tracked``
        (utterances whose jumps were measured), ``contours`` (panels by utterance id), ``texts`` (what they say).
    """
    table = prosody_table(comparison)
    tracked = [u["utterance_id"] for u in comparison.utterances]
    jumps = comparison.run.jumps()
    if jumps.empty:  # scored before a run held them
        tracked = [u["utterance_id"] for u in spread_over_speakers(comparison.utterances, MOST_TRACKED)]
        jumps = prosody.jump_table(comparison.run, tracked)
    found = jumps_of(comparison, jumps)
    contours = contour_panels(comparison, MOST_CONTOURS)
    if table is None and not contours:
        return None
    return {
        "table": table,
        "jump_table": jump_table(comparison, found),
        "jump_figure": jump_figure(comparison, found) if found else None,
        "tracked": len(tracked),
        "contours": contours,
        "texts": {u["utterance_id"]: u.get("text") or "" for u in comparison.utterances},
    }
