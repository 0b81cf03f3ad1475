"""ViSQOL is that of visqol-python called bare, with a mapping that somebody chose."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable

import numpy as np
import pytest
import visqol as package

from harness.metrics import REGISTRY, MetricError, Pair, Unscored, get_metric
from harness.metrics.visqol import visqol

RATE = 16_000
HAS_LATTICE = importlib.util.find_spec("ai_edge_litert") is not None


def bare(reference: np.ndarray, degraded: np.ndarray, lattice: bool) -> float:
    model = package.VisqolApi()
    model.create(mode="speech", use_lattice_model=lattice)
    return model.measure_from_arrays(reference.astype(np.float64), degraded.astype(np.float64), RATE).moslqo


def test_it_is_that_of_the_package(voices: dict[str, np.ndarray], noisy: Callable):
    for name, snr in (("flite_rms_1", 20), ("espeak_en-us_f4_1", 0)):
        reference, degraded = voices[name], noisy(voices[name], snr)
        assert REGISTRY["visqol"].score(degraded, reference) == pytest.approx(
            bare(reference, degraded, False), abs=1e-6
        )


def test_the_mapping_is_chosen_and_part_of_the_identity(speech: np.ndarray, noisy: Callable):
    polynomial, lattice = get_metric("visqol"), get_metric("visqol", {"mapper": "lattice"})
    assert "polynomial-mapper" in polynomial.identity
    assert "ai-edge-litert-" in lattice.identity and "lattice-mapper" in lattice.identity
    assert polynomial.score(speech, speech) == pytest.approx(5, abs=1e-6)
    value = lattice.score(noisy(speech, 20), speech)
    if HAS_LATTICE:
        assert value == pytest.approx(bare(speech, noisy(speech, 20), True), abs=1e-6)
        assert value != pytest.approx(polynomial.score(noisy(speech, 20), speech), abs=0.1)
    else:
        assert isinstance(value, Unscored)
        assert "visqol cannot run here" in value.reason and "visqol-python and ai-edge-litert" in value.reason


def test_a_mapping_that_does_not_exist_is_refused():
    with pytest.raises(MetricError, match="no mapper 'svr'; it has polynomial and lattice"):
        get_metric("visqol", {"mapper": "svr"})


def test_a_clip_in_which_the_package_finds_no_patch_is_a_reason(speech: np.ndarray):
    brief = speech[8000:12000]  # 0.25 s, where the package raises a bare IndexError; the metric's minimum comes before
    value = visqol(Pair(brief, brief))
    assert isinstance(value, Unscored) and value.reason.startswith("ViSQOL finds nothing to compare")
    assert "visqol needs 1 s" in REGISTRY["visqol"].score(brief, brief).reason
