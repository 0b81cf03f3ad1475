"""The runs page: browse, start a comparison, merge, gate, promote; what runs in the background is on top."""

from .page import build

__all__ = ["build"]
