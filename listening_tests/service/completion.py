"""Completion codes: signed, one a session, given only when the server has counted every answer."""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
from urllib.parse import quote

from ..opening import OpenStudy
from ..study import Completion

DIGITS = 12  # base32: 60 bits, of which 30 name the session and 30 sign it


def completion_code(opened: OpenStudy, session_id: str) -> str:
    """The code of a session that is complete; the same however often it is asked for."""
    return opened.study.completion.code if opened.study.completion.code != "signed" else _signed(opened.secret, session_id)


def verify_code(opened: OpenStudy, code: str) -> bool:
    """Whether this study gave the code to somebody who finished."""
    plain = re.sub(r"[^A-Z2-7]", "", code.upper())
    if opened.study.completion.code != "signed":
        return hmac.compare_digest(code.strip(), opened.study.completion.code)
    finished = {row.session_id for row in opened.store.answers(opened.study_id, complete_only=True)}
    return any(hmac.compare_digest(plain, _signed(opened.secret, one).replace("-", "")) for one in finished)


def return_link(completion: Completion, code: str) -> str:
    """Where the listener goes back to, with the code in it; "" for nowhere."""
    return completion.return_url.replace("{code}", quote(code, safe=""))


def _signed(secret: bytes, session_id: str) -> str:
    digest = hmac.new(secret, b"completion\x00" + session_id.encode(), hashlib.sha256).digest()
    text = base64.b32encode(digest).decode()[:DIGITS]
    return "-".join(text[start : start + 4] for start in range(0, DIGITS, 4))
