"""What the form's controls say, as a view and back."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import urlencode

from harness.corpus import Utterance
from harness.live.errors import ViewError
from harness.live.parameters import parameters_of
from harness.live.view import SYSTEM, UPLOAD, UTTERANCE, View, system_of, system_text
from harness.systems import SystemSpec
from reports.colours import appearances
from streamflow.errors import StreamflowError
from streamflow.strategies import STRATEGIES

CONTROLS = ("copy-synthesis", "tokenizer")
USUAL = ("naive", "streamflow-sr")
"""Ticked on a page that was opened without a link."""


@dataclass(frozen=True)
class Chosen:
    """The form's values.

    Attributes:
        utterance: an id of the corpus; what is decoded where there is no upload.
        upload: id of an upload, or None.
        checkpoint: a bundle's name.
        seed: of the noise; as the form holds it, which may be no seed.
        rate: tokens a second, None for the rate of speech, 0 for all at once.
        systems: ticked, as a link says them.
        offered: everything to tick, the strategies first.
    """

    utterance: str
    upload: str | None
    checkpoint: str
    seed: int | float | str
    rate: float | None
    systems: tuple[str, ...]
    offered: tuple[str, ...]

    def view(self) -> View:
        """What is to be decoded.

        Raises:
            ViewError: a value that is none, or no system.
        """
        if not self.systems:
            raise ViewError("no systems: tick at least one")
        source = (UPLOAD, self.upload) if self.upload else (UTTERANCE, self.utterance)
        head = [source, ("checkpoint", self.checkpoint), ("seed", str(self.seed))]
        rate = [] if self.rate is None else [("rate", str(self.rate))]
        return View.from_query([*head, *rate, *((SYSTEM, entry) for entry in self.systems)])


def strategies() -> tuple[str, ...]:
    """What is offered of its own accord: every strategy with its usual parameters, controls aside."""
    return tuple(name for name in STRATEGIES if name not in CONTROLS)


def chosen_of(pairs: Iterable[tuple[str, str]], utterances: Sequence[Utterance]) -> Chosen:
    """The form as a link's query fills it in; what the link leaves out has its default.

    Raises:
        ViewError: the link names something that is not there.
    """
    pairs = list(pairs)
    keys = {key for key, _ in pairs}
    default = [] if keys & {UTTERANCE, UPLOAD} else [(UTTERANCE, utterances[0].utterance_id)]
    systems = [] if SYSTEM in keys else [(SYSTEM, name) for name in USUAL]
    view = View.from_query([*default, *pairs, *systems])
    known = {one.utterance_id for one in utterances}
    if view.utterance is not None and view.utterance not in known:
        raise ViewError(f"{UTTERANCE}={view.utterance}: not in this server's corpus; choose one from the list")
    ticked = tuple(system_text(spec) for spec in view.systems)
    offered = tuple(dict.fromkeys([*strategies(), *ticked]))
    utterance = view.utterance or utterances[0].utterance_id
    return Chosen(utterance, view.upload, view.checkpoint, view.seed, view.tokens_per_second, ticked, offered)


def told_to_page(chosen: Chosen, what: str) -> dict[str, Any]:
    """What the stage gets: the permanent link's query and how each system looks, or one line where there is none."""
    try:
        view = chosen.view()
    except StreamflowError as error:
        return {"what": what, "error": str(error)}
    names = [*(spec.name for spec in view.systems), *CONTROLS]
    looks = {name: {"slot": look.slot, "symbol": look.symbol} for name, look in appearances(names).items()}
    return {"what": what, "query": urlencode(view.to_query(), safe=":,"), "looks": looks}


def label_of(entry: str) -> str:
    """A system as the list of them says it."""
    spec = system_of(entry)
    if entry in STRATEGIES:
        return f"{entry} – {STRATEGIES[entry]}"
    changed = ", ".join(f"{key} {value}" for key, value in spec.parameters.items())
    return f"{spec.name} – {spec.strategy} with {changed or 'its usual parameters'}"


def variant(name: str, strategy: str, given: dict[str, Any]) -> str:
    """A system as the editor makes it: only what differs from the strategy's own is said.

    Args:
        name: what to call it; "" makes one of what was changed.
        strategy: a key of STRATEGIES.
        given: a value for each parameter of the strategy.

    Raises:
        ViewError: a value or a name that is none.
    """
    spec = edited(strategy, given)
    made = "-".join([strategy, *(f"{key}{value}" for key, value in spec.parameters.items())]).replace("_", "")
    return system_text(system_of(system_text(replace(spec, name=name.strip() or made))))


def edited(strategy: str, given: dict[str, Any]) -> SystemSpec:
    """The system that the editor's sliders describe, named after its strategy.

    Raises:
        ViewError: a value that is none.
    """
    known = parameters_of(strategy)
    read = {
        key: parameter.read(given[key], default is None)
        for key, (parameter, default) in known.items()
        if key in given and given[key] is not None
    }
    changed = {key: value for key, value in read.items() if value != known[key][1]}
    return system_of(system_text(SystemSpec(strategy, strategy=strategy, parameters=changed)))
