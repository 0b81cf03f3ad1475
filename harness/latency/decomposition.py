"""Where the time until the first sound goes: tokens waited for, acoustic model, vocoder, rest."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import pandas

from ..inputs import TOKENS_PER_SECOND

NAMES = ["system", "utterance", "seed"]


class FirstPacket(NamedTuple):
    """The way to the first sound, in seconds; the four parts add up to the time from the start of the stream to it.

    Attributes:
        waited_s: until the last token that the first packet needs was there.
        dit_s, vocoder_s, other_s: from there on; work done while tokens were still coming costs nobody a wait and is
            not counted.
    """

    waited_s: float
    dit_s: float
    vocoder_s: float
    other_s: float

    @property
    def first_packet_s(self) -> float:
        """From the last token that the first packet needs to its audio."""
        return self.dit_s + self.vocoder_s + self.other_s

    @property
    def first_sound_s(self) -> float:
        """From the start of the stream to the first sound."""
        return self.waited_s + self.first_packet_s


def first_packet(chunk: Mapping[str, Any], tokens_per_second: float = TOKENS_PER_SECOND) -> FirstPacket:
    """Decompose the arrival of the first chunk of a session.

    The session says how long its acoustic model and its vocoder took, not when. Where it did part of its work before
    the last token came, the rest (opening the session, earlier pushes) is taken to have been done first, and what the
    two networks took beyond the wait is shortened in proportion.

    Args:
        chunk: ``tokens_in``, ``arrived_s``, ``dit_s``, ``vocoder_s`` of the chunk with index 0.
        tokens_per_second: at which the tokens came.
    """
    waited_s = chunk["tokens_in"] / tokens_per_second
    after_s = max(0.0, chunk["arrived_s"] - waited_s)
    networks_s = chunk["dit_s"] + chunk["vocoder_s"]
    share = min(1.0, after_s / networks_s) if networks_s > 0 else 0.0
    dit_s, vocoder_s = chunk["dit_s"] * share, chunk["vocoder_s"] * share
    return FirstPacket(waited_s, dit_s, vocoder_s, max(0.0, after_s - dit_s - vocoder_s))


def first_packets(traces: pandas.DataFrame) -> pandas.DataFrame:
    """The first packet of every rendering of a run.

    Args:
        traces: ``traces.parquet``.

    Returns:
        Columns ``system``, ``utterance``, ``seed``, ``waited_s``, ``dit_s``, ``vocoder_s``, ``other_s``,
        ``first_packet_s``, ``first_sound_s``.
    """
    rows = []
    for chunk in traces[traces["index"] == 0].to_dict("records"):
        parts = first_packet(chunk, chunk.get("tokens_per_second", TOKENS_PER_SECOND))
        totals = {"first_packet_s": parts.first_packet_s, "first_sound_s": parts.first_sound_s}
        rows.append({name: chunk[name] for name in NAMES} | parts._asdict() | totals)
    return pandas.DataFrame(rows, columns=[*NAMES, *FirstPacket._fields, "first_packet_s", "first_sound_s"])
