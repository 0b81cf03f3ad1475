"""Verdicts in words say what the comparison found, and no more; forests show it."""

from __future__ import annotations

import json
import math
import re

import numpy as np
import pandas as pd
import pytest

from reports.citations import CITATIONS, cited_by
from reports.comparison import Comparison
from reports.figures import LONGEST_NAME, short
from reports.forest import effect_figures, forest_figure
from reports.paper import paper, seeds_of
from reports.selection import largest_losses, worth_hearing
from reports.verdicts import family, note, overviews, verdicts_of


class Made:
    """A run of made-up scores: ``worse`` is lower by 0.1, ``close`` by nearly nothing, ``loose`` varies widely."""

    def __init__(self, n: int = 24) -> None:
        noise = np.random.default_rng(0).normal
        base = noise(0.7, 0.1, n)
        systems = {
            "full": base,
            "worse": base - 0.1 + noise(0, 0.01, n),
            "close": base + noise(0, 0.001, n),
            "loose": base + noise(0, 0.3, n),
        }
        self.experiment = {"systems": {name: {} for name in systems}, "corpus": "some/manifest.csv"}
        self.provenance: dict = {}
        self.systems = list(systems)
        self.utterances = [{"utterance_id": f"u{i}", "speaker_id": f"s{i % 8}"} for i in range(n)]
        self._rows = [
            {"system": system, "utterance": f"u{i}", "speaker": f"s{i % 8}", "seed": 0, "metric": "stoi",
             "identity": "stoi[1]", "value": value, "unit": "", "unscored_because": ""}
            for system, values in systems.items() for i, value in enumerate(values)
        ]  # fmt: skip

    def scores(self) -> pd.DataFrame:
        return pd.DataFrame(self._rows)

    def __getattr__(self, table: str):
        from harness.run import COLUMNS

        if table not in COLUMNS:
            raise AttributeError(table)
        return lambda: pd.DataFrame(columns=list(COLUMNS[table]))


@pytest.fixture(scope="module")
def made() -> Comparison:
    return Comparison(Made(), margins={"stoi": 0.02})


def test_each_system_gets_the_word_of_its_data(made: Comparison) -> None:
    words = {verdict.system: verdict.word for verdict in verdicts_of(made).values()}
    assert words == {"worse": "worse", "close": "equivalent", "loose": "not told apart"}


def test_words_rest_on_numbers(made: Comparison) -> None:
    told = {item.system: item for item in overviews(made)}
    assert told["worse"].tone == "worse" and told["worse"].title == "worse in 1 of 1 metric"
    assert re.match(r"Worse in stoi −0\.\d+ \(−0\.\d+ to −0\.09\d*\)\.", told["worse"].sentences[0])
    assert told["close"].title == "as good in every metric"
    assert told["close"].sentences == ["As good within the margin in stoi (±0.02)."]
    assert told["loose"].title == "told apart in none of 1 metric"
    mdd = next(v.mdd for v in verdicts_of(made).values() if v.system == "loose")
    assert math.isfinite(mdd) and f"±{mdd:.2f}"[:5] in told["loose"].sentences[0]
    assert "does not show that two are alike" in note(made) and family(made) in note(made)


def test_a_metric_without_a_better_is_told_as_different_and_counts_for_no_verdict() -> None:
    run = Made()
    for row in run._rows:
        row.update(metric="delay_ms", identity="delay_ms[1]")
    told = {item.system: item for item in overviews(Comparison(run))}
    assert told["worse"].title == "no verdict"
    assert told["worse"].sentences[0].startswith("Different, where no metric says what is better, in delay_ms −0.")


def test_without_a_margin_nothing_is_called_equivalent() -> None:
    assert "equivalent" not in {v.word for v in verdicts_of(Comparison(Made())).values()}


def test_a_forest_has_a_marker_a_system_and_the_margin_as_a_band(made: Comparison) -> None:
    figure = forest_figure(made, made.metrics[0])
    verdicts = list(verdicts_of(made).values())
    assert [trace["x"] for trace in figure.data] == [[v.difference] for v in verdicts]
    for trace, verdict in zip(figure.data, verdicts, strict=True):
        assert trace["x"][0] + trace["error_x"]["array"][0] == pytest.approx(verdict.high)
        assert trace["x"][0] - trace["error_x"]["arrayminus"][0] == pytest.approx(verdict.low)
    band = next(shape for shape in figure.layout["shapes"] if shape["name"] == "band")
    assert (band["x0"], band["x1"]) == (-0.02, 0.02)
    json.dumps(figure.content(), allow_nan=False)


def test_controls_are_left_out_of_a_forest_where_there_are_decoders(comparison: Comparison) -> None:
    figure = forest_figure(comparison, comparison.metrics[0])
    assert {trace["y"][0] for trace in figure.data} == {"naive", "streamflow-sr", "o&#x27;brien &amp; co"}


def test_effects_are_turned_so_that_right_is_better(comparison: Comparison) -> None:
    figure = effect_figures(comparison)["copy-synthesis"]
    told = {v.metric.name: v for v in verdicts_of(comparison).values() if v.system == "copy-synthesis"}
    for trace in figure.data:
        verdict = told[trace["y"][0]]
        sign = 1 if verdict.metric.direction == "higher" else -1
        assert trace["x"] == [sign * verdict.d_z] and trace["x"][0] > 0  # the recording itself is better in all


def test_those_worth_hearing_include_the_largest_losses(made: Comparison) -> None:
    losses = largest_losses(made)
    worst = sorted(losses, key=losses.__getitem__)[-3:]
    chosen = [u["utterance_id"] for u in worth_hearing(made, 6)]
    assert len(chosen) == 6 and set(worst) <= set(chosen)
    assert chosen == sorted(chosen, key=lambda name: int(name[1:]))
    assert worth_hearing(made, 24) == made.utterances


def test_the_paragraph_for_a_paper_has_the_runs_own_numbers(comparison: Comparison) -> None:
    found = paper(comparison)
    text = " ".join(found.paragraphs)
    assert (
        "5 systems (full, naive, streamflow-sr, copy-synthesis and o'brien & co) on 6 utterances of 4 speakers" in text
    )
    assert "1 of 30 renderings failed" in text and "1 of 87 scores could not be had" in text
    cited = {int(n) for group in re.findall(r"\[([\d, ]+)\]", text) for n in group.split(", ")}
    assert cited == set(range(1, len(found.references) + 1)), "a reference is not cited, or a citation leads nowhere"
    assert seeds_of(comparison) == [0] and "noise seeds" not in text


def test_references_are_numbered_as_they_are_first_cited(comparison: Comparison) -> None:
    text = " ".join(paper(comparison).paragraphs)
    numbers = [int(n) for group in re.findall(r"\[([\d, ]+)\]", text) for n in group.split(", ")]
    firsts = list(dict.fromkeys(numbers))
    assert firsts == sorted(firsts)


def test_every_citation_that_a_metric_asks_for_exists() -> None:
    from harness.metrics import REGISTRY

    for name in REGISTRY:
        assert set(cited_by(name)) <= set(CITATIONS)


@pytest.mark.parametrize("name", ["full", "a-run-of-november:streamflow-sr", "x" * 100])
def test_a_long_name_keeps_both_ends(name: str) -> None:
    shown = short(name)
    assert len(shown) <= LONGEST_NAME
    assert shown == name or (shown[:5] == name[:5] and shown[-5:] == name[-5:])
