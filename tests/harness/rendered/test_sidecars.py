"""Manifests and seams that come beside rendered files."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.rendered import RenderedError
from harness.rendered.manifest import Entry, load_manifest, without_suffix
from harness.rendered.seams import check_period, periodic_seams, read_sidecar, within


def _manifest(path: Path, text: str) -> Path:
    path.write_text(text, encoding="utf-8-sig")
    return path


def test_a_manifest_names_files_by_stem_or_utterance_id(tmp_path: Path) -> None:
    path = _manifest(
        tmp_path / "m.csv",
        'utterance_id, speaker_id, stem, text\nu1, anna,"take, one.wav", Hello\nu2,, sub/two ,\n',
    )
    assert load_manifest(path) == [Entry("take, one", "u1", "anna", "Hello"), Entry("sub/two", "u2", "u2")]
    path = _manifest(tmp_path / "n.csv", "utterance_id,split\na b,dev\n")
    assert load_manifest(path) == [Entry("a b", "a b", "a b", "", "dev")]


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "no column"),
        ("file,speaker_id\na,b\n", "no column"),
        ("stem\n", "no rows"),
        ("stem,text\n,hello\n", "line 2 names no file"),
        ("stem\na\na.wav\n", "stem 'a' is on lines 2 and 3"),
        ("stem,utterance_id\na,u\nb,u\n", "utterance_id 'u' is on lines 2 and 3"),
        ("stem,text\na,one,two\n", "line 2 has more values"),
    ],
)
def test_a_manifest_that_cannot_be_used_is_refused(tmp_path: Path, text: str, why: str) -> None:
    with pytest.raises(RenderedError, match=why):
        load_manifest(_manifest(tmp_path / "m.csv", text))


def test_a_manifest_that_is_no_file_or_no_text_is_refused(tmp_path: Path) -> None:
    with pytest.raises(RenderedError, match="no such manifest"):
        load_manifest(tmp_path / "m.csv")
    (tmp_path / "m.csv").write_bytes(b"\xff\xfe\xfa")
    with pytest.raises(RenderedError, match="not readable as CSV"):
        load_manifest(tmp_path / "m.csv")


def test_only_suffixes_of_audio_are_taken_off() -> None:
    assert [without_suffix(name) for name in ("a.wav", "a.b", "./x/a.MP3", "a.")] == ["a", "a.b", "x/a", "a."]


@given(st.floats(0.005, 3.0), st.integers(0, 200_000))
def test_periodic_seams_are_the_multiples_within_the_file(period: float, samples: int) -> None:
    seams = periodic_seams(period, samples)
    assert seams == sorted(set(seams)) and all(0 < seam < samples for seam in seams)
    assert all(abs(seam - place * period * 16_000) <= 0.5 for place, seam in enumerate(seams, start=1))
    assert (len(seams) + 1) * period * 16_000 >= samples - 1


@pytest.mark.parametrize("period", [0.0, -1.0, 0.001, float("nan"), float("inf")])
def test_a_period_that_is_none_is_refused(period: float) -> None:
    with pytest.raises(RenderedError, match="mine: a seam every"):
        check_period("mine", period)


@pytest.mark.parametrize(
    "content",
    [{"seams_s": [0.64, 0.32, 0]}, {"seams": [0, 7680, 15360], "sample_rate": 24_000}, {"seams_s": [0.32, 0.64, 0.64]}],
)
def test_a_sidecar_gives_seconds_or_samples_of_its_rate(tmp_path: Path, content: dict) -> None:
    path = tmp_path / "a.seams.json"
    path.write_text(json.dumps(content))
    assert read_sidecar(path) == [5120, 10240]


@pytest.mark.parametrize(
    "content",
    [
        "{", "[0.32]", "{}", '{"seams": [7680]}', '{"seams": [1], "sample_rate": 0}', '{"seams_s": ["a"]}',
        '{"seams_s": [-1]}', '{"seams_s": [NaN]}', '{"seams_s": [true]}', '{"seams": 3, "sample_rate": 1}',
    ],
)  # fmt: skip
def test_a_sidecar_that_holds_no_seams_is_refused_by_name(tmp_path: Path, content: str) -> None:
    path = tmp_path / "a.seams.json"
    path.write_text(content)
    with pytest.raises(RenderedError, match=r"a\.seams\.json: "):
        read_sidecar(path)


def test_seams_beyond_the_end_belong_to_another_file(tmp_path: Path) -> None:
    assert within(tmp_path, [10, 100], 100) == [10]
    with pytest.raises(RenderedError, match="lasts"):
        within(tmp_path, [10, 102], 100)
