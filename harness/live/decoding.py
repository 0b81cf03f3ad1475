"""One job carried out, in a process of its own: recording to tokens, every system as a stream, then its scores."""

from __future__ import annotations

import contextlib
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import soxr

from streamflow.audio import SAMPLE_RATE, load_audio
from streamflow.session import Session, StreamRequest

from ..corpus import Utterance
from ..failures import one_line
from ..inputs import given_identity, rate_of, speaker_of, tokens_of
from ..latency import first_packet, latency_row
from ..render import ChunkTrace, Rendering, render, start_of
from ..storage import sha256_of, stamp
from ..systems import LoadedSystem, SystemSpec, load_system
from . import events
from .describe import describe_system
from .levels import gain_between, loudness_of
from .tasks import Task
from .wire import KEEP, packed, pcm_of, unpacked

Tell = Callable[[dict[str, Any]], None]
KEPT_INPUTS = 32
KEPT_BUNDLES = 2
KEPT_SYSTEMS = 32
LATENCY = ("first_packet_s", "algorithmic_latency_s", "pauseless_latency_s", "rtf", "chunk_p50_s", "peak_memory_mb")


class CancelledError(Exception):
    """The job is not wanted any more."""


class Decoder:
    """What one process keeps between jobs: bundles, tokens by content, systems that are warm.

    Args:
        tell: where events go.

    Attributes:
        cancelled: set by :meth:`cancel`.
    """

    def __init__(self, tell: Tell) -> None:
        self.tell = tell
        self.cancelled = threading.Event()
        self._session: Session | None = None
        self._bundles: OrderedDict[tuple, Any] = OrderedDict()
        self._inputs: OrderedDict[tuple, tuple[np.ndarray, np.ndarray]] = OrderedDict()
        self._warm: OrderedDict[tuple, LoadedSystem] = OrderedDict()

    def cancel(self) -> None:
        """End the present job, within one network evaluation or one metric; from any thread."""
        self.cancelled.set()
        if (session := self._session) is not None:
            with contextlib.suppress(Exception):
                session.cancel()

    def carry_out(self, task: Task) -> None:
        """Do a job; the last thing told is how it ended."""
        try:
            self._carry_out(task)
            self.tell(events.event(events.FINISHED))
        except CancelledError:
            self.tell(events.event(events.CANCELLED))
        except Exception as error:
            kind = events.CANCELLED if self.cancelled.is_set() else events.BROKEN
            fields = {} if kind == events.CANCELLED else {"error": one_line(error)}
            self.tell(events.event(kind, **fields))

    def _carry_out(self, task: Task) -> None:
        self._progress("prepare", 0, 1)
        bundle = self._bundle(Path(task.bundle))
        request = self._request(task, bundle)
        self._say_prepared(request)
        done: dict[str, np.ndarray] = {}
        for count, system in enumerate(task.systems):
            self._progress("decode", count, len(task.systems))
            if (rendering := self._decode(system, task, request, bundle)) is not None:
                done[system["name"]] = rendering.at_16_khz
        self._progress("decode", len(task.systems), len(task.systems))
        self._score(task, request.reference, done)

    # recording to request

    def _request(self, task: Task, bundle: Any) -> StreamRequest:
        reference = unpacked(task.samples) if task.samples else load_audio(task.recording)
        prompt = load_audio(task.prompt) if task.prompt else reference
        tokens_path = Path(task.tokens) if task.tokens else None
        utterance = Utterance(task.name, "", Path(task.recording), tokens_path=tokens_path, voice=task.voice)
        given = tuple(given_identity(utterance, bundle).values())
        key = (sha256_of(reference), sha256_of(prompt), str(bundle.directory), _stamps(bundle.directory), given)
        if key not in self._inputs:
            self._check()
            tokens = tokens_of(utterance, bundle, reference)
            self._check()
            self._inputs[key] = (tokens, speaker_of(utterance, bundle, prompt))
            while len(self._inputs) > KEPT_INPUTS:
                self._inputs.popitem(last=False)
        self._inputs.move_to_end(key)
        tokens, speaker = self._inputs[key]
        return StreamRequest(
            task.name,
            speaker.copy(),
            task.seed,
            prompt,
            reference,
            tokens.copy(),
            tokens_per_second=rate_of(bundle),
        )

    def _bundle(self, folder: Path) -> Any:
        from streamflow.checkpoints import load_bundle

        key = (str(folder), _stamps(folder))
        if key not in self._bundles:
            self._bundles[key] = load_bundle(folder)
            while len(self._bundles) > KEPT_BUNDLES:
                old, _ = self._bundles.popitem(last=False)
                for warm in [warm for warm in self._warm if warm[0] == old]:
                    del self._warm[warm]
        self._bundles.move_to_end(key)
        return self._bundles[key]

    def _say_prepared(self, request: StreamRequest) -> None:
        reference = request.reference
        self._keep("", reference)
        self.tell(
            events.event(
                events.PREPARED,
                tokens=len(request.tokens),
                seconds=len(reference) / SAMPLE_RATE,
                reference=pcm_of(reference),
                level_db=loudness_of(reference),
            )
        )
        self._progress("prepare", 1, 1)

    # decoding

    def _decode(self, system: dict[str, Any], task: Task, request: StreamRequest, bundle: Any) -> Rendering | None:
        """One system; a failure of its own is told and costs the others nothing."""
        name, control = system["name"], bool(system["control"])
        try:
            described = describe_system(system["strategy"], system["parameters"], bundle.directory)
            loaded = self._warmed_up(system, request, bundle)
            self.tell(
                events.event(
                    events.SYSTEM,
                    system=name,
                    strategy=system["strategy"],
                    parameters=described["parameters"],
                    description=described,
                    control=control,
                )
            )
            stream = _Stream(self, name, 0.0 if control else task.rate)
            rendering = render(name, loaded.open, request, stream)
        except CancelledError:
            raise
        except Exception as error:
            self._check()
            self.tell(events.event(events.FAILED, system=name, error=one_line(error)))
            return None
        finally:
            self._session = None
        self._check()
        self._say_rendered(system, loaded, rendering, request.reference, stream.rest())
        return rendering

    def _warmed_up(self, system: dict[str, Any], request: StreamRequest, bundle: Any) -> LoadedSystem:
        """A system that has decoded a little, once; if that fails, the decode that counts fails too and tells of it.

        The system itself is kept: another one of the same parameters would set itself up again, in the first packet.
        """
        parameters = tuple(sorted((key, str(value)) for key, value in system["parameters"].items()))
        key = ((str(bundle.directory), _stamps(bundle.directory)), system["strategy"], parameters)
        if key not in self._warm:
            spec = SystemSpec(system["name"], system["strategy"], parameters=system["parameters"])
            loaded = load_system(spec, bundle)
            with contextlib.suppress(Exception):
                render(loaded.name, loaded.open, start_of(request), _Stream(self, "", 0.0))
            self._check()
            self._warm[key] = loaded
            while len(self._warm) > KEPT_SYSTEMS:
                self._warm.popitem(last=False)
        self._warm.move_to_end(key)
        return self._warm[key]

    def _say_rendered(
        self,
        system: dict[str, Any],
        loaded: LoadedSystem,
        rendering: Rendering,
        reference: np.ndarray,
        rest: np.ndarray,
    ) -> None:
        name, samples = system["name"], rendering.at_16_khz
        declared = "algorithmic_latency_s" in loaded.description
        row = latency_row(rendering, loaded.algorithmic_latency_s, declared=declared)
        parts = first_packet(asdict(rendering.trace[0]), rendering.tokens_per_second)._asdict()
        if system["control"]:  # rendered in one piece: all of it, not a first packet
            row["first_packet_s"], parts = None, None
        row["pauseless_latency_s"] = loaded.description.get("pauseless_latency_s")
        gain = gain_between(samples, reference)
        self._keep(name, samples)
        self.tell(
            events.event(
                events.RENDERED,
                system=name,
                samples=len(samples),
                pcm=pcm_of(rest),
                first_packet_parts=parts,
                gain_db=gain.db,
                gain_capped=gain.capped,
                **{key: row[key] for key in LATENCY},
            )
        )

    def _keep(self, name: str, samples: np.ndarray) -> None:
        """Exact samples and the F0 contour, for the server; the empty name is the reference's."""
        from ..metrics.f0 import f0_contour

        hertz = f0_contour(samples)[1]
        told = np.nan_to_num(hertz)  # JSON has no NaN; 0 Hz stands for unvoiced on the way
        self.tell({"kind": KEEP, "system": name, "samples": packed(np.float32(samples)), "f0_hz": packed(told)})

    # scoring

    def _score(self, task: Task, reference: np.ndarray, done: dict[str, np.ndarray]) -> None:
        from ..metrics import Pair, get_metric, standard_metrics

        metrics = [get_metric(name) for name in task.metrics or standard_metrics()]
        other = load_audio(task.other) if task.other else None
        steps = Steps("score", len(metrics) * len(done), self._progress)
        for system, samples in done.items():
            pair = Pair(samples, reference, SAMPLE_RATE, text=task.text, other_reference=other)
            rows = []
            for metric in metrics:
                self._check()
                rows.append(_score_row(system, metric, pair))
                steps.advance()
            self.tell(events.event(events.SCORES, rows=rows))

    def _progress(self, stage: str, done: int, total: int) -> None:
        self._check()
        self.tell(events.event(events.PROGRESS, stage=stage, done=done, total=total))

    def _check(self) -> None:
        if self.cancelled.is_set():
            raise CancelledError

    def follow(self, session: Session) -> None:
        """What :meth:`cancel` stops from now on."""
        self._session = session
        if self.cancelled.is_set():
            session.cancel()


class Steps:
    """Counts steps and tells of them."""

    def __init__(self, stage: str, total: int, tell: Callable[[str, int, int], None]) -> None:
        self._stage, self._total, self._done, self._tell = stage, total, 0, tell
        tell(stage, 0, total)

    def advance(self) -> None:
        self._done += 1
        self._tell(self._stage, self._done, self._total)


class _Stream:
    """Lets tokens come at their rate, in real time, and tells of the chunks; nameless, it only watches for the end."""

    def __init__(self, decoder: Decoder, system: str, rate: float) -> None:
        self._decoder, self._system, self._rate = decoder, system, rate
        self._began = 0.0
        self._converter: soxr.ResampleStream | None = None

    def opened(self, session: Session) -> None:
        self._began = time.perf_counter()
        self._decoder.follow(session)

    def before_push(self, count: int) -> None:
        due = self._began + count / self._rate - time.perf_counter() if self._rate else 0.0
        if self._decoder.cancelled.wait(max(0.0, due)):
            raise CancelledError

    def came(self, chunk: ChunkTrace, samples: np.ndarray, sample_rate: int) -> None:
        if self._decoder.cancelled.is_set():
            raise CancelledError
        if self._system:
            wall_s = time.perf_counter() - self._began
            heard = pcm_of(self._converted(samples, sample_rate))
            fields = {**asdict(chunk), "system": self._system, "wall_s": wall_s, "pcm": heard}
            self._decoder.tell(events.event(events.CHUNK, **fields))

    def _converted(self, samples: np.ndarray, sample_rate: int) -> np.ndarray:
        """Samples at 16 kHz, for pages play these; converted as a stream, up to 40 ms of it stay behind."""
        if sample_rate == SAMPLE_RATE:
            return samples
        if self._converter is None:
            self._converter = soxr.ResampleStream(sample_rate, SAMPLE_RATE, 1, dtype="float32", quality="HQ")
        return self._converter.resample_chunk(samples)

    def rest(self) -> np.ndarray:
        """What stayed behind, float32 ``[n]`` at 16 kHz."""
        if self._converter is None:
            return np.zeros(0, np.float32)
        return self._converter.resample_chunk(np.zeros(0, np.float32), last=True)


def _score_row(system: str, metric: Any, pair: Any) -> dict[str, Any]:
    from ..metrics import Unscored

    try:
        value = metric.score_pair(pair)
    except Exception as error:
        value = Unscored(one_line(error))
    failed = isinstance(value, Unscored) or not np.isfinite(value)
    return {
        "system": system,
        "metric": metric.name,
        "value": None if failed else float(value),
        "unit": metric.unit,
        "direction": metric.direction,
        "unscored_because": getattr(value, "reason", "not a number") if failed else "",
    }


def _stamps(folder: Path) -> tuple:
    """Changes when a file of the bundle does."""

    def files() -> Iterator[Path]:
        yield Path(folder) / "bundle.json"
        yield from sorted(Path(folder).glob("*.safetensors"))

    return tuple((path.name, tuple(stamp(path) or ())) for path in files())
