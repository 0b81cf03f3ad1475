"""The HTTP service: sessions, steps, answers and sounds. It knows everything and tells the listener nothing secret."""

from __future__ import annotations

from .create import create_service
from .settings import Settings

__all__ = ["Settings", "create_service"]
