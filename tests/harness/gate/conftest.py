"""Make the makers of runs importable by name, as tests in other folders do with theirs."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
