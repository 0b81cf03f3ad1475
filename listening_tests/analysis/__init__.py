"""What ratings say, with the certainty that crossed listeners and sentences allow.

The functions of crossed listener x sentence data, which every other analysis calls. ``frame`` has at least the columns
``listener``, ``sentence``, ``system``, ``value`` (of ``model.RATING_COLUMNS``); choose the rows (role, protocol) first.
Rows of one listener, sentence and system are averaged, NaN values left out::

    from listening_tests.analysis.crossed_bootstrap import (
        mean_opinion,      # (frame, system, *, claim=BOTH, method="crossed", level=.95, replicates=2000, seed=0) -> Estimate
        mean_opinions,     # (frame, systems=None, **same) -> DataFrame, a row a system
        difference,        # (frame, a, b, *, same) -> Estimate of a minus b, with .p_value
        differences,       # (frame, pairs="all" | "reference" | [(a, b), ...], **same) -> DataFrame with p_holm
        resample_weights,  # (listeners, sentences, replicates, *, seed, claim) -> float32 [replicates, rows]
        percentile_interval,  # (replicates [B], level) -> (low, high)
    )
    from listening_tests.analysis.estimate import BOTH, LISTENERS, Estimate  # the claim: whom the interval speaks of
    from harness.statistics import holm                                      # (p values) -> adjusted, same shape
    from listening_tests.analysis.effect_size import paired_d, superiority   # (frame, a, b) -> Estimate
    from listening_tests.analysis.equivalence import equivalence             # (frame, a, b, margin) -> Equivalence
    from listening_tests.analysis.permutation import sign_flip               # (frame, a, b) -> Permutation
    from listening_tests.analysis.mixed_model import mixed_model             # (frame) -> MixedModel

For statistics that are no mean (a median, a Bradley-Terry strength, a correlation), weight each row by a line of
``resample_weights`` and take ``percentile_interval``; that is the plain pigeonhole bootstrap, which is
mostly conservative (``estimate.METHODS`` says by how much).
"""
