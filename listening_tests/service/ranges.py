"""Parts of a sound, as browsers ask for them (RFC 9110, section 14)."""

from __future__ import annotations

import re

from starlette.responses import Response

from .sounds import Sound

ONE_RANGE = re.compile(r"bytes=(\d{0,15})-(\d{0,15})")


def sound_response(content: bytes, sound: Sound, wanted: str | None, condition: str | None = None) -> Response:
    """The whole file, or the one range that was asked for; 416 where it lies outside.

    Args:
        wanted: the ``Range`` header; several ranges, other units and nonsense are answered with the whole file.
        condition: the ``If-Range`` header; another ETag than the sound's means the whole file.
    """
    headers = {
        "Cache-Control": "no-store",
        "ETag": f'"{sound.etag}"',
        "Accept-Ranges": "bytes",
        "Content-Disposition": "inline",
    }
    found = ONE_RANGE.fullmatch(wanted.strip()) if wanted else None
    if not found or found.groups() == ("", "") or (condition and condition != headers["ETag"]):
        return Response(content, 200, headers, "audio/wav")
    first, last = found.groups()
    size = len(content)
    start = int(first) if first else max(0, size - int(last))
    end = min(int(last), size - 1) if first and last else size - 1
    if first and last and int(last) < int(first):
        return Response(content, 200, headers, "audio/wav")
    if start >= size or (not first and int(last) == 0):
        return Response(b"", 416, {**headers, "Content-Range": f"bytes */{size}"}, "audio/wav")
    headers["Content-Range"] = f"bytes {start}-{end}/{size}"
    return Response(content[start : end + 1], 206, headers, "audio/wav")
