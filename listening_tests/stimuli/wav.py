"""Mono 16-bit PCM WAV files that hold samples and nothing else."""

from __future__ import annotations

import io
import wave

import numpy as np

FULL_SCALE = 32768.0  # of int16; +1.0 itself does not exist


def to_int16(samples: np.ndarray) -> np.ndarray:
    """Round float ``[n]`` to int16, without dither, so that the same samples always give the same file.

    Raises:
        ValueError: beyond full scale; nothing is clipped silently.
    """
    scaled = np.rint(np.asarray(samples, np.float64) * FULL_SCALE)
    if len(scaled) and (scaled.max() > FULL_SCALE - 1 or scaled.min() < -FULL_SCALE):
        raise ValueError(f"the peak {np.abs(samples).max():.3f} is beyond full scale")
    return scaled.astype(np.int16)


def from_int16(samples: np.ndarray) -> np.ndarray:
    """float64 ``[n]`` in [-1, 1)."""
    return samples.astype(np.float64) / FULL_SCALE


def encode_wav(samples: np.ndarray, rate: int) -> bytes:
    """A RIFF file of int16 ``[n]``: 44 bytes of header, then the samples; no chunk that could tell anything."""
    buffer = io.BytesIO()
    with wave.open(buffer, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(rate)
        file.writeframes(np.ascontiguousarray(samples, "<i2").tobytes())
    return buffer.getvalue()


def decode_wav(content: bytes) -> tuple[np.ndarray, int]:
    """int16 ``[n]`` and the rate of what :func:`encode_wav` wrote.

    Raises:
        ValueError: not mono 16-bit PCM WAV.
    """
    try:
        with wave.open(io.BytesIO(content), "rb") as file:
            if (file.getnchannels(), file.getsampwidth()) != (1, 2):
                raise ValueError(f"{file.getnchannels()} channels of {8 * file.getsampwidth()} bits, not mono 16-bit")
            samples, rate = np.frombuffer(file.readframes(file.getnframes()), "<i2"), file.getframerate()
    except (wave.Error, EOFError) as error:
        raise ValueError(f"not a WAV file ({error})") from None
    return samples.astype(np.int16), rate
