"""Files of runs and studies shown inside the application: reports, gate pages, audio, exports.

A report is HTML with scripts, and may come from somebody else's machine. It is therefore served at an address that is a
capability: a signed name of one folder that runs out, under a policy that takes the page's origin away. Its scripts run, but
they have no cookie, and nothing of the application answers them; what lies in the folder they may read.
"""

from __future__ import annotations

import base64
import binascii
import os
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING
from urllib.parse import quote

from fastapi import FastAPI
from itsdangerous import BadSignature, TimestampSigner
from starlette.exceptions import HTTPException
from starlette.responses import FileResponse, Response

from listening_tests.service.auth import VALID_S
from streamflow.errors import StreamflowError

if TYPE_CHECKING:
    from ..site import Site

PREFIX = "/files"
# The kinds that a report consists of and that people take away; databases, keys and logs are not among them.
MEDIA_TYPES = {
    ".html": "text/html; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".json": "application/json",
    ".csv": "text/csv; charset=utf-8",
    ".txt": "text/plain; charset=utf-8",
    ".md": "text/plain; charset=utf-8",
    ".svg": "image/svg+xml",
    ".png": "image/png",
    ".webp": "image/webp",
    ".wav": "audio/wav",
    ".flac": "audio/flac",
    ".ogg": "audio/ogg",
    ".mp3": "audio/mpeg",
    ".parquet": "application/vnd.apache.parquet",
    ".zip": "application/zip",
}
POLICY = (
    "sandbox allow-scripts allow-downloads; default-src 'none'; script-src 'self' 'unsafe-inline'; "
    "style-src 'self' 'unsafe-inline'; img-src 'self' data: blob:; media-src 'self' data: blob:; font-src 'self' data:; "
    "form-action 'none'; base-uri 'none'; frame-ancestors 'self'"
)
HEADERS = {
    "Content-Security-Policy": POLICY,
    "X-Frame-Options": "SAMEORIGIN",
    # a page without an origin is another origin to its own pictures and sounds, too
    "Cross-Origin-Resource-Policy": "cross-origin",
    # browsers refuse to open a sandboxed page in a tab of its own under any other value
    "Cross-Origin-Opener-Policy": "unsafe-none",
    "Cache-Control": "no-store",
}


class FileLinkError(StreamflowError):
    """A file that cannot be shown."""


def files_link(
    site: Site, folder: str | Path, path: str | PurePosixPath = "index.html", *, download: bool = False
) -> str:
    """The address of a file, good for 12 hours and for everything with a suffix of MEDIA_TYPES in the folder.

    Show it as ``<iframe src="..." title="...">`` (no ``sandbox`` attribute is needed, the answer brings its own), open it in a
    tab, or use it as the ``src`` of an audio element or the ``href`` of a download.

    Args:
        site: whose runs, studies or baselines the folder is in.
        folder: what the address opens, and no file outside; give the smallest that holds what the page needs.
        path: of the file in it, with forward slashes.
        download: have the browser save it instead of showing it.

    Returns:
        a path on this server, such as ``/files/cnVucy9ldmFs.Zx.../report/index.html``.

    Raises:
        FileLinkError: the folder is in none of the site's folders, also by way of a link, or there is no such file.
    """
    capability = _sign(site, _name_of(site, Path(folder)))
    if find_file(site, capability, str(path)) is None:
        raise FileLinkError(
            f"{path} is not in {folder} or not of a kind that is shown; write it first, or name another"
        )
    return f"{PREFIX}/{capability}/{quote(str(path))}" + ("?download=1" if download else "")


def add_files_routes(app: FastAPI, site: Site) -> None:
    """Serve what ``files_link`` gives addresses to. There is no listing, and 404 says nothing about why."""

    def file(capability: str, path: str, download: bool = False) -> Response:
        found = find_file(site, capability, path)
        if found is None:
            raise HTTPException(404, headers=HEADERS)
        shown = {"content_disposition_type": "attachment" if download else "inline", "filename": found.name}
        return FileResponse(found, media_type=MEDIA_TYPES[found.suffix.lower()], headers=HEADERS, **shown)

    app.add_api_route(PREFIX + "/{capability}/{path:path}", file, methods=["GET", "HEAD"], response_model=None)


def find_file(site: Site, capability: str, path: str) -> Path | None:
    """The file, if the capability is good and the file is in its folder, links resolved, and of a kind that is shown."""
    folder = _folder_of(site, capability)
    parts = path.split("/")
    if folder is None or any(part.startswith(".") or part == "" or "\\" in part for part in parts):
        return None  # hidden files, steps upwards, empty and foreign names
    try:
        found = folder.joinpath(*parts).resolve(strict=True)
        fine = found.is_relative_to(folder) and found.is_file()
    except (OSError, ValueError, RuntimeError):  # not there, a NUL, too long, links in a circle
        return None
    return found if fine and found.suffix.lower() in MEDIA_TYPES else None


def _roots(site: Site) -> dict[str, Path]:
    return {"runs": site.runs, "studies": site.workspace.folder, "baselines": site.baselines}


def _name_of(site: Site, folder: Path) -> str:
    """``runs/eval`` for a folder; without links on the way, as what is signed is looked up again later."""
    try:
        real = folder.resolve(strict=True)
    except (OSError, RuntimeError):
        raise FileLinkError(f"there is no folder {folder}; choose another") from None
    for name, root in _roots(site).items():
        if root.resolve() in real.parents and real.is_dir():
            return str(PurePosixPath(name, *real.relative_to(root.resolve()).parts))
    raise FileLinkError(
        f"{folder} is not below the folders of runs, studies or baselines; copy it there, or name another"
    )


def _sign(site: Site, name: str) -> str:
    return _signer(site).sign(base64.urlsafe_b64encode(os.fsencode(name)).rstrip(b"=")).decode()


def _folder_of(site: Site, capability: str) -> Path | None:
    try:
        encoded = _signer(site).unsign(capability, max_age=VALID_S)
        name = os.fsdecode(base64.urlsafe_b64decode(encoded + b"=" * (-len(encoded) % 4)))
        root, *parts = PurePosixPath(name).parts
        top = _roots(site)[root].resolve()
        folder = top.joinpath(*parts).resolve(strict=True)  # again: it may have become a link since
    except (BadSignature, binascii.Error, ValueError, KeyError, OSError, RuntimeError):
        return None
    return folder if folder.is_relative_to(top) else None


def _signer(site: Site) -> TimestampSigner:
    return TimestampSigner(site.secret, salt="files")
