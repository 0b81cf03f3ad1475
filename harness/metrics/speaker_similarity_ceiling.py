"""What speaker similarity could be at best: the reference against another recording of its speaker."""

from __future__ import annotations

import numpy as np

from harness.metrics.base import Metric, Pair, Unscored
from harness.metrics.speaker_similarity import EMBEDDING, PACKAGES, SPEECH_S, embed, weights_fingerprint


def speaker_similarity_ceiling(pair: Pair) -> float | Unscored:
    """Cosine of two recordings of one speaker; does not depend on the rendering.

    One voice in two sentences is not at 1: a system at this value is as near to the speaker as the speaker is.
    """
    other = np.ascontiguousarray(pair.other_reference, np.float32)
    if np.array_equal(other, pair.whole_reference):
        return Unscored("the other recording of the speaker is the reference itself")
    embeddings = []
    for name, samples in (("reference", pair.whole_reference), ("other recording", other)):
        embedding = embed(samples)
        if embedding is None:
            return Unscored(f"the {name} holds under {SPEECH_S} s of speech once pauses are cut")
        embeddings.append(embedding)
    return float(embeddings[0] @ embeddings[1])


METRIC = Metric(
    name="speaker_similarity_ceiling",
    unit="cosine",
    direction="",
    source="Wan et al., Generalized End-to-End Loss for Speaker Verification, ICASSP 2018; reference to reference",
    function=speaker_similarity_ceiling,
    parameters=f"{EMBEDDING},reference-to-other-recording",
    packages=PACKAGES,
    minimum_s=1.5,
    needs=frozenset({"reference", "other_reference"}),
    any_length=True,
    fingerprint=weights_fingerprint,
    standard=True,
)
