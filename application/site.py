"""What the pages work on: folders, and the services that live as long as the server."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from harness.corpus import SHIPPED, load_corpus
from harness.jobs import Jobs
from harness.jobs.job import RUNNING
from harness.live.engine import LiveEngine
from harness.live.limits import Limits
from harness.run_index import RunIndex
from listening_tests.preview import Previews
from listening_tests.workspace import Workspace


@dataclass(frozen=True, kw_only=True)
class Site:
    """One server's folders and services.

    Attributes:
        workspace: studies, and the runs that they are made from.
        address: where listeners reach the pages, for the links.
        corpus: the manifest whose utterances the compare page offers.
        checkpoints: a folder with a folder a checkpoint, beside the shipped ones.
        baselines: the store of promoted baselines.
        limits: of what is decoded while somebody watches.
        secret: signs the addresses of files; new with every start, so that those of an earlier one are worth nothing.
    """

    workspace: Workspace
    address: str
    corpus: Path = field(default=SHIPPED)
    checkpoints: Path = field(default=Path("checkpoints"))
    baselines: Path = field(default=Path("baselines"))
    limits: Limits = field(default_factory=Limits)
    secret: bytes = field(default_factory=lambda: secrets.token_bytes(32), repr=False)

    @property
    def runs(self) -> Path:
        """The folder of runs."""
        return self.workspace.runs

    @cached_property
    def index(self) -> RunIndex:
        """What is known of the runs without loading them."""
        return RunIndex(self.runs)

    @cached_property
    def jobs(self) -> Jobs:
        """What runs in the background."""
        return Jobs(self.runs / ".jobs")

    @cached_property
    def previews(self) -> Previews:
        """Studies that somebody looks at before there are listeners."""
        return Previews()

    @cached_property
    def live(self) -> LiveEngine:
        """What decodes while somebody watches."""
        return LiveEngine(load_corpus(self.corpus), self.checkpoints, self.limits, background=self._running)

    def _running(self) -> int:
        """Jobs that run now: what is measured meanwhile counts their work."""
        return sum(job.state == RUNNING for job in self.jobs.list())

    def close(self) -> None:
        """End what lives no longer than the server; jobs in the background go on."""
        if "live" in self.__dict__:  # made by whoever asked for it first, perhaps nobody
            self.live.close()
