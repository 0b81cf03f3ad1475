"""Sounds as they leave the server: WAV with a chunk of random length, so that a size tells nothing."""

from __future__ import annotations

import struct

import numpy as np


def encode_wav(samples: np.ndarray, rate: int, junk: bytes) -> bytes:
    """A RIFF/WAVE file with a ``JUNK`` chunk between format and data, as the RIFF specification lets any reader skip.

    Args:
        samples: int16 ``[n, channels]``.
        rate: samples a second.
        junk: an even number of bytes.
    """
    channels = samples.shape[1]
    if len(junk) % 2:
        raise ValueError("chunks are padded to whole words; give an even number of bytes")
    data = np.ascontiguousarray(samples, "<i2").tobytes()
    form = struct.pack("<4sIHHIIHH", b"fmt ", 16, 1, channels, rate, rate * channels * 2, channels * 2, 16)
    body = form + struct.pack("<4sI", b"JUNK", len(junk)) + junk + struct.pack("<4sI", b"data", len(data))
    return struct.pack("<4sI4s", b"RIFF", 4 + len(body) + len(data), b"WAVE") + body + data
