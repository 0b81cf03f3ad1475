"""Samples and messages between the server and its decoding processes: JSON, so that neither runs what the other sent."""

from __future__ import annotations

import base64
import json
from multiprocessing.connection import Connection
from typing import Any

import numpy as np

FULL_SCALE = 32767
KIND, JOB, TASK, CANCEL, READY = "kind", "job", "task", "cancel", "ready"
LOADING, DONE, TOTAL = "loading", "done", "total"  # so many modules of so many are imported
KEEP = "keep"  # exact samples and contours, for the server alone


def pcm_of(samples: np.ndarray) -> str:
    """float32 ``[n]`` in [-1, 1] as base64 of int16, little-endian."""
    scaled = np.rint(np.clip(samples, -1.0, 1.0) * FULL_SCALE).astype("<i2")
    return base64.b64encode(scaled.tobytes()).decode("ascii")


def packed(array: np.ndarray) -> dict[str, str]:
    """A float32 or float64 ``[n]`` array as JSON can hold it, exactly."""
    little = np.ascontiguousarray(array, array.dtype.newbyteorder("<"))
    return {"dtype": array.dtype.name, "data": base64.b64encode(little.tobytes()).decode("ascii")}


def unpacked(table: dict[str, str]) -> np.ndarray:
    """The inverse of :func:`packed`."""
    dtype = {"float32": "<f4", "float64": "<f8"}[table["dtype"]]
    return np.frombuffer(base64.b64decode(table["data"]), dtype).astype(table["dtype"])


def send(pipe: Connection, message: dict[str, Any]) -> None:
    """Write one message whole.

    Raises:
        OSError: nobody reads any more.
    """
    pipe.send_bytes(json.dumps(message, allow_nan=False).encode())


def receive(pipe: Connection) -> dict[str, Any]:
    """Read one message.

    Raises:
        EOFError: nobody writes any more.
        OSError: the pipe is closed.
        ValueError: not a message.
    """
    return json.loads(pipe.recv_bytes())
