"""``streamflow study``: from recordings to an opened study, as a newcomer types it."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
import soundfile
from typer.testing import CliRunner

from harness.cli import app
from listening_tests.opening import load_open_study
from listening_tests.study import load_study


@pytest.fixture()
def recordings(tmp_path: Path, shipped_corpus: Path) -> dict[str, Path]:
    """Two systems of four sentences: the shipped recordings, and the same quieter and shorter."""
    folders = {name: tmp_path / "wav" / name for name in ("old", "new")}
    for folder in folders.values():
        folder.mkdir(parents=True)
    for path in sorted(shipped_corpus.parent.glob("flite_awb_*.flac"))[:4]:
        shutil.copy(path, folders["old"])
        samples, rate = soundfile.read(path, dtype="float32")
        soundfile.write(folders["new"] / path.name, 0.5 * samples[: int(0.9 * len(samples))], rate)
    return folders


def study(*given: object) -> tuple[int, str]:
    done = CliRunner().invoke(app, ["study", *map(str, given)])
    if done.exception and not isinstance(done.exception, SystemExit):
        raise done.exception
    return done.exit_code, done.output


def create(recordings: dict[str, Path], out: Path, *more: object) -> tuple[int, str]:
    folders = [argument for name, path in recordings.items() for argument in ("--folder", f"{name}={path}")]
    return study("create", *folders, "--out", out, *more)


def test_a_study_is_made_of_folders_opened_and_closed(recordings, tmp_path):
    out = tmp_path / "studies" / "first"
    code, said = create(recordings, out, "--protocol", "ab", "--listeners", 8)
    assert code == 0 and "4 sentences" in said and f"streamflow study open {out}" in said
    made = load_study(out)
    assert made.systems == ("old", "new") and made.design.listeners == 8
    code, said = study("open", out)
    assert code == 0 and "/s/" in said
    opened = load_open_study(out)
    assert opened.state == "open" and opened.token in said
    assert study("close", out)[0] == 0 and opened.state == "closed"
    frozen = json.loads((out / "frozen.json").read_text())
    assert frozen["study"] == made.hash()


def test_what_was_frozen_cannot_be_changed(recordings, tmp_path):
    out = tmp_path / "first"
    create(recordings, out)
    study("open", out)
    file = out / "study.toml"
    file.write_text(file.read_text().replace("failed_traps = 0.5", "failed_traps = 0.9"))
    code, said = study("open", out)
    assert code == 2 and "study.toml: has changed" in said.replace("\n", " ")


@pytest.mark.parametrize(
    ("more", "says"),
    [
        (["--protocol", "abc"], "did you mean"),
        (["--headphones", "wods"], "woods"),
        (["--protocol", "mushra"], "reference"),
        (["--protocol", "ab", "--systems", "old"], "at least two"),
    ],
)
def test_a_mistake_is_one_line_and_leaves_nothing_behind(recordings, tmp_path, more, says):
    out = tmp_path / "first"
    code, said = create(recordings, out, *more)
    assert code == 2 and says in said and said.startswith("error: ") and said.count("\n") == 1
    assert not (out / "study.toml").exists()


def test_a_second_study_does_not_overwrite_the_first(recordings, tmp_path):
    out = tmp_path / "first"
    create(recordings, out)
    before = (out / "study.toml").read_bytes()
    code, said = create(recordings, out, "--seed", 5)
    assert code == 2 and "already" in said and (out / "study.toml").read_bytes() == before


def test_invitations_are_links_of_their_own(recordings, tmp_path):
    out = tmp_path / "first"
    create(recordings, out)
    study("open", out)
    code, said = study("invite", out, "--count", 3, "--address", "https://listen.example.org/")
    links = said.split()
    assert code == 0 and len(set(links)) == 3
    assert all(link.startswith("https://listen.example.org/s/") and "?invitation=" in link for link in links)


def test_a_draft_is_not_monitored_and_says_what_to_do(recordings, tmp_path):
    out = tmp_path / "first"
    create(recordings, out)
    code, said = study("monitor", out)
    assert code == 2 and "streamflow study open" in said


def test_a_code_that_was_never_given_is_told_by_the_exit_code(recordings, tmp_path):
    out = tmp_path / "first"
    create(recordings, out)
    study("open", out)
    code, said = study("check-code", out, "AAAA-BBBB-CCCC-DDDD")
    assert code == 1 and "NOT given" in said


def test_every_verb_has_an_example():
    code, said = study("--help")
    verbs = [line.split()[1] for line in said.splitlines() if line.startswith("│ ") and not line.startswith("│ --")]
    verbs = [verb for verb in verbs if verb.isidentifier() or "-" in verb]
    shown = [verb for verb in verbs if verb in COMMANDS]
    assert code == 0 and set(shown) == COMMANDS
    for verb in COMMANDS - {"protocols"}:
        assert f"streamflow study {verb}" in study(verb, "--help")[1], verb


COMMANDS = {
    "create", "protocols", "open", "close", "invite", "monitor", "analyse", "export", "plan", "simulate", "check-code", "forget"
}  # fmt: skip
