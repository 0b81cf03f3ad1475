"""The methods of a run as the paragraphs and references of a paper: numbers of this run, and nothing that it lacks."""

from __future__ import annotations

from dataclasses import dataclass

from reports.citations import Bibliography, cited_by
from reports.comparison import Comparison
from reports.formatting import count, join, number
from reports.verdicts import verdicts_of

DECODERS = "Every decoder was given the same speech tokens, {:g} a second, computed from the reference recordings"


@dataclass(frozen=True, slots=True)
class Paper:
    """Paragraphs with numbers in brackets, and the references that they stand for."""

    paragraphs: list[str]
    references: list[str]

    @property
    def text(self) -> str:
        listed = [f"[{place}] {reference}" for place, reference in enumerate(self.references, 1)]
        return "\n\n".join([*self.paragraphs, "\n".join(listed)]).strip() + "\n"


def paper(comparison: Comparison) -> Paper:
    """What was compared, how it was scored, and how the comparison was made."""
    sources = Bibliography()
    paragraphs = [_material(comparison), _scores(comparison, sources), _statistics(comparison, sources)]
    paragraphs.append(_latency(comparison))
    return Paper([text for text in paragraphs if text], sources.references)


def _material(comparison: Comparison) -> str:
    from reports.methods import checkpoint, corpus_name

    experiment = comparison.run.experiment
    speakers = len(set(comparison.speaker_of.values()))
    corpus = corpus_name(experiment.get("corpus"))
    text = (
        f"We compared {count(len(comparison.systems), 'system')} ({join(comparison.systems)}) on "
        f"{count(len(comparison.utterances), 'utterance')} of {count(speakers, 'speaker')}"
        f"{f' of the corpus {corpus}' if corpus else ''}."
    )
    if is_rendered(comparison):
        text += " The renderings were made elsewhere and read as audio files, the references under the same policy."
    else:
        text += f" {DECODERS.format(comparison.tokens_per_second)}"
        text += f" (weights: {checkpoint(comparison)})." if checkpoint(comparison) else "."
    text += _seeds(comparison)
    expected = len(comparison.systems) * len(comparison.utterances) * comparison.seeds
    failed = sum(comparison.failed_renderings(system) for system in comparison.systems)
    text += f" {failed} of {count(expected, 'rendering')} failed and {'is' if failed == 1 else 'are'} missing below."
    return text if failed else text.rpartition(" 0 of ")[0]


def _scores(comparison: Comparison, sources: Bibliography) -> str:
    if not comparison.metrics:
        return ""
    named = [f"{metric.name}{sources.cite(*cited_by(metric.name))}" for metric in comparison.metrics]
    text = (
        f"Renderings were scored by {join(named)}; implementations, versions and parameters are in the table of metrics. "
        "The delay between rendering and reference was estimated once a pair and compensated alike for all metrics that "
        "compare them moment by moment."
    )
    unscored, scores = len(comparison.unscored), len(comparison.all_scores)
    if unscored:
        text += (
            f" {unscored} of {count(scores, 'score')} could not be had; they were left out of means, and out of "
            "differences together with what they would be paired with."
        )
    return text


def _statistics(comparison: Comparison, sources: Bibliography) -> str:
    rows = list(verdicts_of(comparison).values()) if comparison.baseline else []
    if not rows:
        return ""
    speakers = len(set(comparison.speaker_of.values()))
    text = f"Systems were compared with {comparison.baseline} by paired differences within the utterance"
    trimmed = sorted({row.metric.name for row in rows if "trimmed" in row.estimator})
    if trimmed:
        text += (
            f": 20 % trimmed means with Yuen's intervals{sources.cite('yuen')} for {join(trimmed)}, whose differences "
            "have heavy tails, and means for the other metrics."
        )
    else:
        text += ", as means."
    clusters = f" with speakers as clusters{sources.cite('cr2')}" if speakers > 1 else ""
    main = [row for row in rows if row.system not in comparison.controls and row.metric.direction]
    tests = sum(row.p == row.p for row in main)
    text += (
        f" Intervals (95 %) are t-intervals{clusters}. The p values of {count(tests, 'test')}, of the decoders in the "
        f"metrics that have a better, were corrected together by Holm's method{sources.cite('holm')} at 0.05."
    )
    margins = {row.metric.name: row for row in rows if row.margin == row.margin}
    if margins:
        listed = join(f"{name} {number(row.margin, 3).rstrip('0').rstrip('.')}" for name, row in margins.items())
        text += f" Equivalence was tested by two one-sided tests{sources.cite('tost')} within margins of {listed}."
    return text + (
        " Where a difference was not significant, the smallest one that would have been found with a power of 0.8 after "
        "correction is given beside it."
    )


def _latency(comparison: Comparison) -> str:
    from reports.methods import hardware

    if comparison.latency.empty:
        return ""
    machine = hardware(comparison.run.provenance.get("hardware") or {})
    return (
        f"Latency was measured on {machine or 'one machine'}: first-packet latency is the compute time from the last "
        "token that the first packet needs to its audio, the real-time factor compute time over the duration of the audio."
    )


def is_rendered(comparison: Comparison) -> bool:
    """Whether the audio was made elsewhere."""
    return all("rendered" in run.experiment for run in comparison.runs)


def seeds_of(comparison: Comparison) -> list[int]:
    """The noise seeds that the scores hold."""
    return sorted({int(seed) for seed in comparison.all_scores["seed"].unique()})


def _seeds(comparison: Comparison) -> str:
    """How often each was rendered; runs that are shown together may differ in it."""
    numbers = sorted(set(comparison.all_scores.groupby("system")["seed"].nunique()))
    if not numbers or numbers[-1] == 1:
        return ""
    each = f"{numbers[0]}" if len(numbers) == 1 else f"{numbers[0]} to {numbers[-1]}"
    return f" Each was rendered with {each} noise seeds, and scores were averaged over seeds within the utterance."
