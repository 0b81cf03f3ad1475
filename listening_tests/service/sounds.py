"""Sounds as a browser gets them: WAV of a length that tells nothing, under an address that tells nothing."""

from __future__ import annotations

import hashlib
import hmac
import struct

import numpy as np

TOKEN_BYTES = 18
JUNK = (512, 16_384)  # bytes of a chunk that players skip: the file's size is another for every address


def sound_token(secret: bytes, session_id: str, step_id: str, label: str) -> str:
    """The address of one sound of one step of one session: a keyed hash, so that nothing need be stored."""
    message = "\x00".join(("sound", session_id, step_id, label)).encode()
    return hmac.new(secret, message, hashlib.sha256).hexdigest()[: 2 * TOKEN_BYTES]


def wav_for(token: str, secret: bytes, samples: np.ndarray, rate: int) -> bytes:
    """A RIFF file of int16 ``[n, channels]`` with a ``JUNK`` chunk whose length and content follow from the address.

    The same address always gives the same bytes, so that ranges of it can be asked for.
    """
    digest = hmac.new(secret, f"junk\x00{token}".encode(), hashlib.sha256).digest()
    rng = np.random.default_rng(list(digest))
    junk = rng.bytes(2 * int(rng.integers(JUNK[0] // 2, JUNK[1] // 2)))
    channels = samples.shape[1]
    body = np.ascontiguousarray(samples, "<i2").tobytes()
    form = struct.pack("<HHIIHH", 1, channels, rate, 2 * channels * rate, 2 * channels, 16)
    chunks = b"".join(
        name + struct.pack("<I", len(content)) + content for name, content in ((b"fmt ", form), (b"JUNK", junk), (b"data", body))
    )
    return b"RIFF" + struct.pack("<I", 4 + len(chunks)) + b"WAVE" + chunks
