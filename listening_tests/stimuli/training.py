"""Which sounds a listener hears before the first trial that counts: from both ends of the range first."""

from __future__ import annotations

from collections.abc import Sequence

from ..randomness import random_for
from .materials import Range
from .stimulus_set import StimulusSet

AFFORDABLE = 6  # sentences there must be for each one that is kept from the main trials


def training_sentences(main: Sequence[str], every: Sequence[str], wanted: int, seed: int) -> list[str]:
    """Sentences to keep for training, first choice first; those that come after ``wanted`` stand in for unusable ones.

    Sentences that the study does not use come first. Where they are too few, main ones are taken only if there are six for
    each that is wanted: a small study trains on what it rates.
    """
    spare = [sentence for sentence in every if sentence not in set(main)]
    rng = random_for("training", seed)
    spare = [spare[index] for index in rng.permutation(len(spare))]
    if wanted <= len(spare):
        return spare
    if len(main) < AFFORDABLE * wanted:
        return spare
    return [*spare, *(main[index] for index in rng.permutation(len(main)))]


def spanning(systems: Range, first: int) -> list[str]:
    """The systems from both ends of the range inwards: best, worst, second best, ...; turned for the ``first``-th sentence."""
    ends = [
        systems.systems[index // 2] if index % 2 == 0 else systems.systems[-1 - index // 2]
        for index in range(len(systems.systems))
    ]
    turn = first % len(ends)
    return ends[turn:] + ends[:turn]


def choose_training(stimuli: StimulusSet, count: int) -> list[tuple[str, str]]:
    """(sentence, system) of the first ``count`` training sounds, the range's ends first, a sentence once before any again.

    Sounds kept for training come in the order of ``stimuli.json``, which spans the range; where there are none, main
    sentences by the best and the worst system in turn.
    """
    kept = stimuli.of_role("training")
    if not kept:
        ends = [stimuli.facts["range"]["best"], stimuli.facts["range"]["worst"]]
        found = [(sentence, ends[index % 2]) for index, sentence in enumerate(stimuli.sentences)]
        return [pair for pair in found if stimuli.find(*pair) is not None][:count]
    seen: dict[str, int] = {}
    turns = []
    for stimulus in kept:
        turns.append((seen.get(stimulus.sentence, 0), len(turns), (stimulus.sentence, stimulus.system)))
        seen[stimulus.sentence] = turns[-1][0] + 1
    return [pair for _, _, pair in sorted(turns)][:count]
