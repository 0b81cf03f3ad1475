"""Random numbers of a purpose. Like ``design.randomness``, which imports the stimuli and so cannot be imported by them."""

from __future__ import annotations

import hashlib

import numpy as np


def random_of(*purpose: str | int) -> np.random.Generator:
    """A generator for a purpose such as ``("woods", seed)``, the same in every process; 5 and "5" are one seed."""
    digest = hashlib.sha256("\x1f".join(map(str, purpose)).encode()).digest()
    return np.random.default_rng(np.frombuffer(digest, np.uint32).tolist())
