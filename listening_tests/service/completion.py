"""Completion codes: proof that a listener was counted to the end, or sent home by the screening."""

from __future__ import annotations

import hashlib
import hmac
from typing import Literal
from urllib.parse import quote

from ..opening import OpenStudy

ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"  # Crockford's base 32: no I, L, O, U
HALF = 8  # characters: 40 bits that name, 40 bits that sign
GROUP = 4
LOOKALIKES = str.maketrans("OIL", "011")

Outcome = Literal["completed", "screened_out"]


def signed_code(secret: bytes, session_id: str, outcome: Outcome) -> str:
    """The session's code: always the same, of no meaning to others, and not to be made without the study's secret."""
    name = _letters(secret, "name", outcome, session_id)
    whole = name + _letters(secret, "signature", outcome, name)
    return "-".join(whole[start : start + GROUP] for start in range(0, 2 * HALF, GROUP))


def verify_code(opened: OpenStudy, code: str) -> Outcome | None:
    """What the study certified with ``code``, None where it never gave it; case, dashes and blanks do not matter."""
    plain = "".join(code.upper().split()).replace("-", "").translate(LOOKALIKES)
    if len(plain) != 2 * HALF or not set(plain) <= set(ALPHABET):
        return None
    secret = opened.store.secret(opened.study_id)
    for outcome in ("completed", "screened_out"):
        if hmac.compare_digest(_letters(secret, "signature", outcome, plain[:HALF]), plain[HALF:]):
            return outcome
    return None


def completion(opened: OpenStudy, session_id: str, outcome: Outcome) -> dict[str, str]:
    """``{"code", "return_url"}`` of a session that has ended so; the study's own fixed codes where it has any."""
    said = opened.study.completion
    if outcome == "completed":
        fixed = "" if said.code == "signed" else said.code
    else:
        fixed = said.screened_out_code
    code = fixed
    if not fixed and said.code == "signed":
        code = signed_code(opened.store.secret(opened.study_id), session_id, outcome)
    url = said.return_url if said.return_url.startswith(("https://", "http://")) and code else ""
    return {"code": code, "return_url": url.replace("{code}", quote(code, safe=""))}


def _letters(secret: bytes, *parts: str) -> str:
    digest = hmac.new(secret, "|".join(("completion", *parts)).encode(), hashlib.sha256).digest()
    number = int.from_bytes(digest, "big")
    return "".join(ALPHABET[number >> 5 * place & 31] for place in range(HALF))
