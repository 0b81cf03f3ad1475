"""ViSQOL in its speech mode: similarity of gammatone spectrograms as an opinion score."""

from __future__ import annotations

import functools
import importlib.util
from typing import Any

import numpy as np

from harness.metrics.base import SAMPLE_RATE, Metric, MetricError, Pair, Unscored

MAPPERS = ("polynomial", "lattice")


def make(mapper: str = "polynomial") -> Metric:
    """ViSQOL with one of its two mappings to opinion scores, which half a point lies between.

    Left to itself the package takes whichever is installed, so that one file scores differently on two machines.

    Args:
        mapper: "polynomial", or "lattice" (what the C++ program takes; needs the package ai-edge-litert).

    Raises:
        MetricError: another mapper.
    """
    if mapper not in MAPPERS:
        raise MetricError(f"visqol has no mapper {mapper!r}; it has {' and '.join(MAPPERS)}")
    lattice = mapper == "lattice"
    return Metric(
        name="visqol",
        unit="MOS-LQO",
        direction="higher",
        source="Chinen et al., ViSQOL v3, QoMEX 2020; speech mode",
        function=functools.partial(visqol, lattice=lattice),
        parameters=f"speech,16kHz,{mapper}-mapper",
        packages=("visqol-python", "ai-edge-litert") if lattice else ("visqol-python",),
        minimum_s=1.0,
    )


def visqol(pair: Pair, lattice: bool = False) -> float | Unscored:
    """MOS-LQO, 1 to 5. Made for clips of 3 to 10 s; delay and gain leave it alone; uneven on generated speech."""
    reference, degraded = pair.reference.astype(np.float64), pair.degraded.astype(np.float64)
    try:
        value = float(_model(lattice).measure_from_arrays(reference, degraded, SAMPLE_RATE).moslqo)
    except (IndexError, ValueError) as error:  # no stretch of the reference that the package takes for speech
        return Unscored(f"ViSQOL finds nothing to compare ({str(error) or type(error).__name__})")
    return value


@functools.cache
def _model(lattice: bool) -> Any:
    if importlib.util.find_spec("visqol") is None:
        raise ImportError("no package visqol")
    from visqol import VisqolApi

    model = VisqolApi()
    model.create(mode="speech", use_lattice_model=lattice)
    return model


METRIC = make()
