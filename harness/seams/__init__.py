"""What happens at the seams of a chunked rendering, against the rest of the same file and against the reference.

A measure is a number at a position, larger where the signal breaks more (``harness.seams.measures``). None of them
means anything alone, since speech is full of steps. Each seam is therefore compared with the positions around it
(``positions``): off the seams, within half a chunk, a whole number of 10 ms frames away, so that whatever a vocoder
does at every frame is in the comparison as well. A *shifted grid* takes one of those positions for each seam. There
are far more such grids than could be drawn, and mean and standard deviation of a measure over all of them follow in
closed form from the positions; z is the seams' mean in that scale. It needs no reference, and the reference, measured
at the same positions, is the negative control.

============================ =======================================================================================
:func:`seam_table`           every measure at every seam of one rendering, at a match inside, in the reference
:func:`seam_summary`         z, paired effect with interval and permutation p, over many renderings
:func:`seam_detectability`   can a classifier tell seams from other positions of utterances it has not seen
:func:`fold`                 a measure against the distance to the seam
:func:`mel_distance_by_offset` streaming against offline, against the distance to the seam
:func:`scan`                 the grid of chunks, where nobody says what it is
============================ =======================================================================================
"""

from __future__ import annotations

from typing import Any

from harness.seams.detectability import seam_detectability
from harness.seams.grid_scan import GridScan, scan
from harness.seams.identity import identity
from harness.seams.measures import MEASURES, UNITS
from harness.seams.positions import positions_around
from harness.seams.profiles import PROFILE_COLUMNS, fold, mel_distance_by_offset, profile_rows
from harness.seams.residual import lpc_residual
from harness.seams.summary import seam_summary
from harness.seams.table import COLUMNS, seam_table

__all__ = [
    "COLUMNS",
    "MEASURES",
    "PROFILE_COLUMNS",
    "UNITS",
    "GridScan",
    "fold",
    "identity",
    "lpc_residual",
    "mel_distance_by_offset",
    "positions_around",
    "profile_rows",
    "scan",
    "seam_detectability",
    "seam_summary",
    "seam_table",
]


def __getattr__(name: str) -> Any:
    """``IDENTITY``: what :func:`identity` gives, read from the files only when somebody asks."""
    if name == "IDENTITY":
        return identity()
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
