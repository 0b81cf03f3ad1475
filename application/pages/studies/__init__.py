"""The administrator's part of listening tests: make a study, open it, watch it blind, analyse, export."""

from .page import build

__all__ = ["build"]
