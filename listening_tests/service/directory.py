"""The studies that a service serves, by their public token or by a listener's session."""

from __future__ import annotations

import hashlib
import logging
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, TypeVar

from ..errors import StudyError
from ..opening import OpenStudy
from ..store import StoreUnavailable

if TYPE_CHECKING:
    from ..workspace import Workspace

log = logging.getLogger(__name__)
REMEMBERED = 20_000  # sessions
RETRY_S = 5.0  # before a study that could not be opened is tried again

Found = TypeVar("Found")


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
        self._broken: dict[str, tuple[StudyError | None, float]] = {}  # why, and when to try again
        self._of_session: OrderedDict[bytes, Place] = OrderedDict()
        self._lock = threading.Lock()

    def by_token(self, token: str) -> OpenStudy | None:
        """The study of a listener's link.

        Raises:
            StoreUnavailable: none of those that answer, and one does not answer.
        """
        return self._search(lambda opened: opened if opened.token == token else None)

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
        def look(opened: OpenStudy) -> Place | None:
            session = opened.store.session(token)
            if session is None or session.study_id != opened.study_id:  # studies may share a database
                return None
            return Place(opened, session.session_id, session.language)

        return self._search(look)

    def _search(self, look: Callable[[OpenStudy], Found | None]) -> Found | None:
        """What ``look`` finds in one of the studies. One that is broken does not stop the others; but where one's
        database does not answer, "not found" would send its listeners away for good.
        """
        away: StoreUnavailable | None = None
        for find in self._studies():
            try:
                found = look(find())
            except StoreUnavailable as error:
                away = error
            except StudyError:
                continue
            else:
                if found is not None:
                    return found
        if away is not None:
            raise away
        return None

    def _studies(self) -> Iterator[Callable[[], OpenStudy]]:
        for opened in self._fixed:
            yield partial(_same, opened)
        if self._workspace is not None:
            for name in self._workspace.frozen_names():
                yield partial(self._open, self._workspace, name)

    def _open(self, workspace: Workspace, name: str) -> OpenStudy:
        """The study, tried again only after a while if it could not be had: reading all its sounds takes time."""
        error, until = self._broken.get(name, (None, 0.0))
        if error is not None and time.monotonic() < until:
            raise error
        try:
            opened = workspace.opened(name)
        except StudyError as error:
            log.warning("%s is not served: %s", name, error)
            self._broken[name] = error.with_traceback(None), time.monotonic() + RETRY_S
            raise
        self._broken.pop(name, None)
        return opened


def _same(opened: OpenStudy) -> OpenStudy:
    return opened
