"""What the pages load beside Gradio's own: scripts and style sheets of static/, and the visual language.

They lie below a folder named after what is in them, ``/app-static/HASH/...``: a browser keeps them for good, and gets
new ones as soon as one of them changes; modules that import one another by relative address stay together.
"""

from __future__ import annotations

import hashlib
from functools import cache
from pathlib import Path

from fastapi import FastAPI, HTTPException
from starlette.responses import FileResponse, Response

from reports.visual import style

STATIC = Path(__file__).parent / "static"
ASSETS = "/app-static"
KINDS = {
    ".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml", ".png": "image/png", ".json": "application/json"
}  # fmt: skip
KEPT = {"Cache-Control": "private, max-age=31536000, immutable"}
FRESH = {"Cache-Control": "no-cache"}  # an address without, or with an older, hash


def asset(path: str) -> str:
    """Where a file of static/ is served, for example ``/app-static/3f2a.../compare/stage.js``.

    Below an application's page put ``..`` in front (``new URL(".." + address, document.baseURI)``), so that it also
    works behind a proxy that adds a prefix.
    """
    return f"{ASSETS}/{version()}/{path}"


@cache
def version() -> str:
    """A hash over all files, 12 hexadecimal digits; computed once a process."""
    digest = hashlib.sha256(style().encode())
    for file in sorted(path for path in STATIC.rglob("*") if path.suffix in KINDS):
        digest.update(file.relative_to(STATIC).as_posix().encode() + b"\0" + file.read_bytes() + b"\0")
    return digest.hexdigest()[:12]


def add_assets(app: FastAPI) -> None:
    """Serve the files. Each is looked up in the list of those that are there: no path of a request is ever opened."""
    files = {path.relative_to(STATIC).as_posix(): path for path in STATIC.rglob("*") if path.suffix in KINDS}

    @app.get(ASSETS + "/{given}/{path:path}", response_model=None)
    def serve(given: str, path: str) -> Response:
        headers = KEPT if given == version() else FRESH
        if path == "visual.css":
            return Response(style(), media_type="text/css", headers=headers)
        if path not in files:
            raise HTTPException(404)
        return FileResponse(files[path], media_type=KINDS[files[path].suffix], headers=headers)
