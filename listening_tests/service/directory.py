"""The studies that a service serves, by their public token or by a listener's session."""

from __future__ import annotations

import hashlib
import logging
import threading
from collections import OrderedDict
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from ..errors import StudyError
from ..opening import OpenStudy

if TYPE_CHECKING:
    from ..workspace import Workspace

log = logging.getLogger(__name__)
REMEMBERED = 20_000  # sessions


class Place(NamedTuple):
    """A session and its study."""

    opened: OpenStudy
    session_id: str
    language: str


class Directory:
    """Safe to use from several threads.

    Args:
        studies: opened ones, or a workspace (or its folder) in which studies may be opened while this serves.
        database: of the workspace, where a folder is given.
    """

    def __init__(self, studies: Sequence[OpenStudy] | Workspace | str | Path, database: str | None = None) -> None:
        self._fixed: list[OpenStudy] = []
        self._workspace: Workspace | None = None
        if isinstance(studies, str | Path):
            from ..workspace import Workspace

            self._workspace = Workspace(studies, database=database)
        elif isinstance(studies, Sequence):
            self._fixed = list(studies)
        else:
            self._workspace = studies
        self._of_session: OrderedDict[bytes, Place] = OrderedDict()
        self._lock = threading.Lock()

    def by_token(self, token: str) -> OpenStudy | None:
        """The study of a listener's link."""
        return next((opened for opened in self._all() if opened.token == token), None)

    def by_session(self, token: str) -> Place | None:
        """Whose token it is; a token keeps its session for ever, so it is remembered."""
        key = hashlib.sha256(token.encode("utf-8", "surrogatepass")).digest()
        with self._lock:
            if key in self._of_session:
                self._of_session.move_to_end(key)
                return self._of_session[key]
        found = self._find_session(token)
        if found is not None:
            with self._lock:
                self._of_session[key] = found
                while len(self._of_session) > REMEMBERED:
                    self._of_session.popitem(last=False)
        return found

    def _find_session(self, token: str) -> Place | None:
        for opened in self._all():
            session = opened.store.session(token)
            if session is not None and session.study_id == opened.study_id:  # studies may share a database
                return Place(opened, session.session_id, session.language)
        return None

    def _all(self) -> Iterator[OpenStudy]:
        yield from self._fixed
        if self._workspace is None:
            return
        for name in self._workspace.names():
            try:
                if self._workspace.is_frozen(name):
                    yield self._workspace.opened(name)
            except StudyError as error:  # one broken study must not stop the others
                log.warning("%s is not served: %s", name, error)
