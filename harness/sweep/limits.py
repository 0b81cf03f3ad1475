"""What a sweep is called and how large it may be, where nobody says."""

from __future__ import annotations

DEFAULT_NAME = "sweep"
MOST_SYSTEMS = 200
WORTH_ASKING = 20  # times as many combinations, of which strategies may refuse most
