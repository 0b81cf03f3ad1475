"""What a gate demands: margins, slices, tails and latency, read from TOML."""

from __future__ import annotations

import difflib
import math
import tomllib
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any

from streamflow.errors import StreamflowError

READY = Path(__file__).parent / "policies"
CHOICES = {
    "clusters": ("speaker", "none"),
    "seeds": ("same", "any"),
    "chunking": ("same", "any"),
    "calibration": ("required", "if possible", "off"),
    "recorded": ("report", "gate"),
    "must": ("not fail", "pass"),
    "by": ("speaker", "split", "duration_s", "words"),
    "direction": ("", "higher", "lower"),
}
RATIOS = ("first_packet_s", "rtf", "chunk_p50_s")


class PolicyError(StreamflowError):
    """A policy that cannot be used."""


@dataclass(frozen=True, kw_only=True, slots=True)
class MetricRule:
    """What is asked of one metric.

    Attributes:
        margin: the largest tolerable loss, in the metric's unit, above 0.
        required: whether runs without the metric are refused; otherwise it is gated where the baseline has it.
        tail_margins: of this metric, in place of ``tail.margins``; None for that.
        direction: which way is better where the registry does not say; "" to ask the registry, which is never overruled.
        trim: share of utterances cut from either tail of the differences; None for the policy's.
    """

    margin: float
    required: bool = True
    tail_margins: float | None = None
    direction: str = ""
    trim: float | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class TailRule:
    """At most ``max(1, ceil(share * n))`` utterances may fall by more than ``margins`` margins."""

    margins: float = 5.0
    share: float = 0.02

    def allowed(self, n: int) -> int:
        """Of ``n`` utterances. One always may: a single outlier is no evidence about a decoder."""
        return max(1, math.ceil(self.share * n - 1e-9))


@dataclass(frozen=True, kw_only=True, slots=True)
class LatencyRule:
    """Largest ratios to the baseline and seconds of underrun more than it; None where a figure is not gated.

    ``must`` is ``not fail``, or ``pass``: then a ratio that cannot be told from its limit makes the gate inconclusive.
    ``utterances`` of medium length are decoded four times (A-B-B-A) in each of ``repeats`` passes.
    """

    first_packet_s: float | None = None
    rtf: float | None = None
    chunk_p50_s: float | None = None
    underrun_s: float | None = None
    recorded: str = "report"
    must: str = "not fail"
    utterances: int = 4
    repeats: int = 4

    @property
    def ratios(self) -> dict[str, float]:
        """Limit by metric, of those that are gated."""
        return {name: limit for name in RATIOS if (limit := getattr(self, name)) is not None}


@dataclass(frozen=True, kw_only=True, slots=True)
class SliceRule:
    """Parts of the corpus to look at on their own.

    Attributes:
        by: ``speaker``, ``split``, ``duration_s`` (of the reference) or ``words`` (of the text).
        edges: where the parts meet, for the two that are numbers.
        fewest: utterances; smaller parts are left out, and said to be.
        must: ``not fail``, or ``pass``: then a part that cannot decide makes the gate inconclusive.
    """

    by: str
    edges: tuple[float, ...] = ()
    fewest: int = 8
    must: str = "not fail"


@dataclass(frozen=True, kw_only=True, slots=True)
class Policy:
    """A whole policy; ``policies/default.toml`` explains each key. ``trim`` None: by metric, as reports have it."""

    metrics: Mapping[str, MetricRule]
    name: str = "unnamed"
    level: float = 0.95
    trim: float | None = None
    clusters: str = "speaker"
    seeds: str = "same"
    chunking: str = "same"
    missing: float = 0.02
    lost: int = 0
    calibration: str = "if possible"
    systems: tuple[str, ...] = ()
    tail: TailRule | None = None
    latency: LatencyRule | None = None
    slices: tuple[SliceRule, ...] = field(default=())

    def table(self) -> dict[str, Any]:
        """As ``gate.json`` holds it."""
        return asdict(self)


def trim_for(metric: str, own: float | None, general: float | None) -> float:
    """What is cut from the differences of a metric: as its rule says, else the policy, else as reports do it."""
    from harness.statistics import trim_of

    return own if own is not None else general if general is not None else trim_of(metric)


def load_policy(source: str | Path | None = None) -> Policy:
    """Read a policy: a TOML file, or the name of a ready one; None for ``default``.

    A file that says ``extends = "default"`` (a ready name, or a file relative to it) changes that policy key by key;
    ``[metrics]`` of the two are merged, and ``metrics.NAME = false`` takes a metric out.

    Raises:
        PolicyError: no such policy, not TOML, or a key unknown, missing or out of range.
    """
    path = _located(str(source or "default"), Path())
    return _policy(_read(path, ()), str(path.name if path.parent == READY else path))


def parse_policy(text: str, source: str = "policy") -> Policy:
    """Read a policy from its text, as :func:`load_policy` does a file; ``extends`` takes the name of a ready one.

    Args:
        text: TOML.
        source: what to call it in errors.

    Raises:
        PolicyError: as there.
    """
    try:
        table = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise PolicyError(f"{source}: not TOML: {error}") from None
    parent = table.pop("extends", None)
    if parent is not None:
        if parent not in ready_policies():
            raise PolicyError(f"{source}: extends = {parent!r} must be one of {', '.join(ready_policies())}")
        table = _merged(_read(READY / f"{parent}.toml", ()), table)
    return _policy(table, source)


def ready_policies() -> list[str]:
    """Names of the policies that come with the package."""
    return sorted(path.stem for path in READY.glob("*.toml"))


def _located(name: str, folder: Path) -> Path:
    if name in ready_policies():
        return READY / f"{name}.toml"
    path = folder / Path(name).expanduser()
    if not path.is_file():
        raise PolicyError(f"{path}: no such policy; give a TOML file, or one of {', '.join(ready_policies())}")
    return path


def _read(path: Path, seen: tuple[Path, ...]) -> dict[str, Any]:
    if path in seen:
        raise PolicyError(f"{path}: extends itself; name another policy there")
    try:
        table = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise PolicyError(f"{path}: {error.strerror}; give a TOML file") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise PolicyError(f"{path}: not TOML: {error}") from None
    parent = table.pop("extends", None)
    if parent is None:
        return table
    if not isinstance(parent, str):
        raise PolicyError(f"{path}: extends = {parent!r} must be the name of a policy")
    return _merged(_read(_located(parent, path.parent), (*seen, path)), table)


def _merged(under: Mapping[str, Any], over: Mapping[str, Any]) -> dict[str, Any]:
    merged = dict(under)
    for key, value in over.items():
        both = isinstance(value, Mapping) and isinstance(merged.get(key), Mapping)
        merged[key] = _merged(merged[key], value) if both else value
    return merged


def _policy(table: Mapping[str, Any], source: str) -> Policy:
    table = dict(table)
    metrics, slices = table.pop("metrics", {}), table.pop("slices", [])
    if not isinstance(metrics, Mapping) or not isinstance(slices, list):
        raise PolicyError(f"{source}: metrics are tables [metrics.NAME] and slices are tables [[slices]]")
    rules = {
        name: _record(MetricRule, rule, f"{source}: metrics.{name}")
        for name, rule in metrics.items()
        if rule is not False
    }
    _check_names(rules, source)
    if not rules:
        raise PolicyError(f'{source}: no metrics; add [metrics.pesq_wb] with a margin, or extends = "default"')
    systems = table.pop("systems", [])
    if not isinstance(systems, list) or not all(isinstance(name, str) for name in systems):
        raise PolicyError(f"{source}: systems = {systems!r} must be a list of names")
    parts: dict[str, Any] = {
        "metrics": rules,
        "slices": tuple(_record(SliceRule, rule, f"{source}: slices") for rule in slices),
        "systems": tuple(systems),
    }
    for key, kind in (("tail", TailRule), ("latency", LatencyRule)):
        if key in table and (rule := table.pop(key)) is not False:
            parts[key] = _record(kind, rule, f"{source}: {key}")
    return _record(Policy, {**table, **parts}, source)


def _check_names(rules: Mapping[str, MetricRule], source: str) -> None:
    """A mistyped metric is a mistake of the policy, not of the runs; one that only a run knows has a direction."""
    from harness.corpus import did_you_mean
    from harness.metrics import REGISTRY

    for name, rule in rules.items():
        if name not in REGISTRY and ":" not in name and not rule.direction:
            near = did_you_mean(name, list(REGISTRY))
            raise PolicyError(
                f"{source}: no metric is called {name!r}{near}; for one of a run's own, give its direction"
            )


def _record(kind: type, table: Any, source: str) -> Any:
    """A dataclass from a table, every key known, of its type and in its range."""
    if not isinstance(table, Mapping):
        raise PolicyError(f"{source} = {table!r} must be a table")
    known = {item.name: item for item in fields(kind)}
    for key in table:
        if key not in known:
            near = difflib.get_close_matches(key, known, n=1, cutoff=0.5)
            hint = f", did you mean {near[0]!r}?" if near else ""
            raise PolicyError(f"{source}: unknown key {key!r}{hint}; known: {', '.join(known)}")
    values = {key: _value(key, value, str(known[key].type), source) for key, value in table.items()}
    try:
        return kind(**values)
    except TypeError:
        needed = "by" if kind is SliceRule else "margin"
        raise PolicyError(f"{source}: no {needed}; add one") from None


RANGES = {
    "level": (0.5, 1.0), "trim": (0.0, 0.5), "missing": (0.0, 1.0), "share": (0.0, 1.0),
    "margin": (0.0, math.inf), "margins": (0.0, math.inf), "tail_margins": (0.0, math.inf),
    "first_packet_s": (1.0, math.inf), "rtf": (1.0, math.inf), "chunk_p50_s": (1.0, math.inf),
    "underrun_s": (0.0, math.inf), "fewest": (2, math.inf), "lost": (0, math.inf),
    "utterances": (1, math.inf), "repeats": (2, math.inf),
}  # fmt: skip
ABOVE = frozenset({"level", "margin", "margins", "tail_margins"})  # their lower end is not allowed
BELOW = frozenset({"level", "trim", "missing"})  # nor their upper one


def _value(key: str, value: Any, kind: str, source: str) -> Any:
    if key in CHOICES and value not in CHOICES[key]:
        raise PolicyError(f"{source}: {key} = {value!r} must be one of {', '.join(map(repr, CHOICES[key]))}")
    if key in RANGES:
        number = isinstance(value, int if kind == "int" else int | float) and not isinstance(value, bool)
        low, high = RANGES[key]
        inside = number and low <= value <= high and not math.isinf(value)
        if not inside or (key in ABOVE and value == low) or (key in BELOW and value == high):
            opening, closing = "above" if key in ABOVE else "at least", "below" if key in BELOW else "at most"
            text = f"{opening} {low}" + ("" if math.isinf(high) else f" and {closing} {high}")
            raise PolicyError(f"{source}: {key} = {value!r} must be a {'whole ' if kind == 'int' else ''}number {text}")
    if key == "edges":
        if not isinstance(value, list) or not all(isinstance(edge, int | float) for edge in value):
            raise PolicyError(f"{source}: edges = {value!r} must be a list of numbers")
        return tuple(sorted(float(edge) for edge in value))
    if kind == "bool" and not isinstance(value, bool):
        raise PolicyError(f"{source}: {key} = {value!r} must be true or false")
    if kind == "str" and not isinstance(value, str):
        raise PolicyError(f"{source}: {key} = {value!r} must be a string")
    return value
