"""Drive one session over one utterance as a stream would, and keep when every chunk came."""

from __future__ import annotations

import contextlib
import gc
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict, dataclass, field
from typing import Any, Protocol

import numpy as np

from streamflow.audio import SAMPLE_RATE
from streamflow.errors import StreamflowError
from streamflow.session import AudioChunk, Session, StreamRequest

from .inputs import SAMPLES_PER_TOKEN, TOKENS_PER_SECOND
from .memory import PeakMemory

END = object()  # what no session yields, not even a broken one
WARM_UP = "warm-up"  # the utterance_id of a decode that is not recorded
WARM_UP_TOKENS = 50  # 2 s: enough for every strategy's window to fill once
LENGTH_TOLERANCE_S = 0.2  # a decoder's framing may cost or add some samples at the end; more is a fault


class RenderError(StreamflowError):
    """A session that broke the protocol."""


@dataclass(frozen=True, slots=True)
class ChunkTrace:
    """One chunk as it came; a row of ``traces.parquet``.

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


@dataclass
class VirtualClock:
    """When things would have happened had the tokens come at 25 a second, from measured work alone.

    Token k (from 0) arrives at (k + 1) / 25 s. The decoder is one worker: it takes up a push when its token is there
    and the work before is done, and a chunk arrives when the work that led to it is done. No time is slept, so decoding
    a corpus takes as long as its computation.

    Attributes:
        free_at: seconds since the stream began; when the worker has done all so far.
        worked: seconds of work so far.
    """

    free_at: float = 0.0
    worked: float = 0.0

    def wait_for(self, tokens: int) -> None:
        """Go on no earlier than when so many tokens have arrived."""
        self.free_at = max(self.free_at, tokens / TOKENS_PER_SECOND)

    def work(self, seconds: float) -> None:
        """Count measured work."""
        self.free_at += seconds
        self.worked += seconds


@dataclass(frozen=True)
class Rendering:
    """One utterance by one system.

    Attributes:
        samples: float32 ``[n]`` at 16 kHz.
        trace: its chunks.
        tokens: how many tokens went in.
        work_s: wall seconds in the session altogether, work after the last chunk included.
        peak_memory_mb: of the whole process meanwhile.
    """

    samples: np.ndarray
    trace: list[ChunkTrace]
    tokens: int
    work_s: float
    peak_memory_mb: float

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

    def chunk(self, chunk: AudioChunk, tokens_in: int) -> None:
        samples = self._checked(chunk)
        compute_s = self.clock.worked - self.traced_work
        dit_s, vocoder_s = float(chunk.dit_s), float(chunk.vocoder_s)
        self.trace.append(
            ChunkTrace(
                index=len(self.trace),
                start_sample=self.length,
                seam_sample=self._seam(chunk),
                samples=len(samples),
                tokens_in=tokens_in,
                arrived_s=self.clock.free_at,
                compute_s=compute_s,
                dit_s=dit_s,
                vocoder_s=vocoder_s,
                other_s=max(0.0, compute_s - dit_s - vocoder_s),
            )
        )
        self.traced_work = self.clock.worked
        self.pieces.append(samples)
        self.length += len(samples)
        if self.watch:
            self.watch.came(self.trace[-1], samples)

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

    def came(self, chunk: ChunkTrace, samples: np.ndarray) -> None:
        """A chunk, checked, with its float32 ``[n]`` samples."""


def start_of(request: StreamRequest) -> StreamRequest:
    """The first 2 s of a request, to be decoded unrecorded: lazy initialisation is no latency."""
    tokens = request.tokens[:WARM_UP_TOKENS].copy()
    return StreamRequest(
        utterance_id=WARM_UP,
        speaker=request.speaker.copy(),
        seed=request.seed,
        prompt=request.prompt.copy(),
        reference=request.reference[: len(tokens) * SAMPLES_PER_TOKEN].copy(),
        tokens=tokens,
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
    recorder = _Recorder(f"{name}, {request.utterance_id}", watch)
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
    _check_length(recorder, len(tokens))
    return Rendering(
        samples=np.concatenate(recorder.pieces),
        trace=recorder.trace,
        tokens=len(tokens),
        work_s=recorder.clock.worked,
        peak_memory_mb=memory.megabytes(),
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


def _check_length(recorder: _Recorder, tokens: int) -> None:
    if not recorder.pieces:
        raise RenderError(f"{recorder.name}: yielded no audio for {tokens} tokens; finish() must yield the rest")
    expected = tokens * SAMPLES_PER_TOKEN
    if abs(recorder.length - expected) > LENGTH_TOLERANCE_S * SAMPLE_RATE:
        raise RenderError(
            f"{recorder.name}: yielded {recorder.length / SAMPLE_RATE:.2f} s for {tokens} tokens, which are "
            f"{expected / SAMPLE_RATE:.2f} s; every token is {SAMPLES_PER_TOKEN} samples"
        )
