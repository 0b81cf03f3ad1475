"""What the pages work on: folders, and the services that live as long as the server."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from listening_tests.workspace import Workspace

SHIPPED = Path(__file__).resolve().parent.parent / "corpora" / "shipped" / "manifest.csv"


@dataclass(frozen=True, kw_only=True)
class Site:
    """One server's folders and services.

    Attributes:
        workspace: studies, and the runs that they are made from.
        address: where listeners reach the pages, for the links.
        corpus: the manifest whose utterances the compare page offers.
        checkpoints: a folder with a folder a checkpoint, beside the shipped ones.
        baselines: the store of promoted baselines.
    """

    workspace: Workspace
    address: str
    corpus: Path = field(default=SHIPPED)
    checkpoints: Path = field(default=Path("checkpoints"))
    baselines: Path = field(default=Path("baselines"))

    @property
    def runs(self) -> Path:
        """The folder of runs."""
        return self.workspace.runs
