"""The sounds of one sentence, made ready: cut at one sample, levelled, anchored, replayed, of one length, in 16 bits."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from ..errors import StudyError
from ..model import REFERENCE
from ..study import Levels, Study
from .anchors import EDGES, anchor
from .arrival import moved, replay
from .cutting import cut, cut_point, pad
from .levels import ClippingError, apply_level, refuse_clipping
from .materials import Clip, Material
from .wav import to_int16


@dataclass(frozen=True)
class Draft:
    """A stimulus before it has a name; ``samples`` int16 ``[n]``."""

    system: str
    role: str
    samples: np.ndarray
    gain_db: float
    level_db: float | None
    seams: tuple[int, ...] = ()
    key: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class _Levelled:
    system: str
    role: str
    clip: Clip
    gain_db: float
    level_db: float | None


@dataclass(frozen=True)
class Prepared:
    """All stimuli of a sentence, equally long unless they are replays.

    ``cut_s`` is the second at which it was cut, None where it was not.
    """

    drafts: list[Draft]
    cut_s: float | None
    text: str


def prepare(material: Material, study: Study, needs: frozenset[str]) -> Prepared:
    """Make the stimuli of one sentence.

    One gain a sound, found on the sound as it was cut and before waiting is rendered into it. Anchors are made of the
    levelled reference, so that they differ from it by their band alone. All are then padded with silence to the longest,
    but for replays: there the time that passes is what is rated, and silence at the end would be one more stall.

    Args:
        needs: of the protocol; ``arrival`` renders the trace, ``anchors`` makes anchors.

    Raises:
        ClippingError: names the sound, and the target that would fit.
        StudyError: silent, without a pause to be cut at, or too long for a replay.
    """
    sounds = [clip.samples for clip in material.clips.values()]
    point = cut_point(sounds, material.rate, study.listening.max_s) if "arrival" not in needs else None
    if "arrival" in needs:
        _refuse_long(sounds, material.rate, study.listening.max_s)
    levelled = [_level(material, name, point, study.level, needs) for name in material.clips]
    if "anchors" in needs:
        reference = next(one for one in levelled if one.system == REFERENCE)
        levelled += [_anchor(reference, name, material.rate, study.level) for name in EDGES]
    drafts = [_draft(one, material.rate, needs) for one in levelled]
    if "arrival" in needs:
        return Prepared(drafts, None, material.text)
    longest = max(len(draft.samples) for draft in drafts)
    same = [replace(draft, samples=pad(draft.samples, longest)) for draft in drafts]
    return Prepared(same, None if point is None else point / material.rate, material.text)


def _level(material: Material, name: str, point: int | None, levels: Levels, needs: frozenset[str]) -> _Levelled:
    clip = material.clips[name]
    shorter = cut(clip.samples, material.rate, point)
    try:
        samples, gain_db, level_db = apply_level(shorter, material.rate, levels)
    except ClippingError as error:
        raise ClippingError(f"{name}, {material.sentence}: {error}", error.excess_db) from None
    except StudyError as error:
        raise StudyError(f"{name}: {error}") from None
    seams = tuple(seam for seam in clip.seams if seam < len(shorter))
    # where the study rates the recording and no protocol asks for it as such, it is a system like any other
    role = "reference" if name == REFERENCE and needs & {"reference", "anchors"} else "test"
    return _Levelled(name, role, Clip(samples, seams, clip.trace), gain_db, level_db)


def _anchor(reference: _Levelled, name: str, rate: int, levels: Levels) -> _Levelled:
    samples = anchor(reference.clip.samples, rate, name)
    refuse_clipping(samples, levels)  # the filter may raise a peak
    return _Levelled(name, "anchor", Clip(samples), reference.gain_db, reference.level_db)


def _draft(one: _Levelled, rate: int, needs: frozenset[str]) -> Draft:
    samples, seams, key = one.clip.samples, one.clip.seams, {}
    if "arrival" in needs and one.clip.trace:
        heard = replay(samples, rate, one.clip.trace)
        samples, seams, key = heard.samples, moved(seams, one.clip.trace, heard.starts), heard.facts()
    return Draft(one.system, one.role, to_int16(samples), one.gain_db, one.level_db, seams, key)


def _refuse_long(sounds: list[np.ndarray], rate: int, max_s: float) -> None:
    longest = max(map(len, sounds)) / rate
    if longest > max_s:
        raise StudyError(
            f"lasts {longest:.1f} s, and a replay of part of it would tell a wait for sound that is not heard; "
            "raise listening.max_s or leave it out"
        )
