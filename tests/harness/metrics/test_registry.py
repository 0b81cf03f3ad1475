"""What the registry promises of every metric, and what it refuses."""

from __future__ import annotations

import subprocess
import sys

import pytest

from harness.metrics import MAKERS, REFUSED, REGISTRY, MetricError, get_metric, standard_metrics
from harness.metrics.base import FROM_COMMON_START

ALIGNED = "delay=band-envelopes"


@pytest.mark.parametrize("name", ["si_sdr", "SI-SDR", "si-sdr"])
def test_si_sdr_is_refused_with_the_reason(name: str):
    with pytest.raises(MetricError, match=r"is refused: SI-SDR compares waveforms .* use pesq_wb") as caught:
        get_metric(name)
    assert "\n" not in str(caught.value) and set(REFUSED).isdisjoint(REGISTRY)


def test_what_every_run_measures_needs_no_model_and_no_optional_package():
    standard = {name: REGISTRY[name] for name in standard_metrics()}
    assert {"pesq_wb", "stoi", "estoi", "mcd", "log_spectral_distance", "energy_correlation"} < set(standard)
    assert not {"pesq_nb", "mcd_dtw", "plcmos", "visqol", "utmos", "wer", "cer", "dnsmos_ovrl"} & set(standard)
    assert {package for metric in standard.values() for package in metric.packages} <= {
        "pesq", "pystoi", "pyworld", "resemblyzer",
    }  # fmt: skip


def test_the_alignment_is_part_of_what_depends_on_it_only():
    for metric in REGISTRY.values():
        aligns = "reference" in metric.needs and not metric.any_length
        assert (ALIGNED in metric.identity) == (
            aligns or FROM_COMMON_START in metric.identity or "aligned-where-lengths-allow" in metric.identity
        )


def test_names_and_identities_are_unique_and_complete():
    assert len({metric.identity for metric in REGISTRY.values()}) == len(REGISTRY)
    for name, metric in REGISTRY.items():
        assert metric.name == name and metric.source and metric.direction in ("higher", "lower", "")
        assert metric.identity.startswith(f"{name}[") and "\n" not in metric.identity


def test_a_metric_made_without_parameters_is_the_registrys():
    for name, make in MAKERS.items():
        assert make().identity == REGISTRY[name].identity


def test_importing_the_registry_loads_no_heavy_package():
    heavy = {"torch", "transformers", "onnxruntime", "visqol", "pocketsphinx", "jiwer", "pesq", "pystoi", "resemblyzer"}
    code = f"import sys, harness.metrics; print(sorted({heavy!r} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
