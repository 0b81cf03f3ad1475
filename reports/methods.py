"""What the run was and how its numbers came about, from its provenance and the metrics' identities."""

from __future__ import annotations

import hashlib
import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import PurePath

from harness.latency import FEWEST_FOR_GROWTH
from harness.systems import otherwise_trained
from reports.comparison import Comparison
from reports.formatting import count
from reports.paper import is_rendered, seeds_of
from reports.seam_section import validated
from reports.verdicts import family


@dataclass(frozen=True, slots=True)
class Fact:
    """A line of the header."""

    label: str
    value: str
    code: bool = False


@dataclass(frozen=True, slots=True)
class Passage:
    """A heading with its paragraphs."""

    title: str
    paragraphs: list[str]


def facts(comparison: Comparison) -> list[Fact]:
    """Date, corpus, checkpoint, hardware, command: what the run itself noted; absent ones are left out."""
    experiment, provenance = comparison.run.experiment, comparison.run.provenance
    speakers = len(set(comparison.speaker_of.values()))
    corpus = corpus_name(experiment.get("corpus"))
    if experiment.get("split"):
        corpus += f", split {experiment['split']}"
    size = f"{count(len(comparison.utterances), 'utterance')}, {count(speakers, 'speaker')}"
    found = [
        Fact("date", date(str(provenance.get("created") or ""))),
        Fact("corpus", f"{corpus}: {size}" if corpus else size),
        Fact("checkpoint", checkpoint(comparison)),
        Fact("hardware", hardware(provenance.get("hardware") or {})),
        Fact("software", software(provenance)),
        Fact("command", shlex.join(provenance.get("command") or []), code=True),
    ]
    if len(comparison.runs) > 1:
        found.insert(0, Fact("runs", in_words([str(run.path) for run in comparison.runs])))
    return [fact for fact in found if fact.value]


def methods(comparison: Comparison) -> list[Passage]:
    """How everything in the report was had; nothing of what the run does not hold."""
    found = [
        ("Decoding", [] if is_rendered(comparison) else _decoding(comparison)),
        ("Statistics", _statistics(comparison)),
        ("Latency", [] if comparison.latency.empty else _latency(comparison)),
        ("Seams", [] if comparison.seams.empty else _seams()),
        ("Listening", _listening()),
    ]
    return [Passage(title, paragraphs) for title, paragraphs in found if paragraphs]


def _decoding(comparison: Comparison) -> list[str]:
    seeds = seeds_of(comparison)
    told = f" ({', '.join(map(str, seeds))})" if seeds else ""
    described = comparison.run.provenance.get("systems") or {}
    return [
        f"Every system decodes the same speech tokens, {comparison.tokens_per_second:g} a second, computed from the "
        "reference recording. The speaker prompt of an utterance is its own reference recording unless the manifest names "
        "another. "
        "Recordings are mono, 16 kHz, normalised to −23 LUFS on loading.",
        f"Noise is a function of the seed{told} and the absolute frame, so that "
        "systems of the same weights differ by what they attend to alone.",
        *(f"{sentence}." for sentence in otherwise_trained(described)),
    ]


def _statistics(comparison: Comparison) -> list[str]:
    speakers = len(set(comparison.speaker_of.values()))
    clusters = (
        "with standard errors clustered by speaker"
        if speakers > 1
        else "over utterances, since there is one speaker only"
    )
    paragraphs = [
        f"Intervals are 95 % t-intervals of the mean {clusters}; values of several seeds are averaged per utterance "
        "first. Below two values no interval is given.",
        "A value that could not be had is unscored, with its reason; it enters no mean.",
    ]
    if comparison.baseline is not None:
        paragraphs.insert(
            1,
            f"Differences to {comparison.baseline} are paired: each utterance with itself. Where a metric's differences "
            "have heavy tails (PESQ, F0) they are 20 % trimmed means with Yuen's interval. Verdicts are of p values after "
            f"Holm's correction over one family: {family(comparison)}. “Equivalent” needs a margin and an interval "
            "inside it (the margins are those of the ready policy of streamflow gate unless others were given); "
            "“not told apart” is no verdict of equality, and the smallest difference that would be found with "
            "a power of 0.8, correction included, stands beside it.",
        )
    return paragraphs


def _latency(comparison: Comparison) -> list[str]:
    threads = (comparison.run.provenance.get("hardware") or {}).get("torch_threads")
    with_threads = f" torch ran on {count(int(threads), 'thread')}." if threads is not None else ""
    return [
        "First-packet latency is the compute time from the last token that the first packet needs to its audio; "
        "algorithmic latency the audio time that must have arrived before, vocoder context included. Tokens arrive on a "
        f"virtual clock, token k at (k + 1) / {comparison.tokens_per_second:g} s, so that the figures hold no waiting. "
        "The real-time factor is compute time over the duration of the audio." + with_threads,
        f"Growth along an utterance compares the medians of the last and the first quarter of its chunks of the usual "
        f"size, without the very first one; it needs {FEWEST_FOR_GROWTH} of them.",
    ]


def _seams() -> list[str]:
    return [
        "A seam is the sample where two emitted chunks meet or, where a vocoder holds some audio back, where what the "
        "acoustic model made apart meets. Each measure is taken at the seams, at an interior position "
        "of the same file for each, alike in voicing and drawn from the same 6 dB of level, and at the seams' positions "
        "in the reference. For z each seam is ranked among the positions around it and its rank becomes a normal score; z "
        "is the sum of scores over its standard deviation when any of those positions takes the seam's turn, and grows "
        "with the number of seams. Detectability is the area under the ROC of a linear discriminant that tells seams from "
        "interior positions of utterances that it was not fitted to; its interval is a jackknife over speakers. The "
        "reference is the negative control of both. Neither says whether a seam is heard; the players do.",
        " ".join(validated()),
    ]


def _listening() -> list[str]:
    return [
        "Players hold the run's audio as 16-bit FLAC, without loss. All systems of an utterance share one position: "
        "starting another system goes on where the last one was. Ticks on a waveform are seams."
    ]


def checkpoint(comparison: Comparison) -> str:
    """The bundle's name and the beginning of a hash over all its weights; each file's own is in the provenance."""
    noted = comparison.run.provenance.get("checkpoint") or {}
    name = str(noted.get("name") or comparison.run.experiment.get("checkpoint") or "")
    hashes = noted.get("sha256") or {}
    if not hashes:
        return name
    together = hashlib.sha256("".join(f"{file} {digest}\n" for file, digest in sorted(hashes.items())).encode())
    return f"{name}, weights {together.hexdigest()[:8]} ({count(len(hashes), 'file')})"


def date(text: str) -> str:
    """``2026-11-21T02:00:00+00:00`` -> ``21 November 2026, 02:00 UTC``; what is not a date stays as it is."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return text
    return f"{moment.day} {moment:%B %Y, %H:%M} {moment.tzname() or ''}".strip()


def hardware(noted: Mapping) -> str:
    """Processor, cores, memory, accelerator, and the threads that torch ran on."""
    memory, threads = noted.get("memory_gb"), noted.get("torch_threads")
    parts = [
        str(noted.get("cpu") or ""),
        count(int(noted["cores"]), "core") if noted.get("cores") else "",
        f"{memory:.0f} GB" if memory else "",
        str(noted.get("accelerator") or "no accelerator"),
        f"torch on {count(int(threads), 'thread')}" if threads else "",
    ]
    return ", ".join(part for part in parts if part)


def software(provenance: Mapping) -> str:
    """Python and the libraries that make the numbers, and the commit."""
    versions = {"python": provenance.get("python"), **(provenance.get("versions") or {})}
    commit = (provenance.get("git") or {}).get("commit")
    if commit:
        versions["commit"] = commit[:12] + (" with changes" if provenance["git"].get("dirty") else "")
    shown = ("streamflow-harness", "python", "torch", "numpy", "commit")
    return in_words({name: versions.get(name) for name in shown})


def corpus_name(path: object) -> str:
    """``.../shipped/manifest.csv`` -> ``shipped``: the folder says more than the file."""
    if not isinstance(path, str) or not path:
        return ""
    pure = PurePath(path)
    return pure.parent.name if pure.stem == "manifest" and pure.parent.name else pure.stem


def in_words(value: object) -> str:
    """A nested note as ``key value, key value``."""
    if isinstance(value, Mapping):
        return ", ".join(f"{key} {in_words(inner)}" for key, inner in value.items() if inner not in (None, "", [], {}))
    if isinstance(value, list | tuple):
        return ", ".join(in_words(inner) for inner in value)
    return "" if value is None else str(value)
