"""A run as the report needs it: every table read once, cells joined with what happened to them."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property

import pandas as pd

from harness.run import Run
from reports.colours import Appearance, appearances
from reports.estimates import Estimate, mean, paired

SAMPLE_RATE = 16_000  # Hz, of all audio in a run
UPPER_BOUND = "full"  # the system that the others are compared with
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
    """The systems of a run side by side.

    Scores of one rendering in several seeds are averaged per utterance before anything else is done with them, so that
    an utterance counts once; rows of different metric identity are never put in one column.
    """

    def __init__(self, run: Run) -> None:
        specs = run.experiment["systems"]
        self.controls = {name for name, spec in specs.items() if spec.get("strategy", name) in CONTROLS}
        self.run = run
        self.systems: list[str] = list(run.systems)
        self.utterances: list[dict] = list(run.utterances)
        self.speaker_of: dict[str, str] = {u["utterance_id"]: str(u.get("speaker_id", "")) for u in self.utterances}
        self.appearance: dict[str, Appearance] = appearances(self.systems)

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
        """One column for each metric identity, in the order in which the run holds them."""
        known = _registry()
        rows = self.all_scores.drop_duplicates("identity")
        repeated = rows["metric"].duplicated(keep=False)
        columns = []
        for (_, row), again in zip(rows.iterrows(), repeated, strict=True):
            entry = known.get(row["metric"])
            name = str(row["identity"] if again else row["metric"])
            columns.append(
                MetricColumn(
                    name=name,
                    identity=str(row["identity"]),
                    unit=str(row["unit"] or ""),
                    direction=str(getattr(entry, "direction", "") or ""),
                    source=str(getattr(entry, "source", "") or ""),
                )
            )
        return columns

    def values(self, system: str, metric: MetricColumn) -> pd.Series:
        """The scores of a system by utterance id, float64; only those that could be had."""
        scores = self.scores["value"]
        mask = (scores.index.get_level_values("system") == system) & (
            scores.index.get_level_values("identity") == metric.identity
        )
        return scores[mask].droplevel(["system", "identity"])

    def estimate(self, system: str, metric: MetricColumn) -> Estimate:
        """Mean and interval over utterances, clustered by speaker."""
        values = self.values(system, metric)
        return mean(values.to_numpy(), self.clusters(values.index))

    def difference(self, system: str, other: str, metric: MetricColumn) -> Estimate:
        """Mean and interval of ``system − other`` over the utterances that both have scores for."""
        a, b = self.values(system, metric), self.values(other, metric)
        both = a.index.intersection(b.index, sort=False)
        return paired(a[both].to_numpy(), b[both].to_numpy(), self.clusters(both))

    def unscored_count(self, system: str, metric: MetricColumn) -> int:
        """Utterances decoded by the system that the metric has no value for."""
        rows = self.unscored[(self.unscored["system"] == system) & (self.unscored["identity"] == metric.identity)]
        return rows["utterance"].nunique()

    def failed(self, system: str) -> list[str]:
        """Ids of the utterances of the run that the system has no audio for, in the corpus' order."""
        decoded = self.decoded(system)
        return [u["utterance_id"] for u in self.utterances if u["utterance_id"] not in decoded]

    def reason(self, system: str, utterance: str) -> str:
        """Why a system has no audio for an utterance."""
        of = self.failures
        rows = of[of["system"].isin([system, EVERY_SYSTEM]) & (of["utterance"] == utterance)]
        return f"{rows['stage'].iloc[0]}: {rows['error'].iloc[0]}" if len(rows) else "not decoded in this run"

    def decoded(self, system: str) -> set[str]:
        """Ids of the utterances that the system has a trace for."""
        return self._decoded.get(system, set())

    @cached_property
    def _decoded(self) -> dict[str, set[str]]:
        return {str(system): set(rows) for system, rows in self.traces.groupby("system")["utterance"]}

    def clusters(self, utterances: pd.Index) -> list[str] | None:
        """Speaker of each utterance, or None where they are all of one speaker and cannot be clustered."""
        speakers = [self.speaker_of.get(str(utterance), "") for utterance in utterances]
        return speakers if len(set(speakers)) > 1 else None

    @cached_property
    def seams_of(self) -> dict[tuple[str, str], list[int]]:
        """The samples where what was made apart meets, per (system, utterance)."""
        first_seed = self.traces.drop_duplicates(["system", "utterance", "index"])
        return {
            (str(system), str(utterance)): sorted(int(s) for s in rows["seam_sample"] if s > 0)
            for (system, utterance), rows in first_seed.groupby(["system", "utterance"], sort=False)
        }

    def streams(self, system: str) -> bool:
        """Whether the system emitted more than one chunk for any utterance."""
        return any(seams for (name, _), seams in self.seams_of.items() if name == system)

    def algorithmic_latency(self, system: str) -> float:
        """Seconds; infinite for a system that needs the whole utterance."""
        rows = self.latency.loc[self.latency["system"] == system, "algorithmic_latency_s"]
        rows = pd.to_numeric(rows, errors="coerce")
        if rows.empty:
            return math.nan
        return float(rows.median()) if rows.notna().all() else math.inf


def _registry() -> dict:
    """The metrics that are known today: direction and source are theirs to say, not the report's."""
    try:
        from harness.metrics import REGISTRY
    except (ImportError, OSError):  # a run can be read where the metrics' own libraries are missing
        return {}
    return REGISTRY
