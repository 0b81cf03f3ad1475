"""Random numbers that depend on what they are for, and on nothing else."""

from __future__ import annotations

import hashlib
import json

import numpy as np


def random_for(*purpose: str | int) -> np.random.Generator:
    """A generator for a purpose such as ``(study.seed, "trials", slot)``: the same on every machine and in every process."""
    return np.random.default_rng(seed_for(*purpose))


def seed_for(*purpose: str | int) -> int:
    """A seed of 63 bits for a purpose; nothing can be read off it."""
    digest = hashlib.sha256(json.dumps(purpose).encode()).digest()
    return int.from_bytes(digest[:8], "big") >> 1
