"""Folders into a run: complete, again, after a kill, and with files that cannot be used."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tomllib
import tracemalloc
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import soundfile
from rich.progress import Progress

from harness import toml
from harness.rendered import Imported, RenderedError, description, import_rendered
from harness.run import RunFolder

Folders = Callable[..., dict[str, Path]]


@pytest.fixture
def settled(monkeypatch: pytest.MonkeyPatch) -> None:
    """Trust the times of files however young they are: a test does not wait for them to settle."""
    monkeypatch.setattr("harness.rendered.intake.SETTLED_NS", -(10**15))


def _import(folders: dict[str, Path], run: Path, **options: object) -> Imported:
    systems = {name: path for name, path in folders.items() if name != "ref"}
    return import_rendered(folders["ref"], systems, RunFolder(run), **options)


def _content(run: Path) -> dict[str, bytes]:
    return {str(path.relative_to(run)): path.read_bytes() for path in sorted(run.rglob("*.flac"))}


def test_a_run_holds_what_the_files_hold(tmp_path: Path, folders: Folders, speech: list[np.ndarray]) -> None:
    imported = _import(folders(ref=["a [1]", "b"], s=["a [1]", "b"]), tmp_path / "run")
    run = RunFolder(tmp_path / "run")
    assert [utterance.utterance_id for utterance in imported.utterances] == ["a [1]", "b"]
    assert set(imported.renderings) == {("s", "a [1]", 0), ("s", "b", 0)}
    for place, name in enumerate(("a [1]", "b")):
        for path in (run.audio("s", name), run.reference(name)):
            np.testing.assert_allclose(soundfile.read(path)[0], speech[place], atol=1.01 / 32768)
        assert imported.renderings["s", name, 0].audio == run.audio("s", name)
    assert (imported.read, imported.kept, imported.failures) == (4, 0, [])


def test_an_utterance_that_one_system_lacks_is_compared_for_none_and_listed(tmp_path: Path, folders: Folders) -> None:
    given = folders(ref=["a", "b", "c"], one=["a", "b", "c"], two=["a", "c"])
    imported = _import(given, tmp_path / "run")
    assert sorted(imported.renderings) == [(s, u, 0) for s in ("one", "two") for u in ("a", "c")]
    assert imported.compared == ["a", "c"]
    assert [utterance.utterance_id for utterance in imported.utterances] == ["a", "b", "c"]  # the corpus is what it is
    assert RunFolder(tmp_path / "run").reference("b").is_file()
    assert [(row.system, row.utterance, row.stage) for row in imported.failures] == [("two", "b", "load")]
    assert "two: missing: 1 (b)" in imported.notes
    assert "compared on the 2 of 3 utterances that all have" in imported.notes
    every = _import(given, tmp_path / "run", common=False)
    assert every.compared == ["a", "b", "c"] and len(every.renderings) == 5


@pytest.mark.parametrize("where", ["ref", "one"])
def test_a_file_that_cannot_be_used_costs_its_utterance_and_is_a_row(
    tmp_path: Path, folders: Folders, where: str
) -> None:
    given = folders(ref=["a", "b"], one=["a", "b"], two=["a", "b"])
    (given[where] / "a.wav").write_text("not audio")
    imported = _import(given, tmp_path / "run")
    assert imported.compared == ["b"]
    costs = ["one", "two"] if where == "ref" else ["one"]
    assert [(row.system, row.utterance) for row in imported.failures] == [(name, "a") for name in costs]
    assert all("not readable as audio" in row.error for row in imported.failures)


def test_nothing_left_to_compare_is_an_error_with_the_first_reason(tmp_path: Path, folders: Folders) -> None:
    given = folders(ref=["a"], s=["a"])
    (given["s"] / "a.wav").write_bytes(b"")
    with pytest.raises(RenderedError, match=r"nothing can be compared: .*an empty file"):
        _import(given, tmp_path / "run")
    with pytest.raises(RenderedError, match="no recording is there for all of one, two"):
        _import(folders(ref=["a", "b"], one=["a"], two=["b"]), tmp_path / "run")


def test_seams_come_from_a_sidecar_or_a_period(tmp_path: Path, folders: Folders) -> None:
    given = folders(ref=["a", "b"], s=["a", "b"], t=["a", "b"])
    (given["s"] / "a.seams.json").write_text('{"seams_s": [0.5, 1.0]}')
    imported = _import(given, tmp_path / "run", seam_periods={"s": 0.32})
    assert imported.renderings["s", "a", 0].seams == (8000, 16000)
    assert imported.renderings["s", "b", 0].seams[:3] == (5120, 10240, 15360)
    assert imported.renderings["t", "a", 0].seams == ()
    record = json.loads(RunFolder(tmp_path / "run").rendering_record("s", "a").read_text())
    assert record["trace"] == [{"seam_sample": 8000}, {"seam_sample": 16000}] and record["latency"] is None
    (given["s"] / "a.seams.json").write_text('{"seams_s": [0.25]}')
    again = _import(given, tmp_path / "run", seam_periods={"s": 0.32})
    assert again.renderings["s", "a", 0].seams == (4000,) and again.read == 1


def test_seams_of_another_file_make_a_row(tmp_path: Path, folders: Folders) -> None:
    given = folders(ref=["a", "b"], s=["a", "b"])
    (given["s"] / "a.seams.json").write_text('{"seams_s": [60]}')
    imported = _import(given, tmp_path / "run")
    assert [row.utterance for row in imported.failures] == ["a"] and "a.seams.json" in imported.failures[0].error


def test_a_manifest_gives_speakers_texts_ids_and_splits(tmp_path: Path, folders: Folders) -> None:
    given = folders(ref=["a", "b", "c"], s=["a", "b", "c"])
    manifest = tmp_path / "m.csv"
    manifest.write_text("stem,utterance_id,speaker_id,text,split\nb,u2,anna,Hello,dev\na,u1,bert,Bye,test\n")
    imported = _import(given, tmp_path / "run", manifest=manifest)
    assert [(u.utterance_id, u.speaker_id, u.text) for u in imported.utterances] == [
        ("u2", "anna", "Hello"), ("u1", "bert", "Bye"),
    ]  # fmt: skip
    assert [u.utterance_id for u in _import(given, tmp_path / "run", manifest=manifest, split="dev").utterances] == [
        "u2"
    ]
    with pytest.raises(RenderedError, match=r"split 'train'.*dev, test"):
        _import(given, tmp_path / "run", manifest=manifest, split="train")


def test_without_a_manifest_each_utterance_is_a_speaker_and_a_note_says_so(tmp_path: Path, folders: Folders) -> None:
    imported = _import(folders(ref=["a", "b"], s=["a", "b"]), tmp_path / "run")
    assert len({utterance.speaker_id for utterance in imported.utterances}) == 2
    assert any("speakers unknown" in note for note in imported.notes)


def test_notes_say_what_bears_on_the_scores(tmp_path: Path, folders: Folders, write: Callable[..., Path]) -> None:
    given = folders(ref=["a", "b"], s=["a"])
    write(given["s"] / "b.wav", 1, rate=8_000, channels=2)
    soundfile.write(given["s"] / "a.wav", 3 * soundfile.read(given["s"] / "a.wav")[0], 16_000, subtype="FLOAT")
    notes = "\n".join(_import(given, tmp_path / "run").notes)
    assert "s: files of less than 16000 Hz, whose upper band is empty: 1 at 8000 Hz" in notes
    assert "s: files of several sample rates: 1 at 8000 Hz, 1 at 16000 Hz" in notes
    assert "s: files of several channels, averaged: 1" in notes
    assert "s: files beyond full scale, clipped: 1 (" in notes


def test_a_limit_takes_the_first_and_misses_nothing_beyond_them(tmp_path: Path, folders: Folders) -> None:
    imported = _import(folders(ref=["a", "b", "c", "d"], s=["a", "c"]), tmp_path / "run", limit=1)
    assert [u.utterance_id for u in imported.utterances] == ["a"] and imported.failures == []


# again


def test_files_that_did_not_change_are_not_opened_again(tmp_path: Path, folders: Folders, settled: None) -> None:
    given = folders(ref=["a", "b"], s=["a", "b"])
    first = _import(given, tmp_path / "run")
    before, opened = _content(tmp_path / "run"), []
    sys.addaudithook(lambda event, args: opened.append(str(args[0])) if event == "open" else None)
    again = _import(given, tmp_path / "run")
    opened = [name for name in opened if str(given["ref"]) in name or str(given["s"]) in name]
    assert (again.read, again.kept, opened) == (0, 4, [])
    assert again.renderings == first.renderings and _content(tmp_path / "run") == before


def test_young_files_are_hashed_but_not_decoded_again(tmp_path: Path, folders: Folders) -> None:
    given = folders(ref=["a"], s=["a"])
    _import(given, tmp_path / "run")
    again = _import(given, tmp_path / "run")
    assert (again.read, again.kept) == (0, 2)


def test_a_file_that_changed_within_its_size_and_mtime_is_read_again(
    tmp_path: Path, folders: Folders, settled: None
) -> None:
    given = folders(ref=["a", "b"], s=["a", "b"])
    first, path = _import(given, tmp_path / "run"), given["s"] / "a.wav"
    stat, content = path.stat(), bytearray(path.read_bytes())
    content[1000:3000] = bytes(255 - byte for byte in content[1000:3000])
    path.write_bytes(content)
    os.utime(path, ns=(stat.st_atime_ns, stat.st_mtime_ns))
    assert (path.stat().st_size, path.stat().st_mtime_ns) == (stat.st_size, stat.st_mtime_ns)
    again = _import(given, tmp_path / "run")
    assert again.read == 1
    assert again.renderings["s", "a", 0].audio_sha256 != first.renderings["s", "a", 0].audio_sha256
    assert again.inputs_sha256["s"] != first.inputs_sha256["s"]
    assert again.inputs_sha256["reference"] == first.inputs_sha256["reference"]


def test_another_loudness_reads_everything_again(tmp_path: Path, folders: Folders, settled: None) -> None:
    given = folders(ref=["a"], s=["a"])
    _import(given, tmp_path / "run")
    assert _import(given, tmp_path / "run", loudness=-23.0).read == 2


def test_a_rendering_that_went_bad_is_taken_out_of_the_run(tmp_path: Path, folders: Folders) -> None:
    given = folders(ref=["a", "b"], s=["a", "b"])
    _import(given, tmp_path / "run")
    (given["s"] / "a.wav").write_bytes(b"RIFF")
    assert [row.utterance for row in _import(given, tmp_path / "run").failures] == ["a"]
    assert not RunFolder(tmp_path / "run").audio("s", "a").exists()


def test_a_rendering_whose_file_is_gone_is_taken_out_of_the_run(tmp_path: Path, folders: Folders) -> None:
    given = folders(ref=["a", "b"], s=["a", "b"], t=["a", "b"])
    _import(given, tmp_path / "run")
    (given["s"] / "a.wav").unlink()
    assert _import(given, tmp_path / "run").compared == ["b"]
    left = sorted((tmp_path / "run/audio").rglob("*.flac"))
    assert tmp_path / "run/audio/s/a.flac" not in left and tmp_path / "run/audio/reference/a.flac" in left


def test_audio_damaged_in_the_run_is_made_again(tmp_path: Path, folders: Folders, settled: None) -> None:
    given = folders(ref=["a"], s=["a"])
    _import(given, tmp_path / "run")
    before, path = _content(tmp_path / "run"), RunFolder(tmp_path / "run").audio("s", "a")
    path.write_bytes(path.read_bytes()[:100])
    assert _import(given, tmp_path / "run").read == 1 and _content(tmp_path / "run") == before


KILLED = """
import os, signal, sys
from pathlib import Path
from rich.progress import Progress
from harness.rendered import import_rendered
from harness.run import RunFolder

class Fatal(Progress):
    done = 0
    def update(self, *args, **kwargs):
        self.done += 1
        if self.done == 9:
            os.kill(os.getpid(), signal.SIGKILL)

root = Path(sys.argv[1])
import_rendered(root / "ref", {"s": root / "s"}, RunFolder(root / "run"), progress=Fatal(disable=True), jobs=2)
"""


def test_an_import_killed_in_the_middle_goes_on_and_ends_as_one_that_was_not(tmp_path: Path, folders: Folders) -> None:
    given = folders(ref=[f"u{n}" for n in range(12)], s=[f"u{n}" for n in range(12)])
    ended = subprocess.run([sys.executable, "-c", KILLED, str(tmp_path)], check=False)
    assert ended.returncode == -signal.SIGKILL
    resumed = _import(given, tmp_path / "run")
    assert resumed.kept >= 9 and resumed.read + resumed.kept == 24
    _import(given, tmp_path / "whole")
    assert _content(tmp_path / "run") == _content(tmp_path / "whole")


def test_results_do_not_depend_on_how_many_are_read_at_a_time(tmp_path: Path, folders: Folders) -> None:
    given = folders(ref=[f"u{n}" for n in range(6)], s=[f"u{n}" for n in range(5)], t=[f"u{n}" for n in range(6)])
    one, four = (_import(given, tmp_path / str(jobs), jobs=jobs) for jobs in (1, 4))
    assert _content(tmp_path / "1") == _content(tmp_path / "4")
    assert list(one.renderings) == list(four.renderings) and one.notes == four.notes
    assert (one.failures, one.inputs_sha256) == (four.failures, four.inputs_sha256)


def test_the_bar_counts_every_file(tmp_path: Path, folders: Folders) -> None:
    progress = Progress(disable=True)
    _import(folders(ref=["a", "b"], s=["a", "b"]), tmp_path / "run", progress=progress)
    assert [(task.total, task.completed) for task in progress.tasks] == [(4, 4)]


def test_audio_is_not_held_beyond_the_files_being_read(tmp_path: Path, folders: Folders) -> None:
    given = folders(ref=[], s=[])
    rng = np.random.default_rng(0)
    for name in (f"u{n:02}" for n in range(20)):
        for folder in given.values():
            soundfile.write(folder / f"{name}.wav", rng.normal(0, 0.1, 20 * 16_000), 16_000)
    tracemalloc.start()
    _import(given, tmp_path / "run", jobs=1)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 40 * 20 * 16_000 * 4 / 2  # half of what all the audio would take


def test_a_full_disk_ends_the_import_with_a_clear_line(tmp_path: Path, folders: Folders) -> None:
    given = folders(ref=["a"], s=["a"])
    code = (
        "import resource, sys; from pathlib import Path\n"
        "from harness.failures import DiskFullError\nfrom harness.rendered import import_rendered\n"
        "from harness.run import RunFolder\nimport signal\nsignal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))\nroot = Path(sys.argv[1])\n"
        "try:\n    import_rendered(root / 'ref', {'s': root / 's'}, RunFolder(root / 'run'))\n"
        "except DiskFullError as error:\n    print(error)\n"
    )
    ended = subprocess.run([sys.executable, "-c", code, str(tmp_path)], capture_output=True, text=True, check=True)
    assert "no space left" in ended.stdout and given


def test_the_description_goes_into_toml_and_back(tmp_path: Path, folders: Folders) -> None:
    given = folders(ref=["a"], s=["a"])
    imported = _import(given, tmp_path / "run", seam_periods={"s": 0.5}, loudness=-23.0)
    table = description(given["ref"], {"s": given["s"]}, imported, loudness=-23.0, seam_periods={"s": 0.5})
    back = tomllib.loads(toml.dumps({"rendered": table}))["rendered"]
    assert back == {key: value for key, value in table.items() if value is not None}
    assert back["systems"] == {"s": str(given["s"])} and set(back["sha256"]) == {"reference", "s"}
    assert "-23 LUFS" in back["policy"] and back["seam_periods_s"] == {"s": 0.5}


def test_a_period_for_a_system_that_there_is_not_is_refused(tmp_path: Path, folders: Folders) -> None:
    with pytest.raises(RenderedError, match="no such system; there are s"):
        _import(folders(ref=["a"], s=["a"]), tmp_path / "run", seam_periods={"t": 0.5})
