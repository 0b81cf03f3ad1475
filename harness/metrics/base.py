"""What a metric is: a function of a pair with an identity, and *unscored* as a value of its own."""

from __future__ import annotations

import importlib.metadata
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

import numpy as np

from harness.alignment import IDENTITY as ALIGNMENT
from harness.alignment import Delay, compensate, estimate_delay
from streamflow.errors import StreamflowError

SAMPLE_RATE = 16_000
SILENCE = 1e-4  # peak, full scale: -80 dBFS, as streamflow.audio refuses on loading
CUT_S = 0.04  # a token: lengths that differ by up to this are ordinary framing
LENGTHS_APART_S = 0.25  # beyond this a rendering is cut off or padded, and a score of what is left would hide that
FROM_COMMON_START = f"from-common-start,{ALIGNMENT}"  # in the identity of what reads Pair.from_common_start

Need = Literal["reference", "text", "other_reference"]


class MetricError(StreamflowError):
    """A metric that does not exist, or a parameter of it that does not."""


@dataclass(frozen=True, slots=True)
class Unscored:
    """A score that could not be had, and why: one line that names the thing. Never stands for a number.

    Attributes:
        reason: one line.
        lasting: False where the cause lies in this machine and not in the audio (a missing package or model): the score
            is then tried again at the next start.
    """

    reason: str
    lasting: bool = True


class Pair:
    """A rendering and its reference, checked, and aligned once for all metrics.

    Attributes:
        whole_degraded, whole_reference: float32 ``[n]``, ``[m]`` at 16 kHz, as given.
        text: what is read, or "".
        other_reference: float32 ``[k]`` at 16 kHz, another recording of the same speaker, or None.
        rendering_refused: why nothing can be scored, not even without the reference, or "".
        reference_refused: why the reference cannot be used, or "".
        other_refused: why the other recording cannot be used, or "".
        lengths_apart: why the two cannot be compared moment by moment, or "".
    """

    def __init__(
        self,
        degraded: np.ndarray,
        reference: np.ndarray | None,
        sample_rate: int = SAMPLE_RATE,
        *,
        text: str = "",
        other_reference: np.ndarray | None = None,
    ) -> None:
        self.text, self.other_reference = text, other_reference
        self.whole_degraded = np.asarray(degraded)
        self.whole_reference = np.asarray(reference if reference is not None else np.zeros(0, np.float32))
        self.rendering_refused = _refused("rendering", self.whole_degraded, sample_rate)
        self.reference_refused = (
            "there is no reference" if reference is None else _refused("reference", self.whole_reference, sample_rate)
        )
        self.other_refused = (
            "" if other_reference is None else _refused("other recording", np.asarray(other_reference), sample_rate)
        )
        if not self.rendering_refused:
            self.whole_degraded = np.ascontiguousarray(self.whole_degraded, np.float32)
        if not self.reference_refused:
            self.whole_reference = np.ascontiguousarray(self.whole_reference, np.float32)
        self.lengths_apart = self._lengths_apart()

    @cached_property
    def delay(self) -> Delay:
        """Estimated once; what every metric is compensated by."""
        return estimate_delay(self.whole_degraded, self.whole_reference)

    @cached_property
    def _aligned(self) -> tuple[np.ndarray, np.ndarray]:
        return compensate(self.whole_degraded, self.whole_reference, self.delay.samples)

    @property
    def degraded(self) -> np.ndarray:
        """float32 ``[k]``: the rendering without its delay, cut to the common length."""
        return self._aligned[0]

    @property
    def reference(self) -> np.ndarray:
        """float32 ``[k]``: the reference over the same stretch."""
        return self._aligned[1]

    @property
    def from_common_start(self) -> tuple[np.ndarray, np.ndarray]:
        """Rendering and reference, each to its own end, for measures that live with any lengths.

        The delay is taken off the start of the one that is later; where lengths differ so much that the two cannot
        be compared moment by moment, there is none to take.
        """
        delay = 0 if self.lengths_apart else self.delay.samples
        return self.whole_degraded[max(0, delay) :], self.whole_reference[max(0, -delay) :]

    def _lengths_apart(self) -> str:
        seconds = [len(signal) / SAMPLE_RATE for signal in (self.whole_degraded, self.whole_reference)]
        if abs(seconds[0] - seconds[1]) <= LENGTHS_APART_S:
            return ""
        return (
            f"the rendering lasts {seconds[0]:.2f} s and the reference {seconds[1]:.2f} s; "
            f"lengths may differ by at most {LENGTHS_APART_S} s"
        )


def _refused(name: str, signal: np.ndarray, sample_rate: int) -> str:
    """Why a signal is not one, or ""."""
    if sample_rate != SAMPLE_RATE:
        return f"signals are at {sample_rate} Hz; convert them to {SAMPLE_RATE} Hz first"
    if signal.ndim != 1 or not np.issubdtype(signal.dtype, np.floating):
        return f"the {name} is {signal.dtype} {list(signal.shape)}; it must be mono, float [n]"
    if not len(signal):
        return f"the {name} is empty"
    bad = np.flatnonzero(~np.isfinite(signal))
    if len(bad):
        return f"the {name} holds {signal[bad[0]]} at sample {bad[0]}"
    if np.abs(signal).max() < SILENCE:
        return f"the {name} is silent (peak below {20 * np.log10(SILENCE):.0f} dBFS)"
    return ""


@dataclass(frozen=True)
class Metric:
    """A measure of a rendering, mostly against its reference.

    Attributes:
        name: as in the registry, tables and on the command line.
        unit: of the value; "" for a pure number.
        direction: which way is better; "" where neither is (a diagnostic).
        source: the paper or standard.
        function: takes a checked :class:`Pair`, gives a value or says why not.
        parameters: everything beyond package versions that the value depends on.
        packages: distributions whose version is part of the number.
        minimum_s: shortest common length, or of the rendering where no reference is needed.
        needs: what must be given beside the rendering.
        any_length: whether rendering and reference may differ in length at will: the function then reads
            ``whole_degraded`` and ``whole_reference``, which nothing has aligned.
        standard: whether a run that names no metrics has this one: cheap, and of use to everybody.
        fingerprint: of weights, where there are some; called once, when the identity is first asked for.
    """

    name: str
    unit: str
    direction: Literal["higher", "lower", ""]
    source: str
    function: Callable[[Pair], float | Unscored]
    parameters: str
    packages: tuple[str, ...] = ()
    minimum_s: float = 0.25
    needs: frozenset[Need] = frozenset({"reference"})
    any_length: bool = False
    standard: bool = False
    fingerprint: Callable[[], str] | None = None

    @cached_property
    def identity(self) -> str:
        """Name, implementation, version and parameters; scores of different identity are not comparable."""
        parts = [f"{package}-{_version(package)}" for package in self.packages]
        if self.fingerprint is not None:
            parts.append(self.fingerprint())
        parts.append(self.parameters)
        if "reference" in self.needs and not self.any_length:  # the others read what nothing has aligned
            parts.append(ALIGNMENT)
        return f"{self.name}[{';'.join(parts)}]"

    def score(self, degraded: np.ndarray, reference: np.ndarray, sample_rate: int = SAMPLE_RATE) -> float | Unscored:
        """Score a rendering.

        Args:
            degraded: float ``[n]`` at 16 kHz, the rendering.
            reference: float ``[m]`` at 16 kHz; the lengths may differ by up to 250 ms and are cut to what is common.
            sample_rate: of both, Hz.
        """
        return self.score_pair(Pair(degraded, reference, sample_rate))

    def score_pair(self, pair: Pair) -> float | Unscored:
        """The same for a pair that several metrics share."""
        if why := self._refused(pair):
            return Unscored(why)
        try:
            value = self.function(pair)
        except (ImportError, OSError) as error:  # torch's binary parts raise OSError where they cannot load
            return Unscored(
                f"{self.name} cannot run here: {error}; install {' and '.join(self.packages)}", lasting=False
            )
        if isinstance(value, Unscored):
            return value
        if not np.isfinite(value):
            return Unscored(f"{self.name} came out as {value}")
        return float(value)

    def _refused(self, pair: Pair) -> str:
        """Why the pair lacks something that the metric needs, or ""."""
        if pair.rendering_refused:
            return pair.rendering_refused
        if "text" in self.needs and not pair.text.strip():
            return f"{self.name} needs the text, and the corpus has none for this utterance"
        if "other_reference" in self.needs and pair.other_reference is None:
            return f"{self.name} needs another recording of the speaker, and the corpus has none"
        if "other_reference" in self.needs and pair.other_refused:
            return pair.other_refused
        if "reference" not in self.needs:
            seconds = len(pair.whole_degraded) / SAMPLE_RATE
            short = f"{self.name} needs {self.minimum_s:g} s; the rendering has {seconds:.2f} s"
            return short if seconds < self.minimum_s else ""
        if pair.reference_refused:
            return pair.reference_refused
        if self.any_length:
            seconds = min(len(pair.whole_degraded), len(pair.whole_reference)) / SAMPLE_RATE
            short = f"{self.name} needs {self.minimum_s:g} s; the shorter of the two has {seconds:.2f} s"
            return short if seconds < self.minimum_s else ""
        if pair.lengths_apart:
            return pair.lengths_apart
        seconds = len(pair.degraded) / SAMPLE_RATE
        short = f"{self.name} needs {self.minimum_s:g} s; the signals have {seconds:.2f} s in common"
        return short if seconds < self.minimum_s else ""


def _version(package: str) -> str:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return "missing"
