"""Names of audio files as utterance ids: usable as file names, one for one, and the same at every import."""

from __future__ import annotations

import hashlib
import os
import re
import unicodedata

from harness.corpus import usable_as_file_name

LONGEST = 200  # bytes of an id: it takes suffixes in a run, and file systems allow 255
HASHED = re.compile(r"~[0-9a-f]{16}$")
FORBIDDEN = set('%/\\:*?"<>|')  # '%' too, or the name could not be had back
ESCAPE = re.compile(rb"%([0-9A-F]{2})")


def normal(name: str) -> str:
    """One spelling (Unicode NFC) of a name, as macOS and Linux write the same accents differently."""
    return unicodedata.normalize("NFC", name)


def utterance_id(key: str) -> str:
    """The id of the recording that a stem, or a relative path without suffix, stands for.

    What a file name cannot hold is percent-encoded as in RFC 3986 (its bytes, as the file system has them), and nothing
    else: ``"a [b].c"`` stays itself. An id longer than 200 bytes is cut and ends in ``~`` and 16 digits of the whole
    name's SHA-256; it alone cannot be turned back.

    >>> utterance_id("speaker 1/take?"), file_key("speaker 1%2Ftake%3F")
    ('speaker 1%2Ftake%3F', 'speaker 1/take?')
    """
    key = normal(key)
    last = len(key) - 1
    encoded = "".join(_encoded(character, place in (0, last)) for place, character in enumerate(key))
    if tail := HASHED.search(encoded):  # so that only a cut name ends like one
        encoded = f"{encoded[: tail.start()]}%7E{encoded[tail.start() + 1 :]}"
    if len(encoded.encode()) > LONGEST:
        encoded = _cut(encoded, LONGEST - 17) + "~" + hashlib.sha256(os.fsencode(key)).hexdigest()[:16]
    assert usable_as_file_name(encoded), encoded
    return encoded


def file_key(utterance: str) -> str | None:
    """The stem or relative path that an id stands for, or None for one that had to be cut."""
    if HASHED.search(utterance):
        return None
    return os.fsdecode(ESCAPE.sub(lambda match: bytes([int(match[1], 16)]), os.fsencode(utterance)))


def _encoded(character: str, at_an_end: bool) -> str:
    kept = character.isprintable() and character not in FORBIDDEN
    if kept and not (at_an_end and character in ". "):  # Windows drops those at the end, CSV readers the spaces
        return character
    return "".join(f"%{byte:02X}" for byte in os.fsencode(character))


def _cut(encoded: str, size: int) -> str:
    """The longest beginning of at most ``size`` bytes that ends neither within a character nor within an escape."""
    head = encoded.encode()[:size].decode(errors="ignore")
    return re.sub(r"%[0-9A-F]?$", "", head)
