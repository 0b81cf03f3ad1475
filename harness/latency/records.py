"""The records of a bench: one file a measured cell, so that what is done is done."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ..storage import key_of, read_json, write_bytes, write_json
from .bench_tables import FOLDER, LatencyError
from .plan import Cell

DEATHS = 2  # after which a cell is not tried again
TABLES = ("chunks", "sessions", "interrupts")


@dataclass
class Records:
    """Cells on disk, each with a key: what its times are true of.

    Attributes:
        run: folder of the run.
        environment: JSON-able: machine, threads, code. Times of another one are measured again.
        systems: key of every system's description, by name.
    """

    run: Path
    environment: Mapping[str, Any]
    systems: Mapping[str, str]
    _order: int | None = field(default=None)

    def key(self, cell: Cell, speech: str, tokens_per_second: float | None) -> str:
        """What a cell's times depend on.

        Args:
            cell: which.
            speech: identity of what is decoded.
            tokens_per_second: at which its tokens come, where it is not the virtual clock's rate.
        """
        return key_of([dict(self.environment), self.systems[cell.system], speech, tokens_per_second])

    def read(self, cell: Cell, key: str) -> dict[str, Any] | None:
        """The record of a cell if it is there, whole and true of the same."""
        record = read_json(self._path(cell))
        return record if isinstance(record, dict) and record.get("key") == key else None

    def write(self, cell: Cell, key: str, tables: Mapping[str, list[dict[str, Any]]]) -> None:
        """Keep what was measured."""
        identity = {"environment": key_of(dict(self.environment)), "system": self.systems[cell.system]}
        write_json(self._path(cell), {"key": key, **identity, **tables})

    @contextmanager
    def measuring(self, cell: Cell) -> Iterator[None]:
        """Leave a note beside the record meanwhile, so that a cell that kills the process is not tried for ever.

        Raises:
            LatencyError: twice, a process left its note and no record.
        """
        note = self._path(cell).with_name(f"{cell.length_s:g}s-{cell.streams}.began")  # of all repeats
        deaths = note.stat().st_size if note.exists() else 0
        if deaths >= DEATHS:
            raise LatencyError(
                f"the process was killed here {deaths} times, maybe for lack of memory; delete {note} to try again"
            )
        write_bytes(note, b"x" * (deaths + 1))
        try:
            yield
        finally:
            note.unlink(missing_ok=True)

    def next_order(self) -> int:
        """The number of the next measurement in this bench, from 0."""
        if self._order is None:
            rows = [row for record in self._all() for name in TABLES for row in record.get(name, ())]
            self._order = 1 + max((row["order"] for row in rows if "order" in row), default=-1)
        self._order += 1
        return self._order - 1

    def tables(self, tokens_per_second: float) -> dict[str, list[dict[str, Any]]]:
        """All rows that are true of this environment, these systems and this rate, in the order of measuring."""
        kept: dict[str, list[dict[str, Any]]] = {name: [] for name in TABLES}
        here = key_of(dict(self.environment))
        for record in self._all():
            if record.get("environment") == here and record.get("tokens_per_second") in (None, tokens_per_second):
                for name in TABLES:
                    rows = record.get(name, [])
                    kept[name] += [row for row in rows if self.systems.get(row["system"]) == record["system"]]
        names = list(self.systems)
        for rows in kept.values():
            rows.sort(key=lambda row: (names.index(row["system"]), row.get("length_s", 0), row.get("streams", 1)))
        return kept

    def _all(self) -> list[dict[str, Any]]:
        found = (read_json(path) for path in sorted((self.run / FOLDER / ".records").rglob("*.json")))
        return [record for record in found if isinstance(record, dict)]

    def _path(self, cell: Cell) -> Path:
        return self.run / FOLDER / cell.file
