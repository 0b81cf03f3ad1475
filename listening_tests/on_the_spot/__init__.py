"""A blind test of two renderings on the spot: one person, one utterance, an answer within minutes."""

from __future__ import annotations

from .blind_test import KINDS, LONGEST, BlindTest
from .desk import Desk
from .errors import BlindTestError, NoSuchTestError
from .running import Running, running

__all__ = ["KINDS", "LONGEST", "BlindTest", "BlindTestError", "Desk", "NoSuchTestError", "Running", "running"]
