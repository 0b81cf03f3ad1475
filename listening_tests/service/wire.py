"""What comes over the wire, checked; and problems as one JSON line without a path or a name."""

from __future__ import annotations

import json
from typing import Any

from fastapi import Request

MAX_BODY = 256 * 1024  # bytes; an answer with its log of playback has some 20 kB
MAX_TEXT = 200


class Problem(Exception):
    """A request that is refused.

    Attributes:
        status: of HTTP.
        error: one line for the page.
        facts: more for the page's script.
    """

    def __init__(self, status: int, error: str, **facts: Any) -> None:
        super().__init__(error)
        self.status, self.error, self.facts = status, error, facts


async def json_body(request: Request) -> dict[str, Any]:
    """The body as a JSON object, not more than MAX_BODY of it.

    Raises:
        Problem: 413 too long, 400 not a JSON object.
    """
    parts, size = [], 0
    async for part in request.stream():
        size += len(part)
        if size > MAX_BODY:
            raise Problem(413, "the request is too long; reload the page")
        parts.append(part)
    try:
        body = json.loads(b"".join(parts), parse_constant=_refuse)
    except (ValueError, RecursionError):
        body = None
    if not isinstance(body, dict):
        raise Problem(400, "the request is not a JSON object; reload the page")
    return body


def bounded_text(body: dict[str, Any], name: str, longest: int = MAX_TEXT) -> str:
    """A string of the body, "" where it is absent.

    Raises:
        Problem: 400 something else, or too long.
    """
    value = body.get(name) or ""
    if not isinstance(value, str) or len(value) > longest or "\x00" in value:
        raise Problem(400, f"{name} must be a short text; use the link that you were given")
    return value


def bearer(request: Request) -> str:
    """The session's token, from the header.

    Raises:
        Problem: 401 there is none.
    """
    kind, _, token = request.headers.get("authorization", "").partition(" ")
    if kind.lower() != "bearer" or not token or len(token) > MAX_TEXT:
        raise Problem(401, "no session; open the link that you were given")
    return token.strip()


def _refuse(constant: str) -> float:
    raise ValueError(f"{constant} is not JSON")
