"""What the seam measures are, as a hash: a change of any file that they depend on measures again."""

from __future__ import annotations

import functools
import hashlib
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

PACKAGE = Path(__file__).parent
OWN = ("positions.py", "residual.py", "signal.py", "table.py", "profiles.py")
PACKAGES = ("pyworld",)  # F0; numpy and scipy give the same to rounding from one version to the next


def files() -> list[Path]:
    """Every file that a number of a seam table or a profile depends on."""
    root = PACKAGE.parent.parent
    others = [root / "harness" / "metrics" / "f0.py", root / "streamflow" / "mel.py"]
    return [PACKAGE / name for name in OWN] + sorted((PACKAGE / "measures").glob("*.py")) + others


@functools.cache
def identity() -> str:
    """SHA-256 over the source of :func:`files` and the versions of the packages behind them."""
    together = hashlib.sha256()
    for path in files():
        together.update(path.name.encode() + b"\0" + path.read_bytes() + b"\0")
    for package in PACKAGES:
        try:
            together.update(f"{package} {version(package)}".encode())
        except PackageNotFoundError:
            together.update(f"{package} absent".encode())
    return together.hexdigest()
