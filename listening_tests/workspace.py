"""A folder of studies, and the runs that more can be made from."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

from .errors import StudyError
from .opening import OpenStudy, close_study, load_open_study, open_study
from .study import load_study


class Workspace:
    """Studies below one folder; safe to use from several threads.

    Args:
        folder: holds a folder a study; need not exist yet.
        runs: holds a folder a run.
        database: where ratings are kept, as an SQLAlchemy URL; None for a file beside each study.
    """

    def __init__(self, folder: str | Path, *, runs: str | Path = "runs", database: str | None = None) -> None:
        self.folder, self.runs, self.database = Path(folder), Path(runs), database
        self._opened: dict[str, OpenStudy] = {}
        self._lock = threading.Lock()

    def names(self) -> list[str]:
        """Studies, by folder name."""
        return sorted(path.parent.name for path in self.folder.glob("*/study.toml"))

    def frozen_names(self) -> list[str]:
        """Studies that were opened at some time, by folder name."""
        return [name for name in self.names() if (self.folder / name / "frozen.json").is_file()]

    def run_names(self) -> list[str]:
        """Runs, the newest first."""
        found = sorted(self.runs.glob("*/run.toml"), key=lambda path: path.stat().st_mtime, reverse=True)
        return [path.parent.name for path in found]

    def path(self, name: str) -> Path:
        """The folder of a study.

        Raises:
            StudyError: there is none of that name; a name that leaves the workspace is none.
        """
        if name not in self.names():
            raise StudyError(f"{name!r} is not a study of {self.folder}; choose one of the list")
        return self.folder / name

    def new_path(self, name: str) -> Path:
        """The folder for a new study.

        Raises:
            StudyError: not a plain name, or taken.
        """
        if not name or name != Path(name).name or name.startswith("."):
            raise StudyError(f"{name!r} cannot be a folder's name; use letters, digits and dashes")
        if (self.folder / name).exists():
            raise StudyError(f"{name!r} exists already; choose another name")
        return self.folder / name

    def opened(self, name: str) -> OpenStudy:
        """A study that has been opened, with its store; kept, so that its connections are.

        Raises:
            StudyError: it has not been opened, or it changed since.
        """
        with self._lock:
            if name not in self._opened:
                self._opened[name] = load_open_study(self.path(name), self.database)
            return self._opened[name]

    def is_frozen(self, name: str) -> bool:
        """Whether it was opened at some time."""
        return (self.path(name) / "frozen.json").is_file()

    def open(self, name: str) -> OpenStudy:
        """Freeze and open a study, or open a closed one again."""
        opened = open_study(self.path(name), self.database)
        with self._lock:
            kept = self._opened.get(name)
            if kept is None or (kept.token, kept.identity) != (opened.token, opened.identity):
                self._opened[name] = kept = opened
        if kept is not opened:
            opened.store.close()  # its connections; those of the one that is kept go on
        return kept

    def close(self, name: str) -> None:
        """Let no more listeners in."""
        close_study(self.path(name), self.database).store.close()

    def by_token(self, token: str) -> OpenStudy | None:
        """The study behind a listener's link, None where there is none."""
        for name in self.names():
            if self.is_frozen(name):
                opened = self.opened(name)
                if opened.token == token:
                    return opened
        return None

    def overview(self) -> list[dict[str, Any]]:
        """One row a study: what it is and how far it is; of one that cannot be read, why."""
        rows = []
        for name in self.names():
            row = {"study": name, "protocol": "", "state": "draft", "started": 0, "completed": 0, "wanted": 0}
            try:
                row.update(self._progress(name))
            except StudyError as error:  # one broken study must not hide the others
                row["state"] = str(error)
            rows.append(row)
        return rows

    def _progress(self, name: str) -> dict[str, Any]:
        study = load_study(self.path(name))
        row = {"protocol": study.protocol, "wanted": study.design.listeners}
        if not self.is_frozen(name):
            return row
        opened = self.opened(name)
        counts = opened.store.counts(opened.study_id)
        state = f"{opened.state} (simulated)" if study.simulated else opened.state
        return {**row, "state": state, "started": counts.started, "completed": counts.complete}
