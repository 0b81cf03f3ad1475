"""Who hears what, in which order: balanced designs and the plan of a whole session."""

from __future__ import annotations

from .assignment import Cell, block_size, check_design, counts, plan_slot, trials_of
from .session_plan import plan_session

__all__ = ["Cell", "block_size", "check_design", "counts", "plan_session", "plan_slot", "trials_of"]
