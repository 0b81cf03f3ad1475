"""Layouts of published corpora become manifests, from small trees of the same shape made of real speech."""

from __future__ import annotations

import csv
import io
import json
import tarfile
from pathlib import Path

import numpy as np
import pytest
import soundfile
from typer.testing import CliRunner

from harness.cli import app
from harness.corpus import CorpusError, load_corpus
from harness.readers import READERS
from harness.readers.imports import import_corpus
from streamflow.training.data import Speech


@pytest.fixture(scope="module")
def speech(shipped_corpus):
    """Real speech: (samples, rate) of recording i."""
    paths = sorted(shipped_corpus.parent.glob("*.flac"))

    def one(i: int) -> tuple[np.ndarray, int]:
        return soundfile.read(paths[i % len(paths)], dtype="float32")

    return one


def put(path: Path, audio: tuple[np.ndarray, int], **options) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    soundfile.write(path, *audio, **options)
    return path


def text(path: Path, what: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(what, encoding="utf-8")


def make_librispeech(root: Path, speech) -> Path:
    for i, (split, speaker) in enumerate((("train-clean-100", "19"), ("dev-clean", "84"), ("test-other", "367"))):
        chapter = root / "LibriSpeech" / split / speaker / "198"
        put(chapter / f"{speaker}-198-0000.flac", speech(2 * i))
        put(chapter / f"{speaker}-198-0001.flac", speech(2 * i + 1))
        text(chapter / f"{speaker}-198.trans.txt", f"{speaker}-198-0000 NORTHANGER ABBEY\n{speaker}-198-0001 THE END\n")
    return root / "LibriSpeech"


def make_libritts(root: Path, speech) -> Path:
    for i, (split, speaker) in enumerate((("train-other-500", "20"), ("test-clean", "61"))):
        name = root / split / speaker / "205" / f"{speaker}_205_000001_00000{i}"
        put(name.with_suffix(".wav"), speech(i), subtype="PCM_16")
        text(name.with_suffix(".original.txt"), "Chapter 1,\nin which nothing happens.")
        if i:
            text(name.with_suffix(".normalized.txt"), "Chapter one, in which nothing happens.")
    return root


def make_vctk(root: Path, speech) -> Path:
    for i, speaker in enumerate(("p225", "p226")):
        for microphone in ("mic1", "mic2"):
            put(root / "wav48_silence_trimmed" / speaker / f"{speaker}_001_{microphone}.flac", speech(i))
        text(root / "txt" / speaker / f"{speaker}_001.txt", "Please call Stella.\n")
    return root


def make_ljspeech(root: Path, speech) -> Path:
    put(root / "wavs" / "LJ001-0001.wav", speech(0))
    put(root / "wavs" / "LJ001-0002.wav", speech(1))
    text(root / "metadata.csv", 'LJ001-0001|In 1455 "so"|In fourteen fifty-five "so"\nLJ001-0002|Only plain|\n')
    return root


def emilia_card(name: str, wav: str = "") -> bytes:
    speaker = name.rsplit("_", 1)[0]
    card = {"id": name, "wav": wav, "text": " Well, hello.", "speaker": speaker, "language": "en", "dnsmos": 3.2}
    return json.dumps(card).encode()


def mp3(audio: tuple[np.ndarray, int]) -> bytes:
    buffer = io.BytesIO()
    soundfile.write(buffer, *audio, format="MP3")
    return buffer.getvalue()


def make_emilia(root: Path, speech) -> Path:
    """A shard as on the hub, a jsonl list as first published, and a loose pair."""
    root.mkdir(parents=True, exist_ok=True)
    with tarfile.open(root / "EN-B000000.tar", "w") as tar:
        for i in range(2):
            name = f"EN_B00000_S00000_W00000{i}"
            for suffix, data in ((".json", emilia_card(name)), (".mp3", mp3(speech(i)))):
                member = tarfile.TarInfo(name + suffix)
                member.size = len(data)
                tar.addfile(member, io.BytesIO(data))
    wav = "EN_B00001/EN_B00001_S00000/mp3/EN_B00001_S00000_W000000.mp3"
    (root / wav).parent.mkdir(parents=True)
    (root / wav).write_bytes(mp3(speech(2)))
    (root / "EN_B00001.jsonl").write_bytes(emilia_card("EN_B00001_S00000_W000000", wav) + b"\n")
    (root / "EN_B00002_S00000_W000000.mp3").write_bytes(mp3(speech(3)))
    (root / "EN_B00002_S00000_W000000.json").write_bytes(emilia_card("EN_B00002_S00000_W000000"))
    return root


MAKERS = {
    "emilia": make_emilia,
    "librispeech": make_librispeech,
    "libritts": make_libritts,
    "ljspeech": make_ljspeech,
    "vctk": make_vctk,
}
COUNTS = {"emilia": 4, "librispeech": 6, "libritts": 2, "ljspeech": 2, "vctk": 2}


def rows_of(manifest: Path) -> list[dict[str, str]]:
    with manifest.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


@pytest.mark.parametrize("layout", sorted(READERS))
def test_every_layout_becomes_a_manifest_that_trains_and_decodes(layout, speech, tmp_path):
    folder = MAKERS[layout](tmp_path / "corpus", speech)
    done = import_corpus(layout, folder, tmp_path / "lists" / "manifest.csv")
    assert not done.left and done.recordings == COUNTS[layout]
    corpus = load_corpus(done.manifest)
    assert all(u.path.is_file() and u.text and u.speaker_id.startswith(f"{layout}-") for u in corpus.utterances)
    loaded = Speech([done.manifest], None)
    assert loaded.seconds == pytest.approx(done.seconds, abs=0.01)
    assert all(len(loaded.samples(i)) for i in range(len(loaded)))


@pytest.mark.parametrize("layout", ["librispeech", "libritts"])
def test_splits_are_the_corpus_s_own_and_disjoint_by_speaker(layout, speech, tmp_path):
    folder = MAKERS[layout](tmp_path, speech)
    rows = rows_of(import_corpus(layout, folder, tmp_path / "m.csv").manifest)
    speakers = {split: {r["speaker_id"] for r in rows if r["split"] == split} for split in {r["split"] for r in rows}}
    assert "train" in speakers and len(speakers) > 1
    together = [speaker for names in speakers.values() for speaker in names]
    assert len(together) == len(set(together))
    only = rows_of(import_corpus(layout, folder, tmp_path / "t.csv", splits=["train"]).manifest)
    assert {r["speaker_id"] for r in only} == speakers["train"]


def test_a_split_that_the_corpus_does_not_have_is_refused_and_nothing_written(speech, tmp_path):
    folder = make_librispeech(tmp_path, speech)
    with pytest.raises(CorpusError, match="no split dev-klean; there are dev-clean, test-other, train"):
        import_corpus("librispeech", folder, tmp_path / "m.csv", splits=["dev-klean"])
    assert not (tmp_path / "m.csv").exists() and not list(tmp_path.glob(".*partial"))


def test_the_normalised_text_goes_first_and_quotes_stay(speech, tmp_path):
    libritts = import_corpus("libritts", make_libritts(tmp_path / "a", speech), tmp_path / "a.csv")
    assert {r["text"] for r in rows_of(libritts.manifest)} == {
        "Chapter 1, in which nothing happens.",
        "Chapter one, in which nothing happens.",
    }
    lj = import_corpus("ljspeech", make_ljspeech(tmp_path / "b", speech), tmp_path / "b.csv")
    assert [r["text"] for r in rows_of(lj.manifest)] == ['In fourteen fifty-five "so"', "Only plain"]


def test_what_cannot_be_used_is_told_in_one_line_each_and_the_rest_imported(speech, tmp_path):
    folder = make_librispeech(tmp_path, speech)
    chapter = folder / "dev-clean" / "84" / "198"
    whole = (chapter / "84-198-0000.flac").read_bytes()
    (chapter / "84-198-0000.flac").write_bytes(whole[: len(whole) // 2])  # a copy that broke off
    (chapter / "84-198-0001.flac").write_bytes(b"<html>not found</html>")
    put(chapter / "84-198-0002.flac", speech(4))  # not in the transcripts
    put(folder / "test-other" / "367" / "198" / "367-198-0000.flac", (np.zeros(16_000, np.float32), 16_000))
    arguments = ["corpus", "import", "librispeech", str(folder), "--out", str(tmp_path / "m.csv")]
    result = CliRunner().invoke(app, arguments, catch_exceptions=False)
    assert result.exit_code == 0 and "3 recordings" in result.stdout
    lines = result.stderr.splitlines()
    assert len(lines) == 4
    for name, why in (
        ("84-198-0000", ""),
        ("84-198-0001", "not readable as audio"),
        ("84-198-0002", "no transcript"),
        ("367-198-0000", "silent"),
    ):
        assert any(name in line and why in line for line in lines), (name, lines)
    assert {r["utterance_id"] for r in rows_of(tmp_path / "m.csv")} == {"19-198-0000", "19-198-0001", "367-198-0001"}


def test_a_shard_that_is_cut_off_gives_what_comes_before_the_cut(speech, tmp_path):
    folder = make_emilia(tmp_path / "emilia", speech)
    shard = folder / "EN-B000000.tar"
    data = shard.read_bytes()
    with tarfile.open(shard) as tar:
        second = tar.getmember("EN_B00000_S00000_W000001.mp3")
    shard.write_bytes(data[: second.offset_data + second.size // 2])
    done = import_corpus("emilia", folder, tmp_path / "m.csv")
    assert "EN_B00000_S00000_W000000" in {r["utterance_id"] for r in rows_of(done.manifest)}
    assert done.left and all("damaged" in one.why or "cannot be unpacked" in one.why for one in done.left)


def test_a_shard_cannot_write_outside_its_folder(speech, tmp_path):
    folder = tmp_path / "emilia"
    folder.mkdir()
    with tarfile.open(folder / "EN-B000000.tar", "w") as tar:
        for suffix, data in ((".json", emilia_card("x_y_z")), (".mp3", mp3(speech(0)))):
            member = tarfile.TarInfo(f"../../outside{suffix}")
            member.size = len(data)
            tar.addfile(member, io.BytesIO(data))
    import_corpus("emilia", folder, tmp_path / "m.csv")
    assert not list(tmp_path.glob("outside*"))
    assert [p.name for p in (folder / "EN-B000000").iterdir()] == ["outside.mp3"]


def test_a_second_import_leaves_unpacked_recordings_alone(speech, tmp_path):
    folder = make_emilia(tmp_path / "emilia", speech)
    import_corpus("emilia", folder, tmp_path / "m.csv")
    unpacked = folder / "EN-B000000" / "EN_B00000_S00000_W000000.mp3"
    before = unpacked.stat().st_mtime_ns
    assert import_corpus("emilia", folder, tmp_path / "m.csv").recordings == 4
    assert unpacked.stat().st_mtime_ns == before


@pytest.mark.parametrize("layout", sorted(READERS))
def test_a_folder_of_another_layout_is_refused_in_one_line(layout, tmp_path):
    (tmp_path / "empty").mkdir()
    with pytest.raises(CorpusError) as error:
        import_corpus(layout, tmp_path / "empty", tmp_path / "m.csv")
    assert "\n" not in str(error.value) and not (tmp_path / "m.csv").exists()


def test_an_unknown_layout_names_those_that_there_are(tmp_path):
    with pytest.raises(CorpusError, match="did you mean 'vctk'"):
        import_corpus("vctc", tmp_path, tmp_path / "m.csv")


CONVERTED = {
    "librispeech": ("LibriSpeech/dev-clean/84/198/84-198-0000", "LibriSpeech"),
    "libritts": ("train-other-500/20/205/20_205_000001_000000", ""),
    "ljspeech": ("wavs/LJ001-0001", ""),
    "vctk": ("wav48_silence_trimmed/p225/p225_001_mic1", ""),
}


@pytest.mark.parametrize("suffix", [".flac", ".wav", ".mp3", ".FLAC", ".WAV"])
@pytest.mark.parametrize("layout", sorted(CONVERTED))
def test_a_corpus_that_was_converted_is_the_same_corpus(layout, suffix, speech, tmp_path):
    root = tmp_path / "my Sprache – ö"
    MAKERS[layout](root, speech)
    stem, folder = CONVERTED[layout]
    (original,) = (root / stem).parent.glob(f"{Path(stem).name}.*[vc]")  # wav or flac
    audio = soundfile.read(original, dtype="float32")
    original.unlink()
    put((root / stem).with_suffix(suffix), audio, format=suffix[1:].upper())
    (root / stem).with_name(f"._gone_mic1{suffix}").write_bytes(b"what macOS leaves of a file that went")
    done = import_corpus(layout, root / folder, tmp_path / "my lists" / "m.csv")
    assert not done.left and done.recordings == COUNTS[layout]
    assert sum(r["path"].endswith(suffix) for r in rows_of(done.manifest)) >= 1
    assert len(Speech([done.manifest], None)) == COUNTS[layout]


def test_audio_that_holds_nothing_and_transcripts_that_hold_nothing_are_left_out(speech, tmp_path):
    folder = make_libritts(tmp_path, speech)
    chapter = folder / "train-other-500" / "20" / "205"
    for name in ("a", "b", "c"):
        text(chapter / f"{name}.normalized.txt", "Words.")
    (chapter / "a.wav").write_bytes(b"")
    put(chapter / "b.wav", (np.zeros(0, np.float32), 24_000))
    put(chapter / "c.wav", (np.full(1000, 0.1, np.float32), 24_000))
    put(chapter / "d.wav", speech(1))
    text(chapter / "d.normalized.txt", " \n")
    done = import_corpus("libritts", folder, tmp_path / "m.csv")
    why = {one.path.name: one.why for one in done.left}
    assert done.recordings == 2 and set(why) == {"a.wav", "b.wav", "c.wav", "d.wav"}
    assert "not readable" in why["a.wav"] and why["b.wav"].startswith("0.00 s") and why["c.wav"].startswith("0.04 s")
    assert why["d.wav"] == "no transcript"


def test_transcripts_of_other_editors_read_the_same(speech, tmp_path):
    folder = make_librispeech(tmp_path / "a", speech)
    (table,) = folder.glob("dev-clean/*/*/*.trans.txt")
    table.write_bytes("\ufeff84-198-0000\tÉTÉ\u2028AND MORE\r\n84-198-0001 THE  END\r\n".encode())
    rows = rows_of(import_corpus("librispeech", folder, tmp_path / "a.csv", splits=["dev-clean"]).manifest)
    assert [r["text"] for r in rows] == ["ÉTÉ AND MORE", "THE END"]
    lj = make_ljspeech(tmp_path / "b", speech)
    (lj / "metadata.csv").write_bytes("\ufeffLJ001-0001|x|One\u2028line\r\nLJ001-0002|Only plain|\r\n".encode())
    rows = rows_of(import_corpus("ljspeech", lj, tmp_path / "b.csv").manifest)
    assert [r["utterance_id"] for r in rows] == ["LJ001-0001", "LJ001-0002"]


def test_emilia_cards_without_words_or_with_broken_ones_are_left_out(speech, tmp_path):
    folder = make_emilia(tmp_path / "emilia", speech)
    for name, fields in (
        ("null", {"id": "null", "speaker": "s", "text": None}),
        ("list", {"id": "list", "speaker": "s", "text": ["a"]}),
        ("half", {"id": "half", "speaker": "s", "text": "\ud83d"}),
        ("id", {"id": "\ud83d", "speaker": "s", "text": "Words."}),
        ("lines", {"id": "lines", "speaker": "s", "text": " Two\nlines. "}),
    ):
        (folder / f"{name}.json").write_text(json.dumps(fields))
        (folder / f"{name}.mp3").write_bytes(mp3(speech(1)))
    done = import_corpus("emilia", folder, tmp_path / "m.csv")
    assert {one.path.stem for one in done.left} == {"null", "list", "half", "id"}
    texts = {r["utterance_id"]: r["text"] for r in rows_of(done.manifest)}
    assert texts["lines"] == "Two lines." and "None" not in texts.values()


def test_two_recordings_of_one_name_in_a_shard_are_not_mixed_up(speech, tmp_path):
    folder = tmp_path / "emilia"
    folder.mkdir()
    with tarfile.open(folder / "EN-B000000.tar", "w") as tar:
        for part in "ab":
            for suffix, data in ((".json", emilia_card(part)), (".mp3", mp3(speech(ord(part))))):
                member = tarfile.TarInfo(f"{part}/same{suffix}")
                member.size = len(data)
                tar.addfile(member, io.BytesIO(data))
    done = import_corpus("emilia", folder, tmp_path / "m.csv")
    assert [r["utterance_id"] for r in rows_of(done.manifest)] == ["a"] and "another recording" in done.left[0].why
    assert (folder / "EN-B000000" / "same.mp3").read_bytes() == mp3(speech(ord("a")))
