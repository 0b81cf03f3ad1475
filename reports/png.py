"""A palette PNG (RFC 2083) from an array of indices, in memory and the same bytes every time."""

from __future__ import annotations

import base64
import struct
import zlib

import numpy as np


def encode_png(indices: np.ndarray, palette: np.ndarray) -> bytes:
    """Encode uint8 ``[height, width]`` as PNG, looked up in uint8 ``[colours, 3]`` (at most 256, RGB).

    Raises:
        ValueError: an index outside the palette.
    """
    indices = np.ascontiguousarray(indices, np.uint8)
    if indices.size and indices.max() >= len(palette):
        raise ValueError(f"palette index {indices.max()} in a palette of {len(palette)} colours")
    height, width = indices.shape
    rows = np.hstack([np.zeros((height, 1), np.uint8), indices])  # filter type 0 before each row
    header = struct.pack(">IIBBBBB", width, height, 8, 3, 0, 0, 0)
    chunks = (
        (b"IHDR", header),
        (b"PLTE", np.ascontiguousarray(palette, np.uint8).tobytes()),
        (b"IDAT", zlib.compress(rows.tobytes(), 6)),
        (b"IEND", b""),
    )
    return b"\x89PNG\r\n\x1a\n" + b"".join(_chunk(kind, content) for kind, content in chunks)


def data_uri(content: bytes, media_type: str) -> str:
    """Bytes as ``data:MEDIA/TYPE;base64,...``."""
    return f"data:{media_type};base64,{base64.b64encode(content).decode('ascii')}"


def _chunk(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))
