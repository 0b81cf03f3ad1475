"""Latin squares and Williams designs.

E. J. Williams, "Experimental designs balanced for the estimation of residual effects of treatments", Australian Journal of
Scientific Research A 2 (1949) 149-168: a square (two for an odd number of treatments) in which every treatment also
follows every other equally often.
"""

from __future__ import annotations

import numpy as np

from ..randomness import random_for


def latin_square(size: int, seed: int) -> np.ndarray:
    """A seeded Latin square: the cyclic one with rows, columns and symbols permuted.

    Returns:
        int ``[size, size]``; every symbol 0 .. size-1 once in every row and every column.
    """
    rng = random_for("latin square", size, seed)
    rows, columns, symbols = (rng.permutation(size) for _ in range(3))
    return symbols[(rows[:, None] + columns[None, :]) % size]


def williams_base(size: int) -> np.ndarray:
    """0, size-1, 1, size-2, ...: int ``[size]``, whose steps are all different modulo ``size`` for an even size."""
    base = np.empty(size, dtype=int)
    base[0::2] = np.arange((size + 1) // 2)
    base[1::2] = np.arange(size - 1, (size + 1) // 2 - 1, -1)
    return base


def williams_design(size: int, seed: int | None = None) -> np.ndarray:
    """Sequences in which each treatment takes each place, and follows each other treatment, equally often.

    Args:
        size: number of treatments.
        seed: of a relabelling of the treatments, None for none.

    Returns:
        int ``[rows, size]`` with ``rows`` = ``size`` for an even size (and for 1) and ``2 * size`` for an odd one.
    """
    base = williams_base(size)
    bases = [base] if size % 2 == 0 or size == 1 else [base, base[::-1]]
    rows = np.concatenate([(one[None, :] + np.arange(size)[:, None]) % size for one in bases])
    return rows if seed is None else random_for("williams", size, seed).permutation(size)[rows]


def carry_over(sequences: np.ndarray, size: int | None = None) -> np.ndarray:
    """How often each treatment is followed by each: int ``[size, size]``, first index the one before.

    Args:
        sequences: int ``[rows, places]``.
        size: number of treatments, None for the largest found.
    """
    sequences = np.asarray(sequences)
    size = int(sequences.max()) + 1 if size is None else size
    table = np.zeros((size, size), dtype=int)
    np.add.at(table, (sequences[:, :-1].ravel(), sequences[:, 1:].ravel()), 1)
    return table


def places(sequences: np.ndarray, size: int) -> np.ndarray:
    """How often each treatment stands at each place: int ``[size, places]``."""
    sequences = np.asarray(sequences)
    return np.stack([(sequences == treatment).sum(axis=0) for treatment in range(size)])
