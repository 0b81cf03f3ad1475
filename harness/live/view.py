"""A view: what somebody looks at on the compare page, small enough for a link and enough to make it again."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from streamflow.errors import StreamflowError

from ..corpus import usable_as_file_name
from ..systems import SystemSpec, unique
from .errors import ViewError
from .parameters import NONE, checked_parameters

SLOWEST, FASTEST = 5.0, 200.0  # tokens a second, beside 0 for all at once
LARGEST_SEED = 2**31 - 1
UTTERANCE, UPLOAD, CHECKPOINT, SEED, RATE, SYSTEM = "utterance", "upload", "checkpoint", "seed", "rate", "system"
KEYS = (UTTERANCE, UPLOAD, CHECKPOINT, SEED, RATE, SYSTEM)


@dataclass(frozen=True)
class View:
    """One utterance by several systems.

    Attributes:
        systems: strategies with parameters, names unique; objects of the user's own are not decoded live.
        utterance: id in the corpus, or None.
        upload: id of an upload, or None; exactly one of the two.
        checkpoint: name of a bundle, shipped or in the server's folder.
        seed: of the noise.
        tokens_per_second: at which tokens come, in real time; None for the rate of the checkpoint's speech, 0 for all at once.

    Raises:
        ViewError: a value that is none, named by its key in a link.
    """

    systems: tuple[SystemSpec, ...] = field(default=())
    utterance: str | None = None
    upload: str | None = None
    checkpoint: str = "small"
    seed: int = 0
    tokens_per_second: float | None = None

    def __post_init__(self) -> None:
        if (self.utterance is None) == (self.upload is None):
            raise ViewError(f"{UTTERANCE}: give one {UTTERANCE} or one {UPLOAD}")
        for key, name in ((UTTERANCE, self.utterance), (UPLOAD, self.upload), (CHECKPOINT, self.checkpoint)):
            if name is not None and not usable_as_file_name(name):
                raise ViewError(f"{key}={name!r}: not a name; choose one from the list")
        if not 0 <= self.seed <= LARGEST_SEED:
            raise ViewError(f"{SEED}={self.seed}: give a whole number from 0 to {LARGEST_SEED}")
        rate = self.tokens_per_second
        if rate is not None and not (rate == 0 or SLOWEST <= rate <= FASTEST):
            raise ViewError(f"{RATE}={rate:g}: give {SLOWEST:g} to {FASTEST:g} tokens a second, or 0 for all at once")
        object.__setattr__(self, "systems", _checked(self.systems))

    def to_query(self) -> list[tuple[str, str]]:
        """Pairs of a link's query; :meth:`from_query` is the inverse."""
        source = (UTTERANCE, self.utterance) if self.upload is None else (UPLOAD, self.upload)
        head = [source, (CHECKPOINT, self.checkpoint), (SEED, str(self.seed))]
        rate = [] if self.tokens_per_second is None else [(RATE, _text(self.tokens_per_second))]
        return [*head, *rate, *((SYSTEM, system_text(spec)) for spec in self.systems)]

    @classmethod
    def from_query(cls, pairs: Iterable[tuple[str, str]]) -> View:
        """Read a link's query; keys of others are passed over, and what is left out has its default.

        Args:
            pairs: decoded, as ``request.query_params.multi_items()`` gives them.

        Raises:
            ViewError: a key twice, or a value that is none; the key is named.
        """
        single: dict[str, str] = {}
        systems: list[SystemSpec] = []
        for key, value in pairs:
            if key == SYSTEM:
                systems.append(system_of(value))
            elif key in KEYS and key in single:
                raise ViewError(f"{key}: given twice; give it once")
            elif key in KEYS:
                single[key] = value
        return cls(
            tuple(systems),
            utterance=single.get(UTTERANCE),
            upload=single.get(UPLOAD),
            checkpoint=single.get(CHECKPOINT, "small"),
            seed=_whole(SEED, single.get(SEED, "0")),
            tokens_per_second=_rate(single.get(RATE)),
        )

    def table(self) -> dict[str, Any]:
        """As JSON holds it; :meth:`from_table` is the inverse."""
        source = {UTTERANCE: self.utterance} if self.upload is None else {UPLOAD: self.upload}
        systems = [{"name": spec.name, **spec.table()} for spec in self.systems]
        head = {CHECKPOINT: self.checkpoint, SEED: self.seed, RATE: self.tokens_per_second}
        return {**source, **head, "systems": systems}

    @classmethod
    def from_table(cls, table: Any) -> View:
        """Read what :meth:`table` wrote, or what a page sent.

        Raises:
            ViewError: not such a table.
        """
        if not isinstance(table, dict) or not isinstance(table.get("systems", []), list):
            raise ViewError("systems: give a list of tables with name and strategy")
        systems = []
        for row in table.get("systems", []):
            if not isinstance(row, dict) or not isinstance(row.get("strategy"), str):
                raise ViewError("systems: give a list of tables with name and strategy")
            rest = {key: value for key, value in row.items() if key not in ("name", "strategy")}
            systems.append(_spec(str(row.get("name", row["strategy"])), row["strategy"], rest))
        texts = {key: table.get(key) for key in (UTTERANCE, UPLOAD)}
        if any(value is not None and not isinstance(value, str) for value in texts.values()):
            raise ViewError(f"{UTTERANCE}: must be text")
        return cls(
            tuple(systems),
            **texts,
            checkpoint=str(table.get(CHECKPOINT, "small")),
            seed=_whole(SEED, table.get(SEED, 0)),
            tokens_per_second=_rate(table.get(RATE)),
        )


def system_text(spec: SystemSpec) -> str:
    """A system as a link says it: ``NAME:STRATEGY,key=value``, without the name where it is the strategy's.

    >>> system_text(SystemSpec("fast", "streamflow-sr", parameters={"nfe": 2, "hop": 2}))
    'fast:streamflow-sr,nfe=2,hop=2'
    """
    head = str(spec.strategy) if spec.name == spec.strategy else f"{spec.name}:{spec.strategy}"
    return ",".join([head, *(f"{key}={_text(value)}" for key, value in spec.parameters.items())])


def system_of(text: str) -> SystemSpec:
    """The inverse of :func:`system_text`.

    Raises:
        ViewError: not such a text, or a strategy, parameter or value that does not exist.
    """
    head, *rest = (part.strip() for part in text.split(","))
    name, colon, strategy = head.partition(":")
    parameters = {}
    for part in rest:
        key, equals, value = part.partition("=")
        if not equals or key in parameters:
            raise ViewError(f"{SYSTEM}={text}: after the strategy give key=value, each key once")
        parameters[key] = value
    return _spec(name, strategy if colon else name, parameters)


def _spec(name: str, strategy: str, parameters: dict[str, Any]) -> SystemSpec:
    if "object" in parameters:
        raise ViewError(f"{SYSTEM}={name}: objects of your own are compared on the runs page; give a strategy here")
    try:
        read = checked_parameters(strategy, parameters)
        _check_name(name, strategy)
        return SystemSpec.from_table(name, {"strategy": strategy, **read})
    except StreamflowError as error:
        raise ViewError(f"{SYSTEM}={name}: {error}") from None


def _check_name(name: str, strategy: str) -> None:
    """A name that is a strategy's means that strategy wherever names are read: as a control, in figures, in links."""
    from streamflow.strategies import STRATEGIES

    if name != strategy and name in STRATEGIES:
        raise ViewError(f"this is {strategy}, and {name} is the name of another strategy; choose another name")


def _checked(specs: Iterable[SystemSpec]) -> tuple[SystemSpec, ...]:
    specs = tuple(specs)
    for spec in specs:
        if spec.strategy is None:
            raise ViewError(f"{SYSTEM}={spec.name}: objects of your own are compared on the runs page")
    read = [_spec(spec.name, str(spec.strategy), dict(spec.parameters)) for spec in specs]
    try:
        return unique(read) if read else ()
    except StreamflowError as error:
        raise ViewError(f"{SYSTEM}: {error}") from None


def _text(value: Any) -> str:
    if value is None:
        return NONE
    if isinstance(value, bool):
        return str(value).lower()
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)


def _number(key: str, value: Any) -> float:
    try:
        number = float(value)
    except (TypeError, ValueError, OverflowError):
        number = math.nan
    if not math.isfinite(number):
        raise ViewError(f"{key}={value}: give a number")
    return number


def _rate(value: Any) -> float | None:
    return None if value is None else _number(RATE, value)


def _whole(key: str, value: Any) -> int:
    number = _number(key, value)
    if number != int(number):
        raise ViewError(f"{key}={value}: give a whole number")
    return int(number)
