"""Sessions brought to a point in their stream, where the cost of the next chunk is measured again and again."""

from __future__ import annotations

from collections.abc import Callable

from streamflow.decoder_session import DecoderSession
from streamflow.errors import StrategyError
from streamflow.mel import FRAME_RATE
from streamflow.session import Session, StreamRequest

from .workload import Workload


class Parked:
    """A session with a history, and the tokens of its next chunks.

    Args:
        session: has decoded ``history`` tokens.
        workload: where the tokens of its hops come from.
        history: tokens pushed so far.
        hop: tokens that complete a chunk.
    """

    def __init__(self, session: Session, workload: Workload, history: int, hop: int):
        self.session, self._at, self._hop = session, history, hop
        self._rate = workload.tokens_per_second
        self._tokens = workload.tokens(hop)  # the same for every hop: made here, so that making them is not timed

    @property
    def history_s(self) -> float:
        """Seconds of tokens pushed."""
        return self._at / self._rate

    def advance(self) -> int:
        """Push the tokens of one hop and take what comes; samples."""
        self._at += self._hop
        return sum(len(chunk.samples) for chunk in self.session.push(self._tokens))


def park(
    open_session: Callable[[StreamRequest], Session],
    workload: Workload,
    history_s: float,
    hop_frames: int,
    lookahead_frames: int = 0,
) -> Parked:
    """Open a session and bring it to ``history_s`` of emitted frames.

    A decoder that recomputes what it needs is told to go on there (see ``MelStream.skip_to``); others decode their way.

    Args:
        open_session: the system.
        workload: tokens.
        history_s: rounded to whole hops, one at least.
        hop_frames: frames emitted at once.
        lookahead_frames: that must be there beyond them.
    """
    hops = max(1, round(history_s / (hop_frames / FRAME_RATE)))
    session, frames = open_session(workload.request(1 / workload.tokens_per_second)), hops * hop_frames
    skipped = False
    if isinstance(session, DecoderSession):
        try:
            session._mel.skip_to(frames)
            skipped = True
        except StrategyError:
            pass
    # after a skip, the look-ahead is all that is missing before the next hop; so it is after decoding
    have = -(-(frames + lookahead_frames) // workload.frames_per_token)
    for _ in session.push(workload.tokens(have)):
        pass
    hop = max(1, hop_frames // workload.frames_per_token)
    parked = Parked(session, workload, have, hop)
    if skipped:
        parked.advance()  # it embeds the whole history's tokens, which a stream does as they come
    return parked
