"""A hub on this machine: what huggingface_hub asks of the real one to fetch files, over HTTP, from a folder."""

from __future__ import annotations

import hashlib
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

COMMIT = "0123456789abcdef0123456789abcdef01234567"
STORED_ELSEWHERE = (".pt", ".safetensors", ".ckpt")  # the hub redirects to large files


@dataclass
class Hub:
    """What it serves, and what happened.

    Attributes:
        repository: OWNER/NAME.
        folder: its files.
        gated: it asks for consent first.
        cut: bytes after which the connection breaks, once a file.
        after_cut: whether it answers at all after that.
        log: (method, path, Range header) of each request.
    """

    repository: str
    folder: Path
    gated: bool = False
    cut: dict[str, int] = field(default_factory=dict)
    after_cut: bool = True
    address: str = ""
    storage: str = ""  # another host to the client, which asks the hub itself about what it is redirected to on the hub
    log: list[tuple[str, str, str]] = field(default_factory=list)

    @property
    def fetched(self) -> list[str]:
        """Names of the files asked for, once each."""
        return list(dict.fromkeys(path.rsplit("/", 1)[-1] for _, path, _ in self.log))


@contextmanager
def served(hub: Hub):
    """Serve until left; ``hub.address`` is where."""

    class Handler(BaseHTTPRequestHandler):
        def log_message(self, *_):
            pass

        def do_HEAD(self):
            self._answer(body=False)

        def do_GET(self):
            self._answer(body=True)

        def _answer(self, body: bool) -> None:
            hub.log.append((self.command, self.path, self.headers.get("Range", "")))
            *place, name = self.path.strip("/").split("/")
            resolving = place == [*hub.repository.split("/"), "resolve", place[-1]]
            if not resolving and place != ["stored"]:
                return self._refuse(404, "RepoNotFound")
            if hub.gated:
                return self._refuse(403, "GatedRepo")
            if resolving and place[-1] not in ("main", COMMIT):
                return self._refuse(404, "RevisionNotFound")
            file = hub.folder / name
            if not file.is_file():
                return self._refuse(404, "EntryNotFound")
            content = file.read_bytes()
            etag = f'"{hashlib.sha256(content).hexdigest()}"'
            if resolving and file.suffix in STORED_ELSEWHERE:
                return self._head(
                    302,
                    {
                        "Location": f"{hub.storage}/stored/{name}",
                        "X-Repo-Commit": COMMIT,
                        "X-Linked-Etag": etag,
                        "X-Linked-Size": str(len(content)),
                        "Content-Length": "0",
                    },
                )
            return self._file(name, content, etag, body)

        def _file(self, name: str, content: bytes, etag: str, body: bool) -> None:
            begin = int(self.headers.get("Range", "bytes=0-").removeprefix("bytes=").split("-")[0])
            headers = {"X-Repo-Commit": COMMIT, "ETag": etag, "Content-Length": str(len(content) - begin)}
            if begin:
                headers["Content-Range"] = f"bytes {begin}-{len(content) - 1}/{len(content)}"
            self._head(206 if begin else 200, headers)
            if not body:
                return
            end = hub.cut.get(name, len(content)) if hub.after_cut is False else hub.cut.pop(name, len(content))
            self.wfile.write(content[begin : max(begin, end)])
            self.close_connection = True

        def _refuse(self, status: int, code: str) -> None:
            commit = {"X-Repo-Commit": COMMIT} if code == "EntryNotFound" else {}
            self._head(status, {"X-Error-Code": code, "X-Error-Message": code, "Content-Length": "0", **commit})

        def _head(self, status: int, headers: dict[str, str]) -> None:
            self.send_response(status)
            for key, value in headers.items():
                self.send_header(key, value)
            self.end_headers()

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    hub.address, hub.storage = (f"http://{host}:{server.server_port}" for host in ("127.0.0.1", "localhost"))
    thread = Thread(target=server.serve_forever)
    thread.start()
    try:
        yield hub
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
