from __future__ import annotations

from pathlib import Path

import pytest

from harness.corpus import CorpusError, load_corpus

HEADER = "utterance_id,speaker_id,path,text,split\n"


def manifest(tmp_path: Path, text: str | bytes) -> Path:
    path = tmp_path / "speech.csv"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def error_of(path: Path, **options) -> str:
    with pytest.raises(CorpusError) as caught:
        load_corpus(path, **options)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_reads_rows_in_order_with_paths_relative_to_the_manifest(tmp_path):
    path = manifest(tmp_path, HEADER + 'b,s1,x/b.wav,"Well, then.",eval\na,s2,a.flac,,train\n')
    corpus = load_corpus(path)
    assert [u.utterance_id for u in corpus.utterances] == ["b", "a"]
    assert corpus.utterances[0].path == tmp_path / "x/b.wav"
    assert corpus.utterances[0].text == "Well, then."
    assert corpus.utterances[0].prompt_path is None
    assert corpus.name == "speech"


def test_prompt_path_is_relative_to_the_manifest_and_may_be_empty(tmp_path):
    path = manifest(tmp_path, "utterance_id,speaker_id,path,prompt_path\na,s,a.wav,p.wav\nb,s,b.wav,\n")
    first, second = load_corpus(path).utterances
    assert first.prompt_path == tmp_path / "p.wav"
    assert second.prompt_path is None


def test_split_and_limit_select(tmp_path):
    path = manifest(tmp_path, HEADER + "a,s,a,,x\nb,s,b,,y\nc,s,c,,x\n")
    assert [u.utterance_id for u in load_corpus(path, split="x").utterances] == ["a", "c"]
    assert [u.utterance_id for u in load_corpus(path, split="x", limit=1).utterances] == ["a"]


def test_a_byte_order_mark_and_spaces_are_no_part_of_names(tmp_path):
    path = manifest(tmp_path, b"\xef\xbb\xbf utterance_id , speaker_id,path\n a , s , a.wav \n")
    assert load_corpus(path).utterances[0].utterance_id == "a"


@pytest.mark.parametrize("column", ["utterance_id", "speaker_id", "path"])
def test_a_missing_column_is_named(tmp_path, column):
    header = ",".join(c for c in ("utterance_id", "speaker_id", "path", "text") if c != column)
    assert f"no column '{column}'" in error_of(manifest(tmp_path, header + "\na,b,c\n"))


def test_a_duplicate_id_is_named_with_both_lines(tmp_path):
    message = error_of(manifest(tmp_path, HEADER + "a,s,a,,\nb,s,b,,\na,s,c,,\n"))
    assert "'a' is on lines 2 and 4" in message


def test_the_line_of_an_empty_value_is_named(tmp_path):
    assert "line 3 has no path" in error_of(manifest(tmp_path, HEADER + "a,s,a,,\nb,s,,,\n"))


def test_an_unquoted_comma_is_refused_rather_than_shifting_columns(tmp_path):
    message = error_of(manifest(tmp_path, "utterance_id,speaker_id,text,path\na,s,Well, then,a.wav\n"))
    assert "line 2" in message
    assert "quote" in message


@pytest.mark.parametrize("name", ["../a", "a/b", ".hidden", "a\\b", "x" * 300])
def test_an_id_that_cannot_name_a_file_is_refused(tmp_path, name):
    assert "cannot name a file" in error_of(manifest(tmp_path, HEADER + f"{name},s,a,,\n"))


def test_unknown_split_names_the_nearest(tmp_path):
    path = manifest(tmp_path, HEADER + "a,s,a,,eval_seen\nb,s,b,,eval_unseen\n")
    assert "did you mean 'eval_unseen'" in error_of(path, split="eval_unsen")


def test_split_of_a_manifest_without_splits_is_refused(tmp_path):
    assert "no column 'split'" in error_of(manifest(tmp_path, "utterance_id,speaker_id,path\na,s,a\n"), split="x")


@pytest.mark.parametrize(
    ("content", "part"),
    [
        ("", "empty"),
        (HEADER, "no utterances"),
        (b"\xff\xfe\x00\x01", "not readable as CSV"),
        (HEADER + '"a,s,a', "not readable as CSV"),
    ],
)
def test_a_file_that_holds_no_manifest_is_refused(tmp_path, content, part):
    assert part in error_of(manifest(tmp_path, content))


def test_a_missing_manifest_and_a_folder_are_refused(tmp_path):
    assert "no such manifest" in error_of(tmp_path / "none.csv")
    assert "a folder" in error_of(tmp_path)


def test_no_audio_file_is_looked_at(tmp_path):
    assert len(load_corpus(manifest(tmp_path, HEADER + "a,s,nowhere.wav,,\n")).utterances) == 1
