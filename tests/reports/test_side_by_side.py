"""The side-by-side view of one utterance: one time axis, true pictures, every metric with its ceiling."""

from __future__ import annotations

import re
from dataclasses import replace
from html.parser import HTMLParser

import numpy as np
import pytest

from harness.live.result import LiveRendering, LiveResult
from harness.live.view import View
from harness.metrics.f0 import f0_contour
from harness.systems import SystemSpec
from reports.side_by_side import SAMPLE_RATE, side_by_side
from reports.side_by_side_panels import HEIGHT, WIDTH, Strip, arrival_panel, axis_ticks, contour, envelope
from tests.listening_tests.on_the_spot.speech import spoken

CHUNK = 3840  # samples, 240 ms
STRIP = Strip(seconds=2.0, loudest=0.5, level_db=0.0, span=(100.0, 400.0), latest=4.0, dearest=1.0)


class Page(HTMLParser):
    """Elements as (tag, attributes), and all text; fails on tags that do not match."""

    VOID = frozenset({"img", "link", "meta", "input", "br"})

    def __init__(self, source: str) -> None:
        super().__init__()
        self.elements, self.open, self.text = [], [], ""
        self.feed(source)
        assert not self.open, f"not closed: {self.open}"

    def handle_starttag(self, tag, attributes):
        self.elements.append((tag, dict(attributes)))
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attributes):
        self.elements.append((tag, dict(attributes)))

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.text += data

    def find(self, tag: str, kind: str = "") -> list[dict]:
        return [
            found
            for name, found in self.elements
            if name == tag and kind in [*(found.get("class") or "").split(" "), ""]
        ]


def trace_of(samples: np.ndarray, delay: float = 0.1) -> list[dict]:
    rows = []
    for index, start in enumerate(range(0, len(samples), CHUNK)):
        length = min(CHUNK, len(samples) - start)
        rows.append(
            {
                "index": index, "start_sample": start, "seam_sample": start, "samples": length, "tokens_in": 6 * (index + 1),
                "arrived_s": (start + length) / SAMPLE_RATE + delay, "wall_s": 0.0, "compute_s": 0.05, "dit_s": 0.03,
                "vocoder_s": 0.015, "other_s": 0.005,
            }
        )  # fmt: skip
    return rows


def score(system: str, metric: str, value: float | None, direction: str = "higher", why: str = "") -> dict:
    unit = {"pesq_wb": "MOS-LQO", "mcd": "dB"}.get(metric, "1")
    facts = {"unit": unit, "direction": direction, "unscored_because": why}
    return {"system": system, "metric": metric, "value": value, **facts}


def rendering(name: str, samples: np.ndarray, scores: list[dict], control: bool = False) -> LiveRendering:
    trace = trace_of(samples)
    seams = tuple(row["start_sample"] for row in trace if row["start_sample"])
    latency = {"first_packet_s": 0.087, "algorithmic_latency_s": 0.48, "pauseless_latency_s": 0.52, "rtf": 0.31}
    return LiveRendering(samples, trace, seams, scores, {}, control, f0_contour(samples)[1], latency)


@pytest.fixture(scope="module")
def result() -> LiveResult:
    reference, dull = spoken()
    naive = [score("naive", "pesq_wb", 2.5), score("naive", "mcd", 5.25, "lower")]
    naive += [score("naive", "speaker_similarity", 0.71), score("naive", "speaker_similarity_ceiling", 0.93)]
    mine = [score("mine<b>", "pesq_wb", 3.125), score("mine<b>", "mcd", 5.5, "lower")]
    mine.append(score("mine<b>", "speaker_similarity", None, why="too <short>"))
    renderings = {
        "naive": rendering("naive", dull, naive),
        "mine<b>": rendering("mine<b>", reference[:-CHUNK], mine),
        "tokenizer": rendering("tokenizer", dull, [score("tokenizer", "pesq_wb", 4.0)], control=True),
    }
    view = View((SystemSpec("naive", "naive"),), utterance="flite_awb_1")
    f0 = f0_contour(reference)[1]
    return LiveResult(view, reference, f0, renderings, {"causal": "out of <memory>; decode less"}, "Say <this> & that.")


@pytest.fixture(scope="module")
def source(result) -> str:
    return side_by_side(result, help_link="/app/help")


def test_the_fragment_is_whole_and_needs_no_script_and_nothing_from_elsewhere(source):
    page = Page(source)
    assert page.elements[0][0] == "section"
    assert not page.find("script") and "http" not in re.sub(r'"data:[^"]*"', "", source)
    assert not any(name.startswith("on") for _, found in page.elements for name in found)


def test_every_name_and_text_is_escaped(source):
    assert "mine<b>" not in source and "mine&lt;b&gt;" in source
    page = Page(source)
    assert (
        "Say <this> & that." in page.text and "out of <memory>; decode less" in page.text and "too <short>" in page.text
    )


def test_each_system_has_its_pictures_with_words_and_units_for_them(source):
    page = Page(source)
    assert [row["data-system"] for row in page.find("article")] == ["reference", "naive", "mine<b>", "tokenizer"]
    panels = [found["class"].split("sbs-")[-1] for found in page.find("div", "sbs-panel")]
    signal, chunks = ["wave", "spectrogram", "f0"], ["arrival", "compute"]
    assert panels == [*signal, "axis", *signal, *chunks, "axis", *signal, *chunks, "axis", *signal, "axis"]
    for picture in (*page.find("svg"), *page.find("img")):
        assert len(picture.get("aria-label") or picture.get("alt")) > 10
    for unit in (
        "amplitude, full scale 1",
        "kHz",
        "Hz",
        "s since the stream began",
        "s of work a s of speech",
        "time (s)",
    ):
        assert unit in page.text


def test_all_rows_share_one_time_axis(source, result):
    """A rendering that is shorter takes as much less of the width."""
    widths = [float(re.search(r"width: ([\d.]+)%", found["style"])[1]) for found in Page(source).find("img")]
    lengths = [len(result.reference), *(len(r.samples) for r in result.renderings.values())]
    assert widths == pytest.approx([100 * length / max(lengths) for length in lengths], abs=0.01)


def test_the_metrics_have_directions_the_best_decoder_and_ceilings(source):
    table = source[source.index('class="sbs-metrics"') :].partition("</table>")[0]
    rows = re.findall(r"<tr[^>]*>.*?</tr>", table, re.DOTALL)
    head, naive, mine, tokenizer, another = rows
    assert re.findall(r"#metric-([a-z_]+)", head) == ["pesq_wb", "mcd", "speaker_similarity"]
    assert "MOS-LQO" in head and "↑" in head and "↓" in head and 'aria-label="lower is better"' in head
    assert "<strong>5.25</strong>" in naive and "<strong>3.12</strong>" in mine and "<strong>2.50" not in naive
    assert "too &lt;short&gt;" in mine and "—" in mine
    assert "ceiling" in tokenizer and "<strong>" not in tokenizer and "not measured" in tokenizer
    assert "another recording" in another and "0.93" in another


def test_chunks_are_a_table_too(source):
    details = re.findall(r"<details>.*?</details>", source, re.DOTALL)
    assert len(details) == 2
    rows = re.findall(r"<tr><td>.*?</tr>", details[0])
    assert len(rows) == -(-len(spoken()[0]) // CHUNK)
    assert re.findall(r"<td>(.*?)</td>", rows[1]) == ["2", "0.24", "240", "0.580", "30.0", "15.0", "5.0"]


def test_nothing_measured_and_silence_are_drawn_all_the_same(result):
    quiet = np.zeros(8000, np.float32)
    bare = LiveRendering(quiet, [], (), [], {}, False, np.full(100, np.nan), {})
    page = Page(side_by_side(replace(result, reference=quiet, reference_f0_hz=np.zeros(0), renderings={"naive": bare})))
    assert not page.find("table")
    assert "nothing voiced" in " ".join(found["aria-label"] for found in page.find("svg"))


def points(path: str) -> np.ndarray:
    return np.array(re.findall(r"(-?[\d.]+) (-?[\d.]+)", path), float)


def test_the_envelope_touches_the_peaks_and_ends_where_the_sound_ends():
    samples = np.zeros(SAMPLE_RATE, np.float32)
    samples[4000], samples[12_000] = 0.5, -0.25
    drawn = points(envelope(samples, STRIP))
    assert drawn[:, 1].min() == 0 and drawn[:, 1].max() == HEIGHT * 0.75
    assert drawn[drawn[:, 1].argmin(), 0] == pytest.approx(WIDTH * 0.25 / STRIP.seconds, abs=1)
    assert drawn[:, 0].max() == pytest.approx(WIDTH / STRIP.seconds, abs=1)


def test_the_contour_is_logarithmic_and_breaks_where_unvoiced():
    drawn = contour(np.array([100.0, 200.0, 0.0, 400.0, 900.0]), STRIP)
    assert drawn.count("M") == 2
    assert points(drawn)[:, 1].tolist() == [HEIGHT, HEIGHT / 2, 0]


def test_arrivals_later_than_their_moment_of_playing_are_counted_with_the_buffer_that_bridges_them():
    samples = np.zeros(4 * CHUNK, np.float32)
    trace = trace_of(samples)
    in_time = arrival_panel(STRIP, Strip.row(samples, np.zeros(0), (), trace))
    trace[2]["arrived_s"] += 0.15
    late = arrival_panel(STRIP, Strip.row(samples, np.zeros(0), (), trace))
    assert "every chunk in time" in in_time.alt
    assert "1 of 4 chunks late, at most by 0.15" in late.alt


@pytest.mark.parametrize("length", [0.4, 1.0, 3.3, 7.0, 20.0])
def test_the_time_axis_has_a_few_round_labels(length):
    ticks = axis_ticks(length)
    assert 3 <= len(ticks) <= 8
    assert all(tick.at == pytest.approx(100 * float(tick.text) / length) for tick in ticks)
