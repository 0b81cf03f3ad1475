"""Drive one session over one utterance as a stream would, and keep when every chunk came."""

from __future__ import annotations

import contextlib
import gc
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict, dataclass, field
from functools import cached_property
from numbers import Integral
from typing import Any, Protocol

import numpy as np

from streamflow.audio import SAMPLE_RATE
from streamflow.errors import StreamflowError
from streamflow.session import AudioChunk, Session, StreamRequest

from .inputs import TOKENS_PER_SECOND
from .memory import PeakMemory
from .storage import at_16_khz

END = object()  # what no session yields, not even a broken one
WARM_UP = "warm-up"  # the utterance_id of a decode that is not recorded
WARM_UP_S = 2.0  # enough for every strategy's window to fill once
LOWEST_RATE = 8_000  # Hz
LENGTH_TOLERANCE_S = 0.2  # a decoder's framing may cost or add some samples at the end; more is a fault


class RenderError(StreamflowError):
    """A session that broke the protocol."""


@dataclass(frozen=True, slots=True)
class ChunkTrace:
    """One chunk as it came; a row of ``traces.parquet``. Samples are counted at 16 kHz, whatever the system's rate is.

    Attributes:
        index: 0, 1, ...
        start_sample: where it begins.
        seam_sample: where it meets the one before: ``start_sample`` unless the session says otherwise, because a vocoder
            that looks ahead puts the joint of the mel later than the joint of the chunks; 0 for none.
        samples: its length.
        tokens_in: tokens pushed when it came.
        arrived_s: virtual clock, see :class:`VirtualClock`.
        compute_s: wall seconds in the session's calls since the chunk before (opening and pushes that yield nothing
            included), so that the sum over the chunks is the whole work.
        dit_s: of these, in the acoustic model, as the session says.
        vocoder_s: of these, in the vocoder, as the session says.
        other_s: the rest of ``compute_s``.
        tokens_per_second: at which the tokens came.
    """

    index: int
    start_sample: int
    seam_sample: int
    samples: int
    tokens_in: int
    arrived_s: float
    compute_s: float
    dit_s: float
    vocoder_s: float
    other_s: float
    tokens_per_second: float = TOKENS_PER_SECOND


@dataclass
class VirtualClock:
    """When things would have happened had the tokens come at the rate of speech, from measured work alone.

    Token k (from 0) arrives at (k + 1) / rate. The decoder is one worker: it takes up a push when its token is there and
    the work before is done, and a chunk arrives when the work that led to it is done. No time is slept, so decoding a
    corpus takes as long as its computation.

    Attributes:
        tokens_per_second: the rate.
        free_at: seconds since the stream began; when the worker has done all so far.
        worked: seconds of work so far.
    """

    tokens_per_second: float = TOKENS_PER_SECOND
    free_at: float = 0.0
    worked: float = 0.0

    def wait_for(self, tokens: int) -> None:
        """Go on no earlier than when so many tokens have arrived."""
        self.free_at = max(self.free_at, tokens / self.tokens_per_second)

    def work(self, seconds: float) -> None:
        """Count measured work."""
        self.free_at += seconds
        self.worked += seconds


@dataclass(frozen=True)
class Rendering:
    """One utterance by one system.

    Attributes:
        samples: float32 ``[n]`` at ``sample_rate``.
        trace: its chunks.
        tokens: how many tokens went in.
        work_s: wall seconds in the session altogether, work after the last chunk included.
        peak_memory_mb: of the whole process meanwhile.
        tokens_per_second: of speech.
        sample_rate: of what the system makes.
    """

    samples: np.ndarray
    trace: list[ChunkTrace]
    tokens: int
    work_s: float
    peak_memory_mb: float
    tokens_per_second: float = TOKENS_PER_SECOND
    sample_rate: int = SAMPLE_RATE

    @cached_property
    def at_16_khz(self) -> np.ndarray:
        """float32 ``[n]`` at 16 kHz, as it is scored."""
        return at_16_khz(self.samples, self.sample_rate)

    @property
    def duration_s(self) -> float:
        """Seconds of speech that the tokens are."""
        return self.tokens / self.tokens_per_second

    def trace_rows(self) -> list[dict[str, Any]]:
        """The trace as JSON can hold it."""
        return [asdict(chunk) for chunk in self.trace]


@dataclass
class _Recorder:
    """Checks chunks as they come and writes their trace."""

    name: str
    watch: Watch | None = None
    clock: VirtualClock = field(default_factory=VirtualClock)
    trace: list[ChunkTrace] = field(default_factory=list)
    pieces: list[np.ndarray] = field(default_factory=list)
    length: int = 0
    traced_work: float = 0.0
    rate: int = SAMPLE_RATE

    def chunk(self, chunk: AudioChunk, tokens_in: int) -> None:
        samples = self._checked(chunk)
        start, stop = self._at_16_khz(self.length), self._at_16_khz(self.length + len(samples))
        compute_s = self.clock.worked - self.traced_work
        dit_s, vocoder_s = float(chunk.dit_s), float(chunk.vocoder_s)
        self.trace.append(
            ChunkTrace(
                index=len(self.trace),
                start_sample=start,
                seam_sample=self._at_16_khz(self._seam(chunk)),
                samples=stop - start,
                tokens_in=tokens_in,
                arrived_s=self.clock.free_at,
                compute_s=compute_s,
                dit_s=dit_s,
                vocoder_s=vocoder_s,
                other_s=max(0.0, compute_s - dit_s - vocoder_s),
                tokens_per_second=self.clock.tokens_per_second,
            )
        )
        self.traced_work = self.clock.worked
        self.pieces.append(samples)
        self.length += len(samples)
        if self.watch:
            self.watch.came(self.trace[-1], samples, self.rate)

    def _at_16_khz(self, sample: int) -> int:
        return round(sample * SAMPLE_RATE / self.rate)

    def _seam(self, chunk: AudioChunk) -> int:
        given = getattr(chunk, "seam_sample", None)
        return self.length if given is None else int(given)

    def _checked(self, chunk: AudioChunk) -> np.ndarray:
        place = f"{self.name}: chunk {len(self.trace)}"
        if not hasattr(chunk, "samples") or not hasattr(chunk, "start_sample"):
            raise RenderError(f"{place} is a {type(chunk).__name__}; a session must yield AudioChunks")
        samples = np.asarray(chunk.samples)
        if samples.ndim != 1 or not np.issubdtype(samples.dtype, np.floating):
            raise RenderError(f"{place} holds {samples.dtype} {list(samples.shape)}; samples must be float32 [n]")
        if not len(samples):
            raise RenderError(f"{place} is empty; yield nothing where there is no audio yet")
        if not np.isfinite(samples).all():
            bad = int(np.flatnonzero(~np.isfinite(samples))[0])
            raise RenderError(f"{place} holds {samples[bad]} at sample {self.length + bad}; all must be finite")
        rate = getattr(chunk, "sample_rate", SAMPLE_RATE)
        if not self.trace and isinstance(rate, Integral) and rate >= LOWEST_RATE:  # NumPy's integers too
            self.rate = int(rate)
        if rate != self.rate:
            raise RenderError(
                f"{place} is of {rate} Hz{f', the first one of {self.rate}' if self.trace else ''}; "
                f"every chunk of a session must be of one rate, {LOWEST_RATE} Hz or more"
            )
        if chunk.start_sample != self.length:
            kind = "gap" if chunk.start_sample > self.length else "overlap"
            raise RenderError(
                f"{place} starts at {chunk.start_sample}, not at sample {self.length} where the last one ended ({kind})"
            )
        return samples.astype(np.float32)  # a copy: a decoder may go on using its buffer


class Watch(Protocol):
    """Somebody who looks on while an utterance is decoded; none of their time counts as the session's."""

    def opened(self, session: Session) -> None:
        """The session, for cancelling it from another thread."""

    def before_push(self, count: int) -> None:
        """Token ``count`` (from 1) is next; may wait until it would have come, or raise to end it all."""

    def came(self, chunk: ChunkTrace, samples: np.ndarray, sample_rate: int) -> None:
        """A chunk, checked, with its float32 ``[n]`` samples at their own rate."""


def start_of(request: StreamRequest) -> StreamRequest:
    """The first 2 s of a request, to be decoded unrecorded: lazy initialisation is no latency."""
    tokens = request.tokens[: round(WARM_UP_S * request.tokens_per_second)].copy()
    return StreamRequest(
        utterance_id=WARM_UP,
        speaker=request.speaker.copy(),
        seed=request.seed,
        prompt=request.prompt.copy(),
        reference=request.reference[: round(len(tokens) / request.tokens_per_second * request.sample_rate)].copy(),
        tokens=tokens,
        tokens_per_second=request.tokens_per_second,
    )


def render(
    name: str,
    open_session: Callable[[StreamRequest], Session],
    request: StreamRequest,
    watch: Watch | None = None,
) -> Rendering:
    """Decode an utterance, one token a push, as fast as it goes or as ``watch`` lets it.

    Args:
        name: of the system, for errors.
        open_session: the system.
        request: the utterance; ``request.tokens`` is what gets pushed.
        watch: told of everything as it happens.

    Raises:
        RenderError: the session yielded something that is not finite contiguous audio of the tokens' length.
        Exception: whatever the session raises.
    """
    clock = VirtualClock(request.tokens_per_second)
    recorder = _Recorder(f"{name}, {request.utterance_id}", watch, clock)
    tokens, memory = request.tokens.copy(), PeakMemory()
    gc.collect()  # the garbage of the system before is not this one's time
    memory.reset()
    session: Session | None = None
    try:
        with _timed(recorder.clock):
            session = open_session(request)
        if watch:
            watch.opened(session)
        for count in range(1, len(tokens) + 1):
            if watch:
                watch.before_push(count)
            recorder.clock.wait_for(count)
            _take(recorder, memory, lambda token=tokens[count - 1 : count]: session.push(token), count)
        _take(recorder, memory, session.finish, len(tokens))
    except BaseException:
        with contextlib.suppress(Exception):  # the first error is the one to tell of
            session.cancel()
        raise
    _check_length(recorder, len(tokens), len(tokens) / request.tokens_per_second)
    return Rendering(
        samples=np.concatenate(recorder.pieces),
        trace=recorder.trace,
        tokens=len(tokens),
        work_s=recorder.clock.worked,
        peak_memory_mb=memory.megabytes(),
        tokens_per_second=request.tokens_per_second,
        sample_rate=recorder.rate,
    )


def _take(recorder: _Recorder, memory: PeakMemory, call: Callable[[], Iterable[AudioChunk]], tokens_in: int) -> None:
    """Make one call of the session and take its chunks; only the session's own time counts as work."""
    with _timed(recorder.clock):
        chunks = call()
        chunks = iter(() if chunks is None else chunks)
    while True:
        with _timed(recorder.clock):
            chunk = next(chunks, END)
        if chunk is END:
            return
        recorder.chunk(chunk, tokens_in)
        memory.sample()


@contextlib.contextmanager
def _timed(clock: VirtualClock) -> Iterator[None]:
    began = time.perf_counter()
    try:
        yield
    finally:
        clock.work(time.perf_counter() - began)


def _check_length(recorder: _Recorder, tokens: int, expected_s: float) -> None:
    if not recorder.pieces:
        raise RenderError(f"{recorder.name}: yielded no audio for {tokens} tokens; finish() must yield the rest")
    length_s = recorder.length / recorder.rate
    if abs(length_s - expected_s) > LENGTH_TOLERANCE_S:
        raise RenderError(
            f"{recorder.name}: yielded {length_s:.2f} s for {tokens} tokens, which are {expected_s:.2f} s; every token "
            f"is {recorder.rate * expected_s / tokens:g} samples at {recorder.rate} Hz, the chunks' sample_rate"
        )
