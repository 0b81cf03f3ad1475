"""Completion codes: proof that a listener was counted to the end, or sent home by the screening."""

from __future__ import annotations

import hashlib
import hmac
import re
from collections import Counter
from dataclasses import dataclass
from typing import Any, Literal
from urllib.parse import quote

from ..errors import StudyError
from ..opening import OpenStudy

ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"  # Crockford's base 32: no I, L, O, U
HALF = 8  # characters: 40 bits that name, 40 bits that sign
GROUP = 4
LOOKALIKES = str.maketrans("OIL", "011")
NOT_GIVEN = "NOT given by this study"

Outcome = Literal["completed", "screened_out"]


def signed_code(secret: bytes, session_id: str, outcome: Outcome) -> str:
    """The session's code: always the same, of no meaning to others, and not to be made without the study's secret."""
    name = _letters(secret, "name", outcome, session_id)
    whole = name + _letters(secret, "signature", outcome, name)
    return "-".join(whole[start : start + GROUP] for start in range(0, 2 * HALF, GROUP))


def verify_code(opened: OpenStudy, code: str) -> Outcome | None:
    """What the study certified with ``code``, None where it never gave it; case, dashes and blanks do not matter."""
    plain = _plain(code)
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


@dataclass(frozen=True, slots=True)
class Checked:
    """Codes that were handed in.

    Attributes:
        rows: ``code`` as given, ``outcome``, ``given`` how often.
        complete: sessions that were finished. matched: those whose code is among them.
    """

    rows: list[dict[str, Any]]
    complete: int
    matched: int

    @property
    def wrong(self) -> int:
        """Codes that the study never gave."""
        return sum(row["outcome"] == NOT_GIVEN for row in self.rows)

    def summary(self) -> str:
        """One line."""
        codes = f"{len(self.rows)} code{'' if len(self.rows) == 1 else 's'}"
        return f"{codes}, {self.wrong} wrong; {self.matched} of {self.complete} complete sessions are among them"


def check_codes(opened: OpenStudy, text: str) -> Checked:
    """Which of the codes in a text the study gave, and how many who finished have handed theirs in.

    Args:
        text: codes on lines of their own, or between commas or semicolons.

    Raises:
        StudyError: no code in it, or a study that gives everybody the same one.
    """
    if opened.study.completion.code != "signed":
        raise StudyError("this study gives every listener the same code; compare with completion.code of study.toml")
    given = Counter(part.strip() for part in re.split(r"[\n,;]+", text or "") if part.strip())
    if not given:
        raise StudyError("there is no code to check; paste what listeners sent, one a line")
    rows = [
        {"code": code, "outcome": (verify_code(opened, code) or NOT_GIVEN).replace("_", " "), "given": times}
        for code, times in given.items()
    ]
    secret = opened.store.secret(opened.study_id)
    plain = {_plain(code) for code in given}
    finished = [row.session_id for row in opened.store.sessions(opened.study_id) if row.state == "complete"]
    matched = sum(_plain(signed_code(secret, session, "completed")) in plain for session in finished)
    return Checked(rows, len(finished), matched)


def _plain(code: str) -> str:
    return "".join(code.upper().split()).replace("-", "").translate(LOOKALIKES)
