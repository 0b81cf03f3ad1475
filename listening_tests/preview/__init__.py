"""A study as its listeners will meet it, before there are any: real screens and sounds, nothing kept."""

from __future__ import annotations

from .kept import Previews
from .making import preview_of_form, preview_of_study
from .walk import Walk

__all__ = ["Previews", "Walk", "preview_of_form", "preview_of_study"]
