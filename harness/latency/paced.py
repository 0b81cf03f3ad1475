"""Several sessions beside each other in one process, each fed by tokens that come at their rate."""

from __future__ import annotations

import contextlib
import gc
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

import numpy as np

from streamflow.audio import SAMPLE_RATE
from streamflow.session import AudioChunk, Session, StreamRequest

from ..memory import PeakMemory
from ..render import END, ChunkTrace

PATIENCE_S = 0.05  # how often the thread that waits for the streams looks for Ctrl-C


@dataclass
class PacedStream:
    """One stream: pushes token k when it comes, (k + 1) / rate after the start, or as soon after as it gets to it.

    Attributes:
        open_session: the system.
        request: the utterance.
        tokens_per_second: the rate; None for that of speech.
        trace: its chunks; ``arrived_s`` is wall time since the start, ``compute_s`` wall time in the session's calls,
            the time that other streams took the processor away included.
        work_s: in the session altogether.
        error: what ended it, if it did not end by itself.
        ended: set when it has, however it did.
    """

    open_session: Callable[[StreamRequest], Session]
    request: StreamRequest
    tokens_per_second: float | None = None
    trace: list[ChunkTrace] = field(default_factory=list)
    work_s: float = 0.0
    error: BaseException | None = None
    ended: threading.Event = field(default_factory=threading.Event)
    _began: float = 0.0
    _samples: int = 0
    _traced: float = 0.0  # work that belongs to chunks so far

    @property
    def duration_s(self) -> float:
        """Seconds of speech that the tokens are."""
        return len(self.request.tokens) / self.request.tokens_per_second

    @property
    def rate(self) -> float:
        """Tokens a second, as they come."""
        return self.tokens_per_second or self.request.tokens_per_second

    def run(self, start: threading.Barrier, stop: threading.Event) -> None:
        """Decode the utterance; meant for a thread."""
        session = None
        try:
            start.wait()
            self._began = time.perf_counter()
            session = self._timed(lambda: self.open_session(self.request))
            tokens = self.request.tokens
            for count in range(1, len(tokens) + 1):
                due = self._began + count / self.rate - time.perf_counter()
                if stop.wait(max(0.0, due)):
                    session.cancel()
                    return
                self._take(lambda token=tokens[count - 1 : count]: session.push(token), count)
            self._take(session.finish, len(tokens))
        except BaseException as error:
            self.error = error
            with contextlib.suppress(Exception):
                session.cancel()
        finally:
            self.ended.set()

    def _take(self, call: Callable[[], Iterable[AudioChunk] | None], tokens_in: int) -> None:
        chunks = self._timed(lambda: iter(call() or ()))
        while (chunk := self._timed(lambda: next(chunks, END))) is not END:
            now = time.perf_counter() - self._began
            compute_s, self._traced = self.work_s - self._traced, self.work_s
            scale = SAMPLE_RATE / getattr(chunk, "sample_rate", SAMPLE_RATE)
            start, self._samples = round(self._samples * scale), self._samples + len(np.asarray(chunk.samples))
            dit_s, vocoder_s = float(chunk.dit_s), float(chunk.vocoder_s)
            self.trace.append(
                ChunkTrace(
                    index=len(self.trace),
                    start_sample=start,
                    seam_sample=start,
                    samples=round(self._samples * scale) - start,
                    tokens_in=tokens_in,
                    arrived_s=now,
                    compute_s=compute_s,
                    dit_s=dit_s,
                    vocoder_s=vocoder_s,
                    other_s=max(0.0, compute_s - dit_s - vocoder_s),
                    tokens_per_second=self.rate,
                )
            )

    def _timed(self, work: Callable):
        began = time.perf_counter()
        try:
            return work()
        finally:
            self.work_s += time.perf_counter() - began


@dataclass(frozen=True)
class PacedStreams:
    """Streams that ran together, and the peak of the process's memory in MB meanwhile."""

    streams: list[PacedStream]
    peak_memory_mb: float


def run_together(
    open_session: Callable[[StreamRequest], Session],
    requests: Sequence[StreamRequest],
    *,
    tokens_per_second: float | None = None,
) -> PacedStreams:
    """Decode all requests at once, a thread and a session each.

    They start at the same moment, so that their chunks fall due together: the hardest case for the machine, and one
    that can be repeated.

    Args:
        open_session: the system.
        requests: one a stream.
        tokens_per_second: at which tokens come to each of them; None for the rate of speech.

    Raises:
        Exception: whatever the first stream that failed raised.
        KeyboardInterrupt: after the streams have been stopped.
    """
    gc.collect()
    memory = PeakMemory()
    memory.reset()
    start, stop = threading.Barrier(len(requests)), threading.Event()
    streams = [PacedStream(open_session, request, tokens_per_second) for request in requests]
    threads = [threading.Thread(target=stream.run, args=(start, stop), daemon=True) for stream in streams]
    try:
        for thread in threads:
            thread.start()
        for stream in streams:
            while not stream.ended.wait(
                PATIENCE_S
            ):  # not Thread.join: Ctrl-C in it makes Python 3.11 forget the thread
                memory.sample()
    except BaseException:
        stop.set()
        start.abort()  # for those that wait for one that was never started
        for thread in threads:
            if thread.ident is not None:
                thread.join()
        raise
    for stream in streams:
        if stream.error is not None:
            raise stream.error
    return PacedStreams(streams, memory.megabytes())
