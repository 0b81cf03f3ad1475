"""A run as the report needs it: every table read once, cells joined with what happened to them."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import pandas as pd

from harness.latency.retiming import traced_at
from harness.run import Run, RunError, RunFolder, seeds_of
from reports.colours import Appearance, appearances
from reports.estimates import Estimate, mean
from reports.joined import JoinedRuns

SAMPLE_RATE = 16_000  # Hz, of all audio in a run
UPPER_BOUND = "full"  # the system that the others are compared with, where a run has it
CEILING = "_ceiling"  # how the name of a metric ends that says what another metric can reach
EVERY_SYSTEM = "*"  # in failures: what kept every system from an utterance
CONTROLS = frozenset({"copy-synthesis", "tokenizer"})  # ceilings, not decoders: left out when decoders are ranked


@dataclass(frozen=True, slots=True)
class MetricColumn:
    """What a metric is called, counts in and aims at, as far as the run and the registry know."""

    name: str
    identity: str
    unit: str
    direction: str  # "higher", "lower", or "" when the registry does not know the metric any more
    source: str = ""

    @property
    def arrow(self) -> str:
        return {"higher": "↑", "lower": "↓"}.get(self.direction, "")

    @property
    def aim(self) -> str:
        """What an axis says of the direction."""
        return f", {self.direction} is better" if self.direction else ""

    @property
    def axis_title(self) -> str:
        unit = f" ({self.unit})" if self.unit and self.unit != "1" else ""
        return f"{self.name}{unit}"


class Comparison:
    """The systems of one run or several side by side.

    Scores of one rendering in several seeds are averaged per utterance before anything else is done with them, so that
    an utterance counts once; rows of different metric identity are never put in one column.

    Attributes:
        run: a run, or several as one.
        systems, utterances: in the order of the run.
        baseline: the system that the others are compared with; None where there is only one.
        controls: ceilings, not decoders.
    """

    def __init__(
        self,
        run: Run | JoinedRuns,
        *,
        baseline: str | None = None,
        margins: Mapping[str, float] | None = None,
    ) -> None:
        specs = run.experiment["systems"]
        self.controls = {name for name, spec in specs.items() if spec.get("strategy", name) in CONTROLS}
        self.run = run
        self.systems: list[str] = list(run.systems)
        self.utterances: list[dict] = list(run.utterances)
        self.speaker_of: dict[str, str] = {u["utterance_id"]: str(u.get("speaker_id", "")) for u in self.utterances}
        self.appearance: dict[str, Appearance] = appearances(self.systems)
        self.baseline = baseline_of(self.systems, self.controls, baseline)
        self.margins = margins

    @property
    def name(self) -> str:
        """What the report is called: the run's folder, or those of the runs."""
        return self.run.name if isinstance(self.run, JoinedRuns) else self.run.path.resolve().name

    @property
    def runs(self) -> list[Run]:
        """The runs themselves."""
        return self.run.runs if isinstance(self.run, JoinedRuns) else [self.run]

    @property
    def others(self) -> list[str]:
        """The systems that are compared with the baseline, decoders before controls."""
        rest = [system for system in self.systems if system != self.baseline] if self.baseline else []
        return sorted(rest, key=lambda system: system in self.controls)

    def audio_path(self, system: str | None, utterance: str) -> Path:
        """Where the rendering of the first seed lies, or the reference for ``system`` None."""
        if isinstance(self.run, JoinedRuns):
            return self.run.audio_path(system, utterance)
        folder = RunFolder(self.run.path)
        return folder.reference(utterance) if system is None else folder.audio(system, utterance)

    @cached_property
    def traces(self) -> pd.DataFrame:
        return self.run.traces()

    @cached_property
    def latency(self) -> pd.DataFrame:
        return self.run.latency()

    @cached_property
    def seams(self) -> pd.DataFrame:
        return self.run.seams()

    @cached_property
    def failures(self) -> pd.DataFrame:
        return self.run.failures()

    @cached_property
    def all_scores(self) -> pd.DataFrame:
        """Long, one row a system, utterance, seed and metric; ``value`` is NaN where ``unscored_because`` says why."""
        scores = self.run.scores().copy()
        scores["value"] = pd.to_numeric(scores["value"], errors="coerce")
        reasons = scores["unscored_because"].fillna("").astype(str)
        scores["unscored_because"] = reasons.where((reasons != "") | scores["value"].notna(), "not finite")
        return scores

    @cached_property
    def scores(self) -> pd.DataFrame:
        """Index (system, utterance, identity), column ``value``: the mean over seeds of what could be scored."""
        scored = self.all_scores[self.all_scores["unscored_because"] == ""]
        return scored.groupby(["system", "utterance", "identity"], sort=False)[["value"]].mean()

    @cached_property
    def value_of(self) -> dict[tuple[str, str, str], float]:
        """The value of each (system, utterance, identity) that has one."""
        return self.scores["value"].to_dict()

    @cached_property
    def reason_of(self) -> dict[tuple[str, str, str], str]:
        """Why (system, utterance, identity) is unscored."""
        of = self.unscored
        return of.set_index(["system", "utterance", "identity"])["unscored_because"].to_dict()

    @cached_property
    def unscored(self) -> pd.DataFrame:
        return self.all_scores[self.all_scores["unscored_because"] != ""]

    @cached_property
    def metrics(self) -> list[MetricColumn]:
        """One column for each metric identity, in the order in which the run holds them; ceilings are none."""
        return [column for column in self._columns if not column.name.split("[")[0].endswith(CEILING)]

    @cached_property
    def _columns(self) -> list[MetricColumn]:
        known = _registry()
        rows = self.all_scores.drop_duplicates("identity")
        repeated = rows["metric"].duplicated(keep=False)
        columns = []
        for (_, row), again in zip(rows.iterrows(), repeated, strict=True):
            entry = known.get(row["metric"])
            columns.append(
                MetricColumn(
                    name=str(row["identity"] if again else row["metric"]),
                    identity=str(row["identity"]),
                    unit=str(row["unit"] or ""),
                    direction=str(getattr(entry, "direction", "") or ""),
                    source=str(getattr(entry, "source", "") or ""),
                )
            )
        return columns

    def ceiling(self, metric: MetricColumn) -> Estimate | None:
        """What the metric gives for another recording of the same speaker, where the run measured that.

        The reference's own, so the same whatever the system: taken over the utterances of all systems, each once.
        """
        for column in self._columns:
            if column.name.split("[")[0] == metric.name.split("[")[0] + CEILING:
                scores = self.scores["value"]
                rows = scores[scores.index.get_level_values("identity") == column.identity]
                values = rows.groupby(level="utterance", sort=False).mean()
                return mean(values.to_numpy(), self.clusters(values.index)) if len(values) else None
        return None

    @cached_property
    def verdicts(self) -> pd.DataFrame:
        """``harness.statistics.comparison.compare_systems`` of every system with the baseline, in every metric.

        What a report is about, decoders in metrics that have a better, is one family. Metrics without one (delay,
        duration) and controls are families of their own: they shall not cost the first its power.

        Empty where there is nothing to compare; ``attrs["family"]`` says over what p values were corrected.
        """
        from harness.statistics.comparison import compare_systems

        directed = [metric.identity for metric in self.metrics if metric.direction]
        others = [metric.identity for metric in self.metrics if not metric.direction]
        decoders = [system for system in self.others if system not in self.controls]
        controls = [system for system in self.others if system in self.controls]
        tables = []
        for systems, identities in ((decoders, directed), (decoders, others), (controls, directed + others)):
            scores = self.all_scores[self.all_scores["identity"].isin(identities)]
            there = set(scores["system"])
            systems = [system for system in systems if system in there]
            if self.baseline in there and systems:
                tables.append(compare_systems(scores, self.baseline, systems=systems, margins=self.margins))
        if not tables:
            return pd.DataFrame(columns=["system", "identity", "verdict", "margin"])
        joined = pd.concat([table for table in tables if len(table)] or tables, ignore_index=True)
        joined.attrs["family"] = tables[0].attrs["family"]
        return joined

    def values(self, system: str, metric: MetricColumn) -> pd.Series:
        """The scores of a system by utterance id, float64; only those that could be had."""
        found = self._values.get((system, metric.identity))
        return found if found is not None else pd.Series(dtype="float64", index=pd.Index([], name="utterance"))

    @cached_property
    def _values(self) -> dict[tuple[str, str], pd.Series]:
        groups = self.scores["value"].groupby(level=["system", "identity"], sort=False)
        return {key: rows.droplevel(["system", "identity"]) for key, rows in groups}

    def estimate(self, system: str, metric: MetricColumn) -> Estimate:
        """Mean and interval over utterances, clustered by speaker."""
        values = self.values(system, metric)
        return mean(values.to_numpy(), self.clusters(values.index))

    def unscored_count(self, system: str, metric: MetricColumn) -> int:
        """Utterances decoded by the system that the metric has no value for in some seed."""
        return self._unscored_counts.get((system, metric.identity), 0)

    @cached_property
    def _unscored_counts(self) -> dict[tuple[str, str], int]:
        return self.unscored.groupby(["system", "identity"])["utterance"].nunique().to_dict()

    def failed(self, system: str) -> list[str]:
        """Ids of the utterances of the run that the system has no audio for, in the corpus' order."""
        decoded = self.decoded(system)
        return [u["utterance_id"] for u in self.utterances if u["utterance_id"] not in decoded]

    @cached_property
    def seeds(self) -> int:
        """How often each utterance was to be rendered."""
        return len(seeds_of(self.run.experiment))

    def failed_renderings(self, system: str) -> int:
        """How many renderings are missing: an utterance may fail in one seed and not in another."""
        lost = self.failures
        mine = lost[lost["system"].isin([system, EVERY_SYSTEM]) & (lost["stage"] != "score")]
        per_utterance = mine.groupby("utterance").size()
        missing = set(self.failed(system))
        whole = len(missing) * self.seeds
        return whole + int(sum(min(n, self.seeds) for name, n in per_utterance.items() if name not in missing))

    def reason(self, system: str, utterance: str) -> str:
        """Why a system has no audio for an utterance."""
        of = self.failures
        rows = of[of["system"].isin([system, EVERY_SYSTEM]) & (of["utterance"] == utterance)]
        return f"{rows['stage'].iloc[0]}: {rows['error'].iloc[0]}" if len(rows) else "not decoded in this run"

    def decoded(self, system: str) -> set[str]:
        """Ids of the utterances that the system has a rendering of."""
        return self._decoded.get(system, set())

    @cached_property
    def _decoded(self) -> dict[str, set[str]]:
        """From whatever the run has of a rendering: files that were made elsewhere have neither trace nor latency."""
        scored = self.all_scores[self.all_scores["unscored_because"] == ""]
        found: dict[str, set[str]] = {system: set() for system in self.systems}
        for table in (self.traces, self.latency, scored):
            for system, rows in table.groupby("system")["utterance"]:
                found.setdefault(str(system), set()).update(map(str, rows.unique()))
        for system, utterances in found.items():
            if not utterances:  # neither decoded here nor scored: the files say it
                known = (u["utterance_id"] for u in self.utterances)
                utterances.update(name for name in known if self._is_rendered(system, name))
        return found

    def _is_rendered(self, system: str, utterance: str) -> bool:
        return not self._failed_cells & {(system, utterance), (EVERY_SYSTEM, utterance)} and (
            self.audio_path(system, utterance).is_file()
        )

    @cached_property
    def _failed_cells(self) -> set[tuple[str, str]]:
        return set(zip(self.failures["system"], self.failures["utterance"], strict=True))

    def clusters(self, utterances: pd.Index) -> list[str] | None:
        """Speaker of each utterance, or None where they are all of one speaker and cannot be clustered."""
        speakers = [self.speaker_of.get(str(utterance), "") for utterance in utterances]
        return speakers if len(set(speakers)) > 1 else None

    @cached_property
    def seams_of(self) -> dict[tuple[str, str], list[int]]:
        """The samples where what was made apart meets, per (system, utterance)."""
        traces = self.traces
        first = traces.groupby(["system", "utterance"])["seed"].transform("min")  # the one whose audio is played
        first_seed = traces[traces["seed"] == first]
        return {
            (str(system), str(utterance)): sorted(int(s) for s in rows["seam_sample"] if s > 0)
            for (system, utterance), rows in first_seed.groupby(["system", "utterance"], sort=False)
        }

    def streams(self, system: str) -> bool:
        """Whether the system emitted more than one chunk for any utterance."""
        return any(seams for (name, _), seams in self.seams_of.items() if name == system)

    @cached_property
    def tokens_per_second(self) -> float:
        """Of speech: the rate at which tokens came."""
        return traced_at(self.traces)

    def algorithmic_latency(self, system: str) -> float:
        """Seconds; infinite for a system that needs the whole utterance."""
        rows = self.latency.loc[self.latency["system"] == system, "algorithmic_latency_s"]
        rows = pd.to_numeric(rows, errors="coerce")
        if rows.empty:
            return math.nan
        return float(rows.median()) if rows.notna().all() else math.inf

    def pauseless_latency(self, system: str) -> float:
        """Seconds that a player waits to play without a pause, as the system declares; NaN where it does not."""
        described = (self.run.provenance.get("systems") or {}).get(system) or {}
        declared = described.get("pauseless_latency_s")
        return math.nan if declared is None else float(declared)


def baseline_of(systems: list[str], controls: set[str], wanted: str | None = None) -> str | None:
    """The system to compare with: the one wanted, else ``full`` (of the first run that has it), else the first decoder.

    Raises:
        RunError: the one wanted is not there.
    """
    if wanted is not None:
        if wanted not in systems:
            raise RunError(f"no system {wanted!r} to compare with; there are {', '.join(systems)}")
        return wanted
    if len(systems) < 2:
        return None
    named = [system for system in systems if system.rsplit(":", 1)[-1] == UPPER_BOUND]
    return (named + [system for system in systems if system not in controls] + systems)[0]


def _registry() -> dict:
    """The metrics that are known today: direction and source are theirs to say, not the report's."""
    try:
        from harness.metrics import REGISTRY
    except (ImportError, OSError):  # a run can be read where the metrics' own libraries are missing
        return {}
    return REGISTRY
