"""One study's analysis from its store: tables, files, report, plan of the next."""

from __future__ import annotations

import hashlib
import hmac
import math
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pandas

from harness.run import Run, RunError
from harness.storage import write_bytes

from .analysis.analyse import Analysis, analyse
from .analysis.exclusions import apply_exclusions
from .analysis.rows import PAIR_PROTOCOLS, main_rows
from .errors import StudyError
from .export import export_ratings
from .joining import join_run
from .opening import OpenStudy, load_open_study
from .page.texts import texts
from .planning import Components, Effort, Plan, plan
from .protocols import get_protocol
from .service.screening import passed_checks
from .store.rows import AnswerRow

Tables = list[tuple[str, list[dict[str, Any]]]]
FEWEST_OF_PILOT = 4  # listeners, and sentences: of fewer a spread is a guess
PANEL_IDS = ("PROLIFIC_PID", "workerId")


@dataclass(frozen=True, slots=True)
class Analysed:
    """An analysis and where it lies; ``run`` is the run that now holds its results, None for none."""

    analysis: Analysis
    folder: Path
    run: Path | None = None

    @property
    def report(self) -> Path:
        """The page for people."""
        return self.folder / "report.html"

    def files(self) -> list[Path]:
        """The report, and the same as JSON for programs."""
        return [self.report, self.folder / "analysis.json"]

    def tables(self) -> Tables:
        """For a terminal."""
        return self.analysis.tables()


def analyse_study(
    opened: OpenStudy, *, run: str | Path | None = None, out: str | Path | None = None, by: str = "command line"
) -> Analysed:
    """Analyse, and write ``report.html`` and ``analysis.json``; noted in the audit log, as it shows systems.

    Args:
        run: whose scores to join; None for the one that the stimuli were made from, where it still is.
        out: folder, None for ``STUDY/analysis``.

    Raises:
        StudyError: no ratings. RunError: ``run`` is not one.
    """
    from reports.study_report import write_study_report

    frame = opened.store.ratings_frame(opened.study_id, complete_only=False)
    opened.store.audit(by, "analyse", opened.study_id, ratings=len(frame))
    decoded = _run_of(opened, run)
    found = analyse(frame, opened.study, decoded, facts_of(opened, decoded), sessions=sessions_of(opened))
    folder = Path(out) if out else opened.folder / "analysis"
    write_bytes(folder / "analysis.json", found.to_json().encode())
    joined = join_run(found, opened.study_id, decoded)
    done = Analysed(found, folder, decoded.path if decoded and joined else None)
    write_study_report(found.content(), done.report)
    return done


def export_study(opened: OpenStudy, out: str | Path, by: str = "command line") -> list[Path]:
    """Write the ratings as CSV and Parquet with a codebook; noted in the audit log."""
    frame = opened.store.ratings_frame(opened.study_id, complete_only=False)
    opened.store.audit(by, "export", opened.study_id, ratings=len(frame))
    done = apply_exclusions(frame, opened.study, sessions_of(opened))
    return export_ratings(frame, opened.study, out, reasons=done.reasons)


def exclusions_of(folder: str | Path) -> Mapping[str, list[str]]:
    """Listener -> the registered rules that leave them out."""
    opened = load_open_study(folder)
    frame = opened.store.ratings_frame(opened.study_id, complete_only=False)
    return apply_exclusions(frame, opened.study, sessions_of(opened)).reasons


def sessions_of(opened: OpenStudy) -> pandas.DataFrame:
    """A row a session: listener, complete, headphones, participant (keyed hash of the panel's id), minutes."""
    by_session: dict[str, list[AnswerRow]] = defaultdict(list)
    for row in opened.store.answers(opened.study_id):
        by_session[row.session_id].append(row)
    people = opened.store.personal(opened.study_id)
    secret = opened.store.secret(opened.study_id)
    rows = [_session_row(secret, listener, given, people.get(listener, {})) for listener, given in by_session.items()]
    return pandas.DataFrame(rows, columns=["listener", "complete", "headphones", "participant", "minutes"])


def _session_row(secret: bytes, listener: str, given: list[AnswerRow], about: Mapping[str, Any]) -> dict[str, Any]:
    checks = passed_checks(given)
    panel = next((str(about[name]) for name in PANEL_IDS if about.get(name)), "")
    starts = [row.delivered_at for row in given if row.delivered_at is not None]
    return {
        "listener": listener,
        "complete": given[0].state == "complete",
        "headphones": "" if not checks else "passed" if any(checks.values()) else "failed",
        "participant": hmac.new(secret, panel.encode(), hashlib.sha256).hexdigest()[:16] if panel else "",
        "minutes": (given[-1].answered_at - min(starts)) / 60 if starts else math.nan,
    }


def facts_of(opened: OpenStudy, run: Run | None) -> dict[str, Any]:
    """What the methods text says beside the study file: wording, labels, identity."""
    study, protocol = opened.study, get_protocol(opened.study.protocol)
    language = study.languages[0]
    words = texts(language)
    stored = opened.store.study(opened.study_id)
    return {
        "question": dict(study.question) or {language: words[f"question.{protocol.name}"]},
        "scale_labels": [words[key] for _, key in protocol.scale if key in words],
        "opened": datetime.fromtimestamp(stored.created_at, UTC).date().isoformat() if stored else "",
        "hash": opened.identity,
        "run": run.path.name if run else "",
    }


def plan_from(
    opened: OpenStudy | None,
    systems: int,
    difference: float,
    *,
    power: float = 0.8,
    sentences: int | None = None,
    effort: Effort | None = None,
) -> tuple[Plan, Components]:
    """A plan for telling every two of the systems apart, and the spread that it is made from.

    Args:
        opened: a pilot whose ratings show the spread; None to assume it.
        systems, difference, power, sentences, effort: as of :func:`listening_tests.planning.plan`.

    Raises:
        StudyError: a pilot without such ratings, or a difference that no number of listeners shows.
    """
    pilot = None if opened is None else _pilot(opened)
    pairs = systems * (systems - 1) // 2
    found = plan(systems, difference, pilot=pilot, sentences=sentences, power=power, comparisons=pairs, effort=effort)
    return found, found.components


def plan_study(
    opened: OpenStudy | None, *, systems: int, difference: float, power: float, sentences: int | None, pay: float
) -> Tables:
    """What a study takes that tells ``difference`` points apart; the spread from a pilot's ratings or assumed."""
    effort = Effort(pay_per_hour=pay)
    found, components = plan_from(opened, systems, difference, power=power, sentences=sentences, effort=effort)
    chosen = found.table()
    shown = ("listeners", "invited", "sentences", "trials", "ratings", "minutes", "cost", "detectable", "power")
    spread = "assumed" if opened is None else "of the pilot"
    return [
        (f"{difference:g} points between any two of {systems} systems", [{key: chosen[key] for key in shown}]),
        ("other ways", list(found.options)),
        (f"spread {spread} (standard deviations, points)", [components.table()]),
    ]


def _pilot(opened: OpenStudy) -> pandas.DataFrame:
    """Main ratings of those whom the registered rules leave in.

    Raises:
        StudyError: of comparisons, whose spread is not that of ratings, or too few to tell the spread from.
    """
    if opened.study.protocol in PAIR_PROTOCOLS or opened.study.protocol == "seam-locating":
        raise StudyError(
            f"{opened.folder}: {opened.study.protocol} has no ratings of single systems to take a spread from; give a pilot "
            "that rates them, or leave --pilot out"
        )
    frame = opened.store.ratings_frame(opened.study_id, complete_only=False)
    kept = main_rows(apply_exclusions(frame, opened.study, sessions_of(opened)).kept)
    kept = kept[kept["system"].isin(opened.study.systems)]
    had = {name: kept[name].nunique() for name in ("listener", "sentence", "system")}
    if min(had["listener"], had["sentence"]) < FEWEST_OF_PILOT or had["system"] < 2:
        raise StudyError(
            f"{opened.folder}: {had['listener']} listeners, {had['sentence']} sentences and {had['system']} systems do not "
            f"show a spread; a pilot takes {FEWEST_OF_PILOT} listeners, {FEWEST_OF_PILOT} sentences and 2 systems"
        )
    return kept


def _run_of(opened: OpenStudy, run: str | Path | None) -> Run | None:
    if run is not None:
        return Run(run)
    made_from = opened.study.source.get("run")
    if not isinstance(made_from, str):
        return None
    try:
        return Run(made_from)
    except RunError:  # moved or removed since; the ratings stand without it
        return None
