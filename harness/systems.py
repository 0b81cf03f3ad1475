"""The systems to compare: built-in strategies by name, and any Python object that speaks the session protocol."""

from __future__ import annotations

import hashlib
import importlib
import inspect
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from streamflow.errors import StreamflowError
from streamflow.session import Session, StreamRequest

from .corpus import did_you_mean, usable_as_file_name
from .storage import key_of

NAMED = 3  # systems in a sentence
REFERENCE = "reference"  # the folder of the references beside those of the systems


class UnknownSystemError(StreamflowError):
    """A system that does not exist or cannot be made."""


@dataclass(frozen=True, slots=True)
class SystemSpec:
    """A system as the user gives it; exactly one of ``strategy`` and ``object`` is set.

    Attributes:
        name: what the system is called in this run.
        strategy: a key of ``streamflow.strategies.STRATEGIES``.
        object: ``package.module:attribute`` of a callable that takes a StreamRequest and returns a Session.
        parameters: keyword arguments of the strategy, or of the object after the request.
    """

    name: str
    strategy: str | None = None
    object: str | None = None
    parameters: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def parse(cls, entry: str) -> SystemSpec:
        """Read one entry of ``--systems``: ``full`` or ``mine=package.module:attribute``.

        >>> SystemSpec.parse("mine=decoder:Decoder").object
        'decoder:Decoder'

        Raises:
            UnknownSystemError: neither of the two.
        """
        name, equals, target = (part.strip() for part in entry.partition("="))
        if not equals:
            return cls(name=_checked_name(name), strategy=name)
        if ":" not in target:
            raise UnknownSystemError(
                f"system {entry!r}: after '=' give package.module:attribute, for example mine=decoder:Decoder"
            )
        return cls(name=_checked_name(name), object=target)

    @classmethod
    def from_table(cls, name: str, table: Mapping[str, Any]) -> SystemSpec:
        """Read one ``[systems.NAME]`` table of an experiment file: ``strategy`` or ``object``, the rest parameters.

        Raises:
            UnknownSystemError: both, or something that is not a table.
        """
        if not isinstance(table, Mapping):
            raise UnknownSystemError(f'system {name!r}: [systems.{name}] must be a table, such as strategy = "full"')
        rest = {key: value for key, value in table.items() if key not in ("strategy", "object")}
        strategy, target = table.get("strategy"), table.get("object")
        if strategy is not None and target is not None:
            raise UnknownSystemError(f"system {name!r}: has both strategy and object; give one")
        if target is not None:
            return cls(_checked_name(name), object=str(target), parameters=rest)
        return cls(_checked_name(name), strategy=str(strategy or name), parameters=rest)

    def table(self) -> dict[str, Any]:
        """The inverse of :meth:`from_table`."""
        kind = {"object": self.object} if self.object else {"strategy": self.strategy}
        return {**kind, **self.parameters}


@dataclass(frozen=True, slots=True)
class LoadedSystem:
    """A system ready to open sessions.

    Attributes:
        name: as in the spec.
        open: the callable.
        description: JSON-able; all that determines what the system renders, besides its request.
    """

    name: str
    open: Callable[[StreamRequest], Session]
    description: dict[str, Any]

    @property
    def algorithmic_latency_s(self) -> float | None:
        """Seconds of audio that must have arrived before a sample can be made; None where a system does not say."""
        value = self.description.get("algorithmic_latency_s")
        return None if value is None else float(value)


def _checked_name(name: str) -> str:
    if not usable_as_file_name(name) or "," in name:
        raise UnknownSystemError(f"system name {name!r}: use letters, digits, '-', '_', '.', '+'")
    if name == REFERENCE:
        raise UnknownSystemError(f"system name {name!r} is taken by the recordings themselves; give another name")
    return name


def parse_systems(entries: str | Sequence[str]) -> tuple[SystemSpec, ...]:
    """Read ``--systems``: entries separated by commas, in the order of the report.

    Raises:
        UnknownSystemError: none, one twice, or one malformed.
    """
    if not isinstance(entries, str):
        entries = ",".join(entries)
    return unique(SystemSpec.parse(entry.strip()) for entry in entries.split(",") if entry.strip())


def unique(specs: Any) -> tuple[SystemSpec, ...]:
    """Specs as a tuple, checked for repeated names.

    Raises:
        UnknownSystemError: none, or a name twice.
    """
    specs = tuple(specs)
    names = [spec.name for spec in specs]
    if not names:
        raise UnknownSystemError("no systems: give --systems, for example --systems full,naive,streamflow-sr")
    for name in names:
        if names.count(name) > 1:
            raise UnknownSystemError(f"system {name!r} is given twice; name one of them otherwise, such as {name}-2")
    return specs


def check_strategies(specs: Sequence[SystemSpec]) -> None:
    """Refuse unknown strategy names before anything heavy is loaded.

    Raises:
        UnknownSystemError: an unknown one, with the nearest known name.
    """
    from streamflow.strategies import STRATEGIES

    for spec in specs:
        if spec.strategy is not None and spec.strategy not in STRATEGIES:
            known = sorted(STRATEGIES)
            raise UnknownSystemError(
                f"unknown system {spec.strategy!r}{did_you_mean(spec.strategy, known)}; there are {', '.join(known)}, "
                "or NAME=package.module:attribute for your own"
            )


def load_system(spec: SystemSpec, bundle: Any) -> LoadedSystem:
    """Make a system.

    Args:
        spec: what to make.
        bundle: the weights, for built-in strategies.

    Raises:
        UnknownSystemError: unknown strategy, or an object that cannot be imported or called.
        StreamflowError: parameters that the strategy does not take.
    """
    if spec.object is not None:
        return _load_object(spec)
    from streamflow.strategies import make_system

    check_strategies([spec])
    system = make_system(spec.strategy, bundle, **spec.parameters)
    description = {**spec.table(), **_described(spec.name, system), "checkpoint": dict(bundle.hashes)}
    return LoadedSystem(spec.name, system, description)


def otherwise_trained(descriptions: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """Which systems use weights otherwise than they were trained, a sentence for each way of training.

    Args:
        descriptions: by system, as provenance keeps them.
    """
    found: dict[str, list[str]] = {}
    for name, description in descriptions.items():
        if told := description.get("trained_otherwise"):
            found.setdefault(told, []).append(name)
    sentences = []
    for told, names in found.items():
        more = f" and {len(names) - NAMED} more" if len(names) > NAMED else ""
        verb = "use weights" if len(names) > 1 else "uses weights"
        sentences.append(f"{', '.join(names[:NAMED])}{more} {verb} that were trained otherwise, with {told}")
    return sentences


def _load_object(spec: SystemSpec) -> LoadedSystem:
    """Import a user's decoder; the working directory counts as a place to import from, as with ``python -m``."""
    module_name, _, attribute = str(spec.object).partition(":")
    if not module_name or not attribute:
        raise UnknownSystemError(f"system {spec.name!r}: object {spec.object!r} is not package.module:attribute")
    if os.getcwd() not in sys.path:
        sys.path.insert(0, os.getcwd())
    try:
        module = importlib.import_module(module_name)
    except ModuleNotFoundError as error:
        raise UnknownSystemError(
            f"system {spec.name!r}: cannot import {module_name!r} (no module named {error.name!r}); "
            "run where it can be imported, or install it"
        ) from error
    except Exception as error:
        text = " ".join(str(error).split())
        raise UnknownSystemError(
            f"system {spec.name!r}: importing {module_name!r} failed: {type(error).__name__}: {text}"
        ) from error
    target = module
    for part in attribute.split("."):
        if not hasattr(target, part):
            known = [name for name in vars(target) if not name.startswith("_")]
            raise UnknownSystemError(f"system {spec.name!r}: {module_name} has no {part!r}{did_you_mean(part, known)}")
        target = getattr(target, part)
    if not callable(target):
        raise UnknownSystemError(
            f"system {spec.name!r}: {spec.object} is not callable; it must take a StreamRequest and return a Session"
        )
    description = {**spec.table(), **_described(spec.name, target), "source_sha256": _source_sha256(module)}
    return LoadedSystem(spec.name, partial(target, **spec.parameters) if spec.parameters else target, description)


def _described(name: str, system: Any) -> dict[str, Any]:
    """What a system says of itself through ``describe()``, if it can without an instance."""
    describe = getattr(system, "describe", None)
    if describe is None or (inspect.isclass(system) and not _bound(system, "describe")):
        return {}
    try:
        description = dict(describe())
        key_of(description)
    except Exception as error:
        text = " ".join(str(error).split())
        raise UnknownSystemError(
            f"system {name!r}: describe() must return a dict that JSON can hold ({type(error).__name__}: {text})"
        ) from error
    return description


def _bound(system: type, method: str) -> bool:
    return isinstance(inspect.getattr_static(system, method), classmethod | staticmethod)


def _source_sha256(module: Any) -> str | None:
    """So that a decoder that was edited is decoded again; weights that it loads belong into its ``describe()``."""
    source = getattr(module, "__file__", None)
    return hashlib.sha256(Path(source).read_bytes()).hexdigest() if source and Path(source).is_file() else None
