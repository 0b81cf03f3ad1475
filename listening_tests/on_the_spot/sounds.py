"""Two renderings made alike in all but how they sound: length, level, format, size."""

from __future__ import annotations

import io
import wave

import numpy as np

from ..errors import StudyError
from ..stimuli.levels import HIGHEST, active_speech_level
from ..stimuli.wav import FULL_SCALE
from .errors import BlindTestError

USUAL_DBOV = -26.0  # of speech in listening tests (ITU-T P.800)
FADE_S = 0.01


def matched(
    a: np.ndarray, b: np.ndarray, rate: int, reference: np.ndarray | None = None
) -> tuple[np.ndarray, np.ndarray, float]:
    """Both at one active speech level (ITU-T P.56) and of one length.

    The level is the reference's, -26 dBov without one, and less where one of the two would clip. The shorter is
    lengthened by silence, after a fade of 10 ms so that nothing clicks where it ends.

    Args:
        a, b: float ``[n]``, ``[m]``, full scale 1. reference: float ``[k]``.

    Returns:
        Two float32 ``[max(n, m)]`` and their level in dBov.

    Raises:
        BlindTestError: one is silent or has no speech.
    """
    try:
        levels = [active_speech_level(sound, rate) for sound in (a, b)]
        wanted = USUAL_DBOV if reference is None else active_speech_level(reference, rate)
    except StudyError as error:
        raise BlindTestError(f"no blind test of these two: {error}") from None
    room = [20 * np.log10(HIGHEST / np.abs(sound).max()) + level for sound, level in zip((a, b), levels, strict=True)]
    level = min(wanted, *room) - 0.01  # of a decibel: what the dither needs
    length = max(len(a), len(b))
    louder = [
        _lengthened(sound, length, rate) * 10 ** ((level - own) / 20) for sound, own in zip((a, b), levels, strict=True)
    ]
    return louder[0].astype(np.float32), louder[1].astype(np.float32), float(level)


def _lengthened(sound: np.ndarray, length: int, rate: int) -> np.ndarray:
    sound = np.array(sound, np.float64)
    fade = min(len(sound), round(FADE_S * rate))
    if len(sound) < length:
        sound[-fade:] *= np.linspace(1, 0, fade)
    return np.pad(sound, (0, length - len(sound)))


def wav_of(sound: np.ndarray, rate: int, seed: int) -> bytes:
    """A 16-bit WAV with dither of its own (triangular, 2 LSB wide), so that no two files of one sound are the same bytes.

    Args:
        sound: float32 ``[n]``, full scale 1.
        seed: of the dither; the same file every time.
    """
    draw = np.random.default_rng(seed).random((2, len(sound)), np.float32)
    stepped = np.round(np.asarray(sound, np.float64) * FULL_SCALE + draw[0] - draw[1])
    samples = np.clip(stepped, -FULL_SCALE, FULL_SCALE - 1).astype("<i2")
    file = io.BytesIO()
    with wave.open(file, "wb") as writer:
        writer.setnchannels(1)
        writer.setsampwidth(2)
        writer.setframerate(rate)
        writer.writeframes(samples.tobytes())
    return file.getvalue()
