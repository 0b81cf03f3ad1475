"""Statistics of a run: means, paired differences and verdicts that know that utterances of one speaker are alike.

Every function takes ``values`` or ``differences`` (``[n]``, one an utterance, seeds averaged first, NaN left out) and
``clusters`` (``[n]``, the speakers, or None). All intervals and tests come from one place, ``location.locate``.

=============================================  ================================================================
means                                          ``mean_interval``, ``summary``
paired differences                             ``paired_difference``, ``paired_scores``, ``paired_utterances``
one utterance in fifty goes astray             ``trimmed_mean``, ``yuen_interval``, ``yuen_p``, ``estimator_for``
no normal distribution assumed                 ``hierarchical_bootstrap``, ``sign_flip_p``
how large                                      ``paired_effect``
no worse, no different, by a margin            ``non_inferiority``, ``tost``
what could have been found                     ``minimum_detectable_difference``, ``utterances_needed``
many tests                                     ``holm``
all of it for a table of scores                ``compare_systems``
=============================================  ================================================================

``python -m harness.statistics.simulation`` measures that the intervals cover and the tests err as often as they say.
"""

from __future__ import annotations

from .bootstrap import hierarchical_bootstrap
from .comparison import compare_systems
from .effects import PairedEffect, paired_effect
from .equivalence import Tost, tost, tost_p
from .estimators import HEAVY, estimator_for, trim_of
from .interval import mean_interval, paired_difference
from .location import Interval, Location, locate
from .multiplicity import holm
from .non_inferiority import NonInferiority, non_inferiority
from .power import minimum_detectable_difference, utterances_needed
from .samples import StatisticsError, speaker_clusters
from .scores import paired_scores, paired_utterances, summary, utterance_means
from .sign_flip import sign_flip_p
from .trimmed import TRIM, trimmed_mean, yuen_interval, yuen_p

__all__ = [
    "HEAVY",
    "TRIM",
    "Interval",
    "Location",
    "NonInferiority",
    "PairedEffect",
    "StatisticsError",
    "Tost",
    "compare_systems",
    "estimator_for",
    "hierarchical_bootstrap",
    "holm",
    "locate",
    "mean_interval",
    "minimum_detectable_difference",
    "non_inferiority",
    "paired_difference",
    "paired_effect",
    "paired_scores",
    "paired_utterances",
    "sign_flip_p",
    "speaker_clusters",
    "summary",
    "tost",
    "tost_p",
    "trim_of",
    "trimmed_mean",
    "utterance_means",
    "utterances_needed",
    "yuen_interval",
    "yuen_p",
]
