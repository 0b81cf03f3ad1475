"""DNSMOS: opinion scores predicted without a reference, by models trained on noisy and denoised speech.

A diagnostic and never a verdict: it does not hear steps of 1 dB every 320 ms.
"""

from __future__ import annotations

from harness.metrics.base import SAMPLE_RATE, Metric, Pair, Unscored
from harness.metrics.content_cache import ContentCache
from harness.metrics.speechmos_model import PACKAGES, SHORTEST_S, beyond_full_scale, dnsmos_model

KEPT = 16  # signals; the four scores of one come from one pass

_scores: ContentCache[dict[str, float]] = ContentCache(KEPT)


def predicted(pair: Pair, key: str) -> float | Unscored:
    """One of the package's four answers for the rendering as it is, 1 to 5."""
    if refusal := beyond_full_scale(pair):
        return refusal
    samples = pair.whole_degraded
    return float(_scores.get((samples,), lambda: dnsmos_model()(samples, SAMPLE_RATE, False))[key])


def dnsmos_ovrl(pair: Pair) -> float | Unscored:
    """Overall quality."""
    return predicted(pair, "ovrl_mos")


def dnsmos_sig(pair: Pair) -> float | Unscored:
    """Quality of the speech."""
    return predicted(pair, "sig_mos")


def dnsmos_bak(pair: Pair) -> float | Unscored:
    """Quietness of the background."""
    return predicted(pair, "bak_mos")


def dnsmos_p808(pair: Pair) -> float | Unscored:
    """Quality as in a P.808 listening test, by a model of its own."""
    return predicted(pair, "p808_mos")


P835 = "Reddy et al., DNSMOS P.835, ICASSP 2022"
P808 = "Reddy et al., DNSMOS, ICASSP 2021; ITU-T P.808"

METRICS = tuple(
    Metric(
        name=function.__name__,
        unit="MOS",
        direction="higher",
        source=P808 if function is dnsmos_p808 else P835,
        function=function,
        parameters=f"{'p808' if function is dnsmos_p808 else 'p835'},16kHz,windows-9.01s-every-1s",
        packages=PACKAGES,
        minimum_s=SHORTEST_S,
        needs=frozenset(),
    )
    for function in (dnsmos_ovrl, dnsmos_sig, dnsmos_bak, dnsmos_p808)
)
"""One a question that the models answer."""
