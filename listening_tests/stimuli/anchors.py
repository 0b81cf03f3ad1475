"""The two anchors of ITU-R BS.1534-3: the reference, low-passed at 3.5 kHz and at 7 kHz.

The mask of the 3.5 kHz filter: ripple within 0.1 dB up to 3.5 kHz, at least 25 dB down at 4 kHz and 50 dB at 4.5 kHz.
The filter here is a linear-phase FIR (Kaiser window) that is 60 dB down 500 Hz above its edge, so that it meets that mask,
and the same distances above 7 kHz; its delay is taken out, so that an anchor is in time with the reference.

At 16 kHz only 1 kHz lies between the mid anchor's edge and the end of the band: most listeners will hear little
difference from a wideband reference, and the rule of BS.1534-3 that expects them to will exclude honest ones. That is a
property of wideband material, not of the listener; set ``exclusion.anchor_share = 1.0`` for it.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from scipy.signal import firwin, kaiserord, oaconvolve

from ..errors import StudyError
from ..model import ANCHOR_LOW, ANCHOR_MID

EDGES = {ANCHOR_LOW: 3500.0, ANCHOR_MID: 7000.0}  # Hz
TRANSITION = 500.0  # Hz from the end of the pass band to full attenuation
ATTENUATION = 63.0  # dB designed; 60 are kept at every rate


def anchor(reference: np.ndarray, rate: int, name: str) -> np.ndarray:
    """Low-pass the reference.

    Args:
        reference: float ``[n]``.
        rate: samples a second; 15.1 kHz at least for the mid anchor.
        name: ANCHOR_LOW or ANCHOR_MID.

    Returns:
        float64 ``[n]``, in time with the reference and at its level.

    Raises:
        StudyError: no such anchor, or a rate too low for it to differ from the reference.
    """
    if name not in EDGES:
        raise StudyError(f"no anchor is called {name!r}; there are {', '.join(EDGES)}")
    if EDGES[name] + TRANSITION > rate / 2:
        raise StudyError(f"{name} needs more than {rate} samples a second; use recordings of 16 kHz or more for MUSHRA")
    taps = low_pass(EDGES[name], rate)
    delay = len(taps) // 2
    return oaconvolve(np.asarray(reference, np.float64), taps, mode="full")[delay : delay + len(reference)]


@lru_cache(maxsize=8)
def low_pass(edge: float, rate: int) -> np.ndarray:
    """Odd-length linear-phase FIR that passes up to ``edge`` Hz; float64 ``[taps]``, read-only."""
    count, beta = kaiserord(ATTENUATION, TRANSITION / (rate / 2))
    taps = firwin(count | 1, edge + TRANSITION / 2, window=("kaiser", beta), fs=rate)
    taps.flags.writeable = False
    return taps
