"""Which files belong together, and what is said of the others."""

from __future__ import annotations

import os
import unicodedata
from collections.abc import Callable
from pathlib import Path

import pytest

from harness.rendered import RenderedError
from harness.rendered.manifest import Entry
from harness.rendered.matching import match

Folders = Callable[..., dict[str, Path]]


def _touch(*paths: Path) -> None:
    for path in paths:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"not opened here")


def test_files_match_by_stem_whatever_folder_suffix_and_case_of_suffix(tmp_path: Path) -> None:
    _touch(tmp_path / "ref/a b [1].wav", tmp_path / "ref/deep/er/x.y.flac")
    _touch(tmp_path / "sys/x.y.MP3", tmp_path / "sys/other/a b [1].ogg")
    matches = match(tmp_path / "ref", {"s": tmp_path / "sys"})
    assert matches.by == "stem" and [entry.stem for entry in matches.common] == ["a b [1]", "x.y"]
    assert matches.systems["s"]["x.y"].path == tmp_path / "sys/x.y.MP3"
    assert matches.missing == {"s": []} and matches.notes == []


def test_names_in_several_folders_match_by_path(tmp_path: Path) -> None:
    _touch(*(tmp_path / f"ref/{speaker}/001.wav" for speaker in ("anna", "bert")))
    _touch(*(tmp_path / f"sys/{speaker}/001.flac" for speaker in ("anna", "bert")))
    matches = match(tmp_path / "ref", {"s": tmp_path / "sys"})
    assert matches.by == "path" and [entry.utterance_id for entry in matches.common] == ["anna%2F001", "bert%2F001"]


def test_accents_match_across_file_systems(tmp_path: Path) -> None:
    _touch(tmp_path / "ref" / f"{unicodedata.normalize('NFC', 'größe')}.wav")
    _touch(tmp_path / "sys" / f"{unicodedata.normalize('NFD', 'größe')}.wav")
    assert len(match(tmp_path / "ref", {"s": tmp_path / "sys"}).common) == 1


def test_missing_and_additional_files_are_listed(tmp_path: Path) -> None:
    _touch(*(tmp_path / f"ref/{n}.wav" for n in "abc"), *(tmp_path / f"one/{n}.wav" for n in "ab"))
    _touch(*(tmp_path / f"two/{n}.wav" for n in "bcz"))
    matches = match(tmp_path / "ref", {"one": tmp_path / "one", "two": tmp_path / "two"})
    assert [entry.stem for entry in matches.common] == ["b"]
    assert matches.missing == {"one": ["c"], "two": ["a"]}
    assert matches.notes == ["two: without a reference: 1 (z)"]


def test_hidden_and_foreign_files_are_ignored_and_listed(tmp_path: Path) -> None:
    _touch(tmp_path / "ref/a.wav", tmp_path / "ref/.a.wav", tmp_path / "ref/.git/b.wav", tmp_path / "ref/._a.wav")
    _touch(tmp_path / "sys/a.wav", tmp_path / "sys/README.md", tmp_path / "sys/a.npy", tmp_path / "sys/Thumbs.db")
    matches = match(tmp_path / "ref", {"s": tmp_path / "sys"})
    assert [entry.stem for entry in matches.entries] == ["a"]
    assert matches.notes == [
        "reference: ignored, hidden: 3 (._a.wav, .a.wav, .git)",
        "s: ignored, not audio: 3 (README.md, Thumbs.db, a.npy)",
    ]


def test_pipes_and_links_to_nothing_are_ignored_and_listed(tmp_path: Path) -> None:
    _touch(tmp_path / "ref/a.wav", tmp_path / "ref/b.wav", tmp_path / "sys/a.wav")
    os.mkfifo(tmp_path / "sys/b.wav")
    (tmp_path / "sys/c.wav").symlink_to("nowhere.wav")
    matches = match(tmp_path / "ref", {"s": tmp_path / "sys"})
    assert matches.missing == {"s": ["b"]}
    assert matches.notes == ["s: ignored, links to nothing or not regular files: 2 (b.wav, c.wav)"]


def test_links_are_followed_and_circles_end(tmp_path: Path) -> None:
    _touch(tmp_path / "ref/a.wav", tmp_path / "elsewhere/a.wav")
    (tmp_path / "sys").mkdir()
    (tmp_path / "sys/linked").symlink_to(tmp_path / "elsewhere")
    (tmp_path / "elsewhere/back").symlink_to(tmp_path / "sys")
    assert len(match(tmp_path / "ref", {"s": tmp_path / "sys"}).common) == 1


def test_folders_within_one_another_are_not_entered_twice(tmp_path: Path) -> None:
    _touch(tmp_path / "all/a.wav", tmp_path / "all/s/a.wav", tmp_path / "all/run/audio/s/a.flac")
    matches = match(tmp_path / "all", {"s": tmp_path / "all/s"}, run=tmp_path / "all/run")
    assert [entry.stem for entry in matches.common] == ["a"] and matches.by == "stem"


@pytest.mark.parametrize("folder", ["ref", "sys"])
@pytest.mark.parametrize("twin", ["a.flac", unicodedata.normalize("NFD", "é") + ".wav"])
def test_a_stem_that_is_there_twice_is_refused_by_name(tmp_path: Path, folder: str, twin: str) -> None:
    for name in ("ref", "sys"):
        _touch(tmp_path / name / "a.wav", tmp_path / name / f"{unicodedata.normalize('NFC', 'é')}.wav")
    _touch(tmp_path / folder / twin)
    with pytest.raises(RenderedError, match=r"is there twice .* and ") as refused:
        match(tmp_path / "ref", {"s": tmp_path / "sys"})
    assert twin in str(refused.value)


def test_a_stem_twice_in_folders_of_a_system_is_refused_unless_nobody_asks_for_it(tmp_path: Path) -> None:
    _touch(tmp_path / "ref/a.wav", tmp_path / "sys/a.wav", tmp_path / "sys/old/z.wav", tmp_path / "sys/new/z.wav")
    assert match(tmp_path / "ref", {"s": tmp_path / "sys"}).missing == {"s": []}
    _touch(tmp_path / "sys/old/a.wav")
    with pytest.raises(RenderedError, match="'a' is there twice"):
        match(tmp_path / "ref", {"s": tmp_path / "sys"})


def test_a_file_that_no_library_here_reads_counts_as_there_unless_it_has_a_readable_twin(tmp_path: Path) -> None:
    _touch(tmp_path / "ref/a.wav", tmp_path / "ref/b.wav", tmp_path / "sys/a.m4a", tmp_path / "sys/b.m4a")
    _touch(tmp_path / "sys/b.wav")
    matches = match(tmp_path / "ref", {"s": tmp_path / "sys"})
    assert matches.systems["s"]["a"].path.suffix == ".m4a" and matches.systems["s"]["b"].path.suffix == ".wav"
    assert matches.notes == ["s: ignored, not audio: 1 (b.m4a)"]


def test_the_manifest_decides_what_is_compared_and_in_which_order(tmp_path: Path) -> None:
    _touch(*(tmp_path / f"{folder}/{n}.wav" for folder in ("ref", "sys") for n in "abc"))
    entries = [Entry("c", "C", "x"), Entry("q", "Q", "x"), Entry("a", "A", "y")]
    matches = match(tmp_path / "ref", {"s": tmp_path / "sys"}, entries=entries)
    assert [entry.utterance_id for entry in matches.common] == ["C", "A"]
    assert matches.notes == [
        "reference: not in the manifest: 1 (b)",
        "reference: in the manifest without a recording: 1 (q)",
    ]


def test_what_cannot_be_compared_at_all_is_refused(tmp_path: Path) -> None:
    _touch(tmp_path / "ref/a.wav", tmp_path / "sys/b.wav", tmp_path / "none/readme.txt")
    for systems, why in (
        ({"s": tmp_path / "sys"}, "there is 'b', expected is such as 'a'"),
        ({"s": tmp_path / "none"}, "s: no audio files"),
        ({"s": tmp_path / "gone"}, "no such folder"),
        ({"s": tmp_path / "ref/a.wav"}, "a file, not a folder"),
        ({"reference": tmp_path / "sys"}, "'reference'"),
        ({"a/b": tmp_path / "sys"}, "cannot name a folder"),
        ({}, "no systems"),
    ):
        with pytest.raises(RenderedError, match=why):
            match(tmp_path / "ref", systems)
    with pytest.raises(RenderedError, match="none of its files is in the manifest"):
        match(tmp_path / "ref", {"s": tmp_path / "sys"}, entries=[Entry("z", "z", "z")])
