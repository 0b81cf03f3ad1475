"""A study as its file says it: what is rated, by whom, how it is balanced, screened and analysed.

The file is TOML (``STUDY/study.toml``). Its hash, with the hashes of all stimuli, is the study's identity from the moment it
opens: the exclusion rules are registered before the first rating.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields, is_dataclass, replace
from pathlib import Path
from types import UnionType
from typing import Any, get_args, get_origin, get_type_hints

from harness import toml
from harness.corpus import did_you_mean
from harness.storage import key_of

from .errors import StudyError

LANGUAGES = ("en", "zh", "es", "de")
LEVELS = {"none": None, "lufs": -23.0, "active-speech": -26.0}  # policy -> default target
HEADPHONE_CHECKS = ("woods", "milne")
CLAIMS = ("listeners and sentences", "listeners")
QUESTIONS = ("age_group", "gender", "first_language", "hearing", "device", "experience")


@dataclass(frozen=True, kw_only=True, slots=True)
class Levels:
    """How loud stimuli are: ``none``, ``lufs`` (ITU-R BS.1770) or ``active-speech`` (ITU-T P.56, dBov)."""

    policy: str = "active-speech"
    target: float | None = None  # None: the policy's usual one

    def __post_init__(self) -> None:
        _one_of("level.policy", self.policy, LEVELS)
        if self.target is None and LEVELS[self.policy] is not None:
            object.__setattr__(self, "target", LEVELS[self.policy])


@dataclass(frozen=True, kw_only=True, slots=True)
class Design:
    """Who hears what. ``trials``: main trials a listener, None for one of each sentence."""

    listeners: int = 24
    trials: int | None = None
    repeat_sentences: bool = False  # may a listener hear one sentence in two conditions?
    pairs: str = "all"  # "all" pairs of systems, or "reference": every system against the first one

    def __post_init__(self) -> None:
        _at_least("design.listeners", self.listeners, 1)
        if self.trials is not None:
            _at_least("design.trials", self.trials, 1)
        _one_of("design.pairs", self.pairs, ("all", "reference"))


@dataclass(frozen=True, kw_only=True, slots=True)
class Screening:
    """What comes before and between the trials."""

    headphones: tuple[str, ...] = ()  # of HEADPHONE_CHECKS, in order
    headphones_required: bool = False  # a listener who fails every check is sent home, kindly
    level: bool = True  # a screen to set the volume
    training: int = 2  # trials before the first that counts, spanning the range
    traps: int = 1
    repeats: int = 0  # main trials asked again
    identical: int = 0  # pairs of the same sound twice (pair protocols)

    def __post_init__(self) -> None:
        for check in self.headphones:
            _one_of("screening.headphones", check, HEADPHONE_CHECKS)
        for name in ("training", "traps", "repeats", "identical"):
            _at_least(f"screening.{name}", getattr(self, name), 0)


@dataclass(frozen=True, kw_only=True, slots=True)
class Listening:
    """When an answer counts as heard: ``coverage`` is the share of every stimulus that was really played."""

    coverage: float = 0.99
    check_elapsed: bool = True  # the server compares with its own clock
    max_s: float = 12.0  # longer stimuli are cut at a pause

    def __post_init__(self) -> None:
        if not 0 <= self.coverage <= 1:
            raise StudyError(f"listening.coverage = {self.coverage} must lie between 0 and 1")


@dataclass(frozen=True, kw_only=True, slots=True)
class Exclusion:
    """Rules by which a listener's data are left out, fixed when the study opens; a share of 1.0 switches a rule off."""

    failed_traps: float = 0.5  # more than this share of the traps answered wrong
    failed_headphones: bool = False  # every headphone check failed
    identical_judged_different: float = 0.5  # more than this share of the identical pairs
    repeat_disagreement: float | None = None  # mean absolute difference of repeats above this, as a share of the scale
    same_answer_share: float = 0.95  # more than this share of the main answers are one and the same
    underrun_share: float = 0.2  # more than this share of the main trials had audio underruns
    mean_seconds_below: float | None = None  # mean time a main trial below this
    hidden_reference_below: float = 90.0  # BS.1534-3, MUSHRA alone: below this ...
    hidden_reference_share: float = 0.15  # ... in more than this share of the trials
    anchor_above: float = 90.0  # and the mid anchor above this ...
    anchor_share: float = 0.15  # ... in more than this share
    complete_only: bool = True  # sessions that were not finished do not count


@dataclass(frozen=True, kw_only=True, slots=True)
class Inference:
    """What the analysis will claim, said before the first rating. In the file: ``[analysis]``."""

    claim: str = CLAIMS[0]  # whom intervals speak of; "listeners" takes these very sentences as all there are
    margin: float | None = None  # points of the scale: systems nearer than that are equivalent; None: not tested

    def __post_init__(self) -> None:
        _one_of("analysis.claim", self.claim, CLAIMS)
        if self.margin is not None and not 0 < self.margin < float("inf"):
            raise StudyError(f"analysis.margin = {self.margin} must be above 0, in points of the scale, such as 0.2")


@dataclass(frozen=True, kw_only=True, slots=True)
class Consent:
    """What a listener agrees to: a text a language (``consent.text.en``), sanitised before it is shown."""

    text: Mapping[str, str] = field(default_factory=dict)  # {} for our own wording
    contact: str = ""  # who answers questions


@dataclass(frozen=True, kw_only=True, slots=True)
class Completion:
    """What a listener gets at the end. ``{code}`` in ``return_url`` is replaced."""

    code: str = "signed"  # "signed": one a session, verifiable; anything else: that fixed text (Prolific)
    screened_out_code: str = ""
    return_url: str = ""  # such as https://app.prolific.com/submissions/complete?cc={code}


@dataclass(frozen=True, kw_only=True, slots=True)
class Access:
    """Who may take part."""

    invitation: bool = False  # only with an invitation token (`streamflow study invite`)
    return_slot_after_min: float = 90.0  # a session idle for so long gives its slot back


@dataclass(frozen=True, kw_only=True, slots=True)
class Study:
    """A study file.

    Attributes:
        title: shown to listeners, so it must not name systems.
        protocol: a name of ``listening_tests.protocols.REGISTRY``.
        systems: rated, in the order of the analysis; never shown.
        question: replaces the protocol's own question, a text a language.
        languages: of the page, the first is the default.
        seed: of every random choice.
        break_every: trials between breaks, 0 for none.
        questions: of QUESTIONS, all optional for the listener, kept apart from ratings and deletable.
        source: where the stimuli came from; information alone.
        recruitment: how listeners are found and paid, as the methods text shall say it.
        simulated: a copy made by `streamflow study simulate`; its ratings are nobody's.
    """

    title: str
    protocol: str
    systems: tuple[str, ...]
    question: Mapping[str, str] = field(default_factory=dict)
    languages: tuple[str, ...] = LANGUAGES
    seed: int = 0
    break_every: int = 20
    questions: tuple[str, ...] = ()
    source: Mapping[str, Any] = field(default_factory=dict)
    recruitment: str = ""
    simulated: bool = False
    level: Levels = field(default_factory=Levels)
    design: Design = field(default_factory=Design)
    screening: Screening = field(default_factory=Screening)
    listening: Listening = field(default_factory=Listening)
    exclusion: Exclusion = field(default_factory=Exclusion)
    analysis: Inference = field(default_factory=Inference)
    consent: Consent = field(default_factory=Consent)
    completion: Completion = field(default_factory=Completion)
    access: Access = field(default_factory=Access)

    def __post_init__(self) -> None:
        if not self.title.strip():
            raise StudyError('title is empty; say what the study is, without naming systems: title = "Naturalness"')
        if not self.systems:
            raise StudyError("systems is empty; name at least one")
        if len(set(self.systems)) < len(self.systems):
            raise StudyError(f"systems = {list(self.systems)} names one twice; leave it out once")
        if not self.languages:
            raise StudyError(f"languages is empty; give some of {', '.join(LANGUAGES)}")
        for language in self.languages:
            _one_of("languages", language, LANGUAGES)
        for question in self.questions:
            _one_of("questions", question, QUESTIONS)
        lowered = self.title.lower()
        for system in self.systems:
            if len(system) > 3 and system.lower() in lowered:
                raise StudyError(f"title names the system {system!r}, which listeners would read; reword the title")

    def table(self) -> dict[str, Any]:
        """As the file holds it."""
        return asdict(self)

    def to_toml(self) -> str:
        """As ``study.toml``."""
        return toml.dumps(self.table())

    def hash(self) -> str:
        """Of everything that the file says."""
        return key_of(self.table())

    def with_changes(self, **changes: Any) -> Study:
        """A copy with other values."""
        return replace(self, **changes)

    @classmethod
    def from_table(cls, table: Mapping[str, Any], source: str = "study.toml") -> Study:
        """Check and read a parsed file.

        Raises:
            StudyError: a key missing, unknown, of the wrong type or with a value that cannot be.
        """
        try:
            return _build(cls, table, "")
        except StudyError as error:
            raise StudyError(f"{source}: {error}") from None


def load_study(folder: str | Path) -> Study:
    """Read ``FOLDER/study.toml``.

    Raises:
        StudyError: not there, not TOML, or not a study.
    """
    path = Path(folder) / "study.toml"
    if not path.is_file():
        raise StudyError(f"{folder}: not a study (no study.toml in it); make one with `streamflow study create`")
    try:
        return Study.from_table(tomllib.loads(path.read_text(encoding="utf-8")), str(path))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise StudyError(f"{path}: not readable as TOML ({error}); mend that line") from None


def _build(kind: type, table: Mapping[str, Any], prefix: str) -> Any:
    known = {item.name: item for item in fields(kind)}
    hints = get_type_hints(kind)
    values = {}
    for key, value in table.items():
        if key not in known:
            raise StudyError(f"unknown key {prefix + key!r}{did_you_mean(key, known)}; known: {', '.join(known)}")
        if value is not None:
            values[key] = _value(hints[key], value, prefix + key)
    for name in ("title", "protocol", "systems"):
        if name in known and name not in values:
            raise StudyError(f"{name} is missing; add it to the file")
    return kind(**values)


def _value(hint: Any, value: Any, name: str) -> Any:
    """``value`` as the field's type, or the error that says what it must be."""
    if is_dataclass(hint):
        if not isinstance(value, Mapping):
            raise StudyError(f"{name} must be a table: [{name}]")
        return _build(hint, value, f"{name}.")
    if get_origin(hint) is tuple:
        if isinstance(value, list | tuple) and all(isinstance(item, str) for item in value):
            return tuple(value)
        raise StudyError(f"{name} = {value!r} must be a list of strings")
    if get_origin(hint) is not None and issubclass(get_origin(hint), Mapping):
        if isinstance(value, Mapping):
            return dict(value)
        raise StudyError(f"{name} = {value!r} must be a table")
    kinds = [kind for kind in get_args(hint) if kind is not type(None)] if isinstance(hint, UnionType) else [hint]
    if float in kinds and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    if not any(type(value) is kind for kind in kinds):
        names = {str: "a string", int: "a whole number", float: "a number", bool: "true or false"}
        raise StudyError(f"{name} = {value!r} must be {' or '.join(names[kind] for kind in kinds)}")
    return value


def _one_of(name: str, value: str, known: Any) -> None:
    if value not in known:
        raise StudyError(f"{name} = {value!r} is not known{did_you_mean(value, known)}; give one of {', '.join(known)}")


def _at_least(name: str, value: int, least: int) -> None:
    if value < least:
        raise StudyError(f"{name} = {value} must be at least {least}")
