"""The parts of the application's latency page, from a real run with and without a bench."""

from __future__ import annotations

import html
import json
import re
import shutil

import pandas
import pytest

from harness.latency import Player
from harness.latency.bench_tables import LatencyError
from harness.latency.what_if import stream_names
from reports.latency_page import UTTERANCES, Waiting, bench_source
from tests.reports.make_bench import make_bench
from tests.reports.make_run import make_run


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    return make_run(tmp_path_factory.mktemp("latency") / "run")


@pytest.fixture(scope="module")
def plain(run):
    return Waiting([run])


@pytest.fixture(scope="module")
def benched(tmp_path_factory):
    path = make_run(tmp_path_factory.mktemp("benched") / "run")
    make_bench(path)
    return Waiting([path])


def figures(page: str) -> dict[str, dict]:
    """The figures by their name."""
    found = re.findall(r'<script type="application/json" id="([\w-]+)">(.*?)</script>', page, re.S)
    return {name: json.loads(text) for name, text in found}


def cells(page: str, table: str) -> dict[str, list[str]]:
    """Rows of a table by their label: the words of the cells, notes left out."""
    body = re.search(rf'<table[^>]*id="{table}".*?<tbody>(.*?)</tbody>', page, re.S)[1]
    rows = {}
    for row in re.findall(r"<tr>(.*?)</tr>", body, re.S):
        plain = [
            re.sub(r"<small.*?</small>|<[^>]+>", "", cell, flags=re.S).strip()
            for cell in re.findall(r"<t[hd].*?</t[hd]>", row, re.S)
        ]
        rows[html.unescape(plain[0])] = plain[1:]
    return rows


def test_every_figure_has_a_table_with_its_systems(plain):
    stream = stream_names(plain.streams(UTTERANCES), "naive")[0]
    page = plain.playing(plain.systems, UTTERANCES, Player(jitter_ms=20), "naive", stream)
    assert set(figures(page)) == {"playing-silence", "playing-timeline"}
    assert set(cells(page, "playing-table")) == set(plain.systems)
    assert "pause-table" in page


def test_a_system_in_one_piece_cannot_starve_and_is_said_to(plain):
    page = plain.playing(["full", "naive"], UTTERANCES, Player())
    names = [trace["name"] for trace in figures(page)["playing-silence"]["data"]]
    assert names == ["naive"] and "full cannot starve" in page
    assert cells(page, "playing-table")["full"][1] == "100.0 %"


def test_a_buffer_ends_the_silence_and_its_line_stands_where_it_is(plain):
    bare = cells(plain.playing(["naive"], UTTERANCES, Player(tokens_per_second=200)), "playing-table")["naive"]
    page = plain.playing(["naive"], UTTERANCES, Player(tokens_per_second=200, buffer_ms=1000))
    full = cells(page, "playing-table")["naive"]
    assert float(bare[1].split()[0]) <= float(full[1].split()[0])
    (rule,) = [shape for shape in figures(page)["playing-silence"]["layout"]["shapes"] if shape["name"] == "rule"]
    assert rule["x0"] == rule["x1"] == 1000


def test_a_system_keeps_its_colour_when_others_are_hidden(plain):
    both = figures(plain.playing(["naive", "streamflow-sr"], UTTERANCES, Player()))["playing-silence"]["data"]
    one = figures(plain.playing(["streamflow-sr"], UTTERANCES, Player()))["playing-silence"]["data"]
    assert one[0]["meta"] == both[1]["meta"]


def test_without_a_bench_the_run_alone_gives_curves(plain):
    assert plain.sources == [UTTERANCES]
    shown = figures(plain.curves(plain.systems))
    assert {"first-sound", "chunk-latency", "time-split"} == set(shown)
    assert len(cells(plain.rates(plain.systems, UTTERANCES), "rate-table")["naive"]) == 7


def test_with_a_bench_there_are_lengths_streams_at_once_and_its_long_streams(benched):
    assert benched.sources == [UTTERANCES, bench_source(15), bench_source(30)]
    shown = figures(benched.curves(benched.systems))
    assert {"chunk-length", "streams-packet", "streams-factor"} <= set(shown)
    assert not {"quality", "playout", "token-rate"} & set(shown)  # the page has those with controls
    page = benched.playing(["naive"], bench_source(30), Player(tokens_per_second=200), "naive", "repeat 1")
    assert "naive, repeat 1" in page and "The stream is heard without a pause." in page
    stalled = benched.playing(["naive"], bench_source(30), Player(jitter_ms=1500), "naive", "repeat 1")
    rows = cells(stalled, "pause-table")
    begins = [float(row[0].split()[0]) for row in rows.values()]
    assert begins and begins == sorted(begins)


def test_a_timelines_tokens_end_when_their_speech_has_been_spoken(plain, run, tmp_path):
    """Of a run of 50 tokens a second, whose streams are as long."""
    fast = shutil.copytree(run, tmp_path / "fast", ignore=shutil.ignore_patterns("report"))
    traces = pandas.read_parquet(fast / "traces.parquet")
    traces.assign(tokens_per_second=50.0).to_parquet(fast / "traces.parquet")
    for waiting, speech in ((plain, 25), (Waiting([fast]), 50)):
        assert waiting.speech_rate(UTTERANCES) == speech
        stream = stream_names(waiting.streams(UTTERANCES), "naive")[0]
        page = waiting.playing(["naive"], UTTERANCES, Player(tokens_per_second=2 * speech), "naive", stream)
        spoken = figures(page)["playing-timeline"]["data"][0]
        assert spoken["x"][1] == pytest.approx(spoken["y"][1] / 2, abs=1e-3)


def test_quality_says_who_is_on_the_frontier(plain):
    page = plain.quality(plain.systems, "mel_distance")
    assert "quality" in figures(page)
    rows = cells(page, "quality-table")
    decoders = {system: row for system, row in rows.items() if system not in plain.comparison.controls}
    assert "yes" in {row[2] for row in decoders.values()}
    assert plain.quality(plain.systems, "no such metric") == ""


def test_names_of_systems_cannot_become_markup(plain):
    hostile = "o'brien & co"
    page = plain.playing([hostile], UTTERANCES, Player()) + plain.rates([hostile], UTTERANCES)
    assert "o&#39;brien &amp; co" in page and "& co<" not in page.replace("&amp; co", "")


def test_an_unknown_stream_is_refused_and_no_system_shows_nothing(plain):
    with pytest.raises(LatencyError, match="naive has no stream"):
        plain.playing(["naive"], UTTERANCES, Player(), "naive", "nothing")
    assert plain.playing([], UTTERANCES, Player()) == "" == plain.rates([], UTTERANCES)
