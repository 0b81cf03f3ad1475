"""The pages by address. A new one is a new file with ``build`` and a line here."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from ..site import Site
from . import compare, help, latency, overview, runs, studies


class Page(NamedTuple):
    """A page of the application.

    Attributes:
        title: in the navigation.
        path: below the mount.
        build: draws it; called within its Blocks.
    """

    title: str
    path: str
    build: Callable[[Site], None]


PAGES = (
    Page("Overview", "", overview.build),
    Page("Compare", "compare", compare.build),
    Page("Runs", "runs", runs.build),
    Page("Latency", "latency", latency.build),
    Page("Studies", "studies", studies.build),
    Page("Help", "help", help.build),
)
