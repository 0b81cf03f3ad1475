"""Make the stimuli of a study: all of them, or none."""

from __future__ import annotations

import secrets
import shutil
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from harness.run import Run
from harness.storage import locked, sha256_of, write_bytes, write_json
from streamflow.errors import StreamflowError

from ..errors import StudyError
from ..model import REFERENCE, Stimulus
from ..protocols import get_protocol
from ..randomness import random_for
from ..study import Study
from .levels import ClippingError
from .materials import FolderSource, Range, RunSource, Source
from .prepare import Draft, Prepared, prepare
from .stimulus_set import INDEX, SOUNDS, StimulusSet
from .training import spanning, training_sentences
from .traps import Recording, fits, load_recordings, most_beeps, with_beeps, with_recording
from .wav import decode_wav, encode_wav

OFFLINE = "full"  # the system of a run that decodes the whole utterance at once
TRAP_CHOICE = 3  # traps made for each that a listener meets, so that sessions differ and sentences can be avoided

Progress = Callable[[int, int], None]


def build_from_run(
    run: Run,
    folder: str | Path,
    study: Study,
    *,
    sentences: Sequence[str] | None = None,
    traps: str | Path | None = None,
    progress: Progress | None = None,
) -> StimulusSet:
    """Make ``FOLDER/stimuli.json`` and ``FOLDER/stimuli/`` from a run.

    A sentence that cannot be used (a system failed on it, it is too long and has no pause, ...) is left out, and
    ``facts["left_out"]`` says why. Killed or failing at any moment, it leaves no ``stimuli.json`` and is begun again.

    Args:
        study: its systems, protocol, levels, longest duration, training and traps.
        sentences: utterance ids to rate, None for all.
        traps: folder of the user's own trap recordings, see :func:`listening_tests.stimuli.traps.load_recordings`.
        progress: called with (sentences done, sentences).

    Raises:
        StudyError: the study is open already, a system is not in the run, a level would clip (says which would not), or
            no sentence can be used.
    """
    return _build(RunSource(run), Path(folder), study, sentences, traps, progress)


def build_from_folders(
    systems: Mapping[str, Path],
    folder: str | Path,
    study: Study,
    *,
    reference: Path | None = None,
    texts: Mapping[str, str] | None = None,
    sentences: Sequence[str] | None = None,
    traps: str | Path | None = None,
    progress: Progress | None = None,
) -> StimulusSet:
    """The same from folders of recordings, one a system, a file a sentence, named alike.

    Args:
        systems: name -> folder.
        reference: folder of the recordings that the systems imitate.
        texts: sentence (the file's name without its ending) -> what is spoken.

    Raises:
        StudyError: as for a run; also folders without a name in common, or a protocol that needs traces.
    """
    return _build(FolderSource(systems, reference, texts), Path(folder), study, sentences, traps, progress)


@dataclass
class _Builder:
    """Writes stimuli into a folder that nobody reads yet, and keeps their rows."""

    sounds: Path
    study: Study
    rate: int
    rows: list[Stimulus] = field(default_factory=list)
    cuts: dict[str, float] = field(default_factory=dict)
    left_out: dict[str, str] = field(default_factory=dict)
    clipping: ClippingError | None = None

    def sentence(self, source: Source, sentence: str, names: Sequence[str], needs: frozenset[str]) -> Prepared | None:
        """The sounds of a sentence, made ready; None where it has to be left out, with the reason kept."""
        try:
            prepared = prepare(source.load(sentence, names, needs), self.study, needs)
        except ClippingError as error:  # all are looked at before it is raised, so that one new target fits all
            if self.clipping is None or error.excess_db > self.clipping.excess_db:
                self.clipping = error
            return None
        except StreamflowError as error:
            self.left_out[sentence] = str(error)
            return None
        if prepared.cut_s is not None:
            self.cuts[sentence] = prepared.cut_s
        return prepared

    def write(self, sentence: str, draft: Draft, role: str, text: str) -> None:
        """Write a sound under a name that says nothing."""
        stimulus_id, content = secrets.token_hex(12), encode_wav(draft.samples, self.rate)
        write_bytes(self.sounds / f"{stimulus_id}.wav", content)
        self.rows.append(
            Stimulus(
                stimulus_id=stimulus_id, sentence=sentence, system=draft.system, role=role, samples=len(draft.samples),
                rate=self.rate, sha256=sha256_of(content), gain_db=draft.gain_db, level_db=draft.level_db,
                seams=draft.seams, key=draft.key, text=text,
            )
        )  # fmt: skip


def _build(
    source: Source,
    folder: Path,
    study: Study,
    sentences: Sequence[str] | None,
    traps: str | Path | None,
    progress: Progress | None,
) -> StimulusSet:
    needs = get_protocol(study.protocol).needs
    names = _names(study, needs)
    source.check(names, needs)
    main = list(dict.fromkeys(source.sentences if sentences is None else sentences))
    own_traps = [] if traps is None else load_recordings(Path(traps), source.rate)
    order = source.range_of(study.systems)
    with _replacing(folder) as sounds:
        builder = _Builder(sounds, study, source.rate)
        kept = _write_training(builder, source, main, names, needs, order)
        rated = [sentence for sentence in main if sentence not in kept]
        for done, sentence in enumerate(rated):
            prepared = builder.sentence(source, sentence, names, needs)
            for draft in prepared.drafts if prepared else ():
                builder.write(sentence, draft, draft.role, prepared.text)
            if progress is not None:
                progress(done + 1, len(rated))
        if builder.clipping is not None:
            raise builder.clipping
        if not any(row.role == "test" for row in builder.rows):
            reasons = "; ".join(f"{sentence} {reason}" for sentence, reason in list(builder.left_out.items())[:3])
            raise StudyError(f"no sentence can be used: {reasons or 'none was named'}")
        _write_traps(builder, own_traps)
        _commit(folder, sounds, builder, order, kept)
    return StimulusSet(folder)


def _names(study: Study, needs: frozenset[str]) -> list[str]:
    """What must be loaded for a sentence: the systems, and what the protocol plays beside them."""
    beside = [REFERENCE] if needs & {"reference", "anchors"} else []
    beside += [OFFLINE] if "offline" in needs else []
    return list(dict.fromkeys([*beside, *study.systems]))


def _write_training(
    builder: _Builder, source: Source, main: Sequence[str], names: Sequence[str], needs: frozenset[str], order: Range
) -> list[str]:
    """Write the sounds kept for training, in an order that spans the range; returns their sentences."""
    wanted, kept = builder.study.screening.training, []
    for sentence in training_sentences(main, source.sentences, wanted, builder.study.seed) if wanted else ():
        if len(kept) == wanted:
            break
        prepared = builder.sentence(source, sentence, names, needs)
        if sentence not in main:
            builder.left_out.pop(sentence, None)  # nobody asked for it
        if prepared is None:
            continue
        by_system = {draft.system: draft for draft in prepared.drafts}
        first = [name for name in spanning(order, len(kept)) if name in by_system]
        for name in [*first, *(name for name in by_system if name not in first)]:
            role = "training" if by_system[name].role == "test" else by_system[name].role
            builder.write(sentence, by_system[name], role, prepared.text)
        kept.append(sentence)
    return kept


def _write_traps(builder: _Builder, own: Sequence[Recording]) -> None:
    """Splice traps into test clips, of as many sentences as there are, by systems in turn."""
    traps = builder.study.screening.traps
    rng = random_for("traps", builder.study.seed)
    clips = [row for row in builder.rows if row.role == "test" and row.system in builder.study.systems]
    clips = [clips[index] for index in rng.permutation(len(clips))]
    used: Counter[str] = Counter()
    for made in range(max(TRAP_CHOICE * traps, len(own)) if traps else 0):
        message = own[made % len(own)] if own else None
        fit = [clip for clip in clips if _fits(clip, message)]
        if not fit:
            raise StudyError(
                "no sentence is long enough for a trap; use longer ones or shorter traps, or set screening.traps = 0"
            )
        clip = min(fit, key=lambda clip: (used[f"sentence {clip.sentence}"], used[f"system {clip.system}"]))
        used.update([f"sentence {clip.sentence}", f"system {clip.system}"])
        samples, beeps = _spliced(builder.sounds / f"{clip.stimulus_id}.wav", message, rng)
        draft = Draft(clip.system, "trap", samples, clip.gain_db, clip.level_db, clip.seams, {"beeps": beeps})
        builder.write(clip.sentence, draft, "trap", clip.text)


def _spliced(path: Path, message: Recording | None, rng: np.random.Generator) -> tuple[np.ndarray, int]:
    """The clip with the message, or with beeps, in it; and the right answer."""
    samples, rate = decode_wav(path.read_bytes())
    if message is not None:
        return with_recording(samples, rate, message.samples, rng), message.beeps
    beeps = int(rng.integers(1, most_beeps(len(samples), rate) + 1))
    return with_beeps(samples, rate, beeps, rng), beeps


def _fits(clip: Stimulus, own: Recording | None) -> bool:
    if own is None:
        return most_beeps(clip.samples, clip.rate) > 0
    return fits(len(own.samples), clip.samples)


@contextmanager
def _replacing(folder: Path) -> Iterator[Path]:
    """A folder to write sounds into that vanishes unless they are committed; one builder at a time."""
    if (folder / "frozen.json").exists():
        raise StudyError(f"{folder}: the study is open, so its stimuli stay as they are; make a new study")
    with locked(folder):
        for leftover in folder.glob(".sounds-*.partial"):
            shutil.rmtree(leftover, ignore_errors=True)
        sounds = folder / f".sounds-{secrets.token_hex(4)}.partial"
        sounds.mkdir()
        try:
            yield sounds
        finally:
            shutil.rmtree(sounds, ignore_errors=True)


def _commit(folder: Path, sounds: Path, builder: _Builder, order: Range, kept: Sequence[str]) -> None:
    """Put the sounds in their place, then the list that vouches for them."""
    table: dict[str, Any] = {
        "stimuli": [row.table() for row in builder.rows],
        "level": asdict(builder.study.level),
        "rate": builder.rate,
        "cuts": builder.cuts,
        "left_out": builder.left_out,
        "range": order.table(),
        "training_sentences": list(kept),
    }
    (folder / INDEX).unlink(missing_ok=True)
    if (folder / SOUNDS).exists():
        shutil.rmtree(folder / SOUNDS)
    sounds.rename(folder / SOUNDS)
    write_json(folder / INDEX, table)
