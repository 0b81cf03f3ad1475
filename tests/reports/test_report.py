"""The report as a file: what is in it, what lies beside it, and that it needs nothing else."""

from __future__ import annotations

import base64
import csv
import io
import re
import shutil
from pathlib import Path
from urllib.parse import unquote

import numpy as np
import pytest
import soundfile
from make_run import HOSTILE, SYSTEMS, speech
from page_document import Document

from harness.run import Run, RunError, RunFolder
from reports import write_report

FETCHING = {"src", "href", "srcset", "data", "action", "poster", "background", "formaction", "ping", "xlink:href"}


@pytest.fixture(scope="module")
def embedded(run_path: Path, tmp_path_factory: pytest.TempPathFactory) -> Document:
    out = tmp_path_factory.mktemp("embedded") / "alone.html"
    document = Document(write_report(run_path, out, embed=True).read_text(encoding="utf-8"))
    assert [path.name for path in out.parent.iterdir()] == ["alone.html"]
    return document


def referred(document: Document) -> list[str]:
    return [attributes[name] or "" for _, attributes in document.tags for name in FETCHING & set(attributes)]


def test_with_everything_inside_it_refers_to_nothing_outside(embedded: Document) -> None:
    assert all(re.match(r"#|data:", address) for address in referred(embedded))
    assert not embedded.all("link") and not embedded.all("iframe") and not embedded.all("object")


def test_what_it_refers_to_lies_beside_it_in_the_run(report: Path, run_path: Path, document: Document) -> None:
    addresses = [address for address in referred(document) if not re.match(r"#|data:", address)]
    assert len(addresses) > 50 and not document.all("link")
    for address in addresses:
        assert not re.match(r"[a-z]+:|/", address), f"{address} is no relative address"
        path = (report.parent / unquote(address)).resolve()
        assert path.is_file() and path.is_relative_to(run_path.resolve()), address


def test_its_style_loads_nothing(page: str) -> None:
    style = re.search(r"<style>(.*?)</style>", page, re.S)[1]
    assert "url(" not in style and "@import" not in style


def _rules(document: Document) -> dict[str, str]:
    (policy,) = document.all("meta", **{"http-equiv": "Content-Security-Policy"})
    return dict(rule.strip().split(" ", 1) for rule in policy["content"].split(";"))


def test_its_policy_allows_its_own_scripts_and_no_request(document: Document, embedded: Document) -> None:
    for rules in (_rules(document), _rules(embedded)):
        assert rules["default-src"] == "'none'"
        assert "unsafe" not in rules["script-src"] and "connect-src" not in rules
        assert all("http" not in rule and "*" not in rule for rule in rules.values())
    assert "file:" not in str(_rules(embedded)) and "self" not in str(_rules(embedded))


def test_every_system_has_a_row_in_the_results_and_in_every_utterance(page: str, document: Document) -> None:
    results = re.search(r'<table class="data" id="main-table".*?</table>', page, re.S)[0]
    players = re.findall(r'<table class="players">.*?</table>', page, re.S)
    assert len(players) == len(speech())  # few enough for all
    for system in SYSTEMS:
        for part in (results, *players):
            assert system in Document(part).text


def test_every_utterance_appears_with_its_text(document: Document) -> None:
    for utterance in speech():
        assert utterance["utterance_id"] in document.text
        assert " ".join(utterance["text"].split()) in document.text


def test_names_texts_and_errors_are_text_and_never_markup(page: str, document: Document) -> None:
    assert document.text.count(HOSTILE) >= 3  # what was said, what failed, why unscored
    assert HOSTILE not in page
    assert "onerror=alert(1)" not in str([a for _, a in document.tags if "onerror" in a])
    assert len(document.all("script")) == page.count("</script>"), "a script ends early"


def test_a_failed_rendering_is_failed_and_never_zero(page: str) -> None:
    last = re.findall(r'<table class="players">.*?</table>', page, re.S)[-1]
    row = next(row for row in re.findall(r"<tr.*?</tr>", last, re.S) if ">naive<" in row)
    assert "<audio" not in row and "decode: ValueError" in row
    assert re.findall(r"<td(?! class=.sound)[^>]*>([^<]*)</td>", row) == ["failed"] * 3


def test_an_unscored_value_is_unscored_and_never_zero(page: str, document: Document) -> None:
    row = next(row for row in re.findall(r"<tr.*?</tr>", page, re.S) if "Play full, flite_rms_1" in row)
    scores = re.findall(r"<td(?! class=.sound)[^>]*>([^<]*)<", row)
    assert scores[0] == "unscored" and len(scores) == 3 and "unscored" not in scores[1:]
    assert "n 5, 1 unscored" in document.text


@pytest.mark.parametrize("kind", ["linked", "embedded"])
def test_every_player_has_the_runs_audio_without_loss_and_waits_to_be_started(
    run_path: Path, report: Path, document: Document, embedded: Document, kind: str
) -> None:
    audio = (document if kind == "linked" else embedded).all("audio")
    assert len(audio) == len(speech()) * (len(SYSTEMS) + 1) - 1  # and the reference; one failed
    assert all("autoplay" not in a and a["preload"] == "none" for a in audio)
    run, first = Run(run_path), speech()[0]["utterance_id"]
    expected = [run.reference(first), *(run.audio(system, first) for system in SYSTEMS)]
    for attributes, samples in zip(audio, expected, strict=False):
        np.testing.assert_array_equal(_decode(attributes["src"], report.parent), samples)


def _decode(address: str, folder: Path) -> np.ndarray:
    if address.startswith("data:audio/flac;base64,"):
        return soundfile.read(io.BytesIO(base64.b64decode(address.partition(",")[2])), dtype="float32")[0]
    return soundfile.read(folder / unquote(address), dtype="float32")[0]


def test_every_table_lies_beside_the_page_with_the_numbers_in_full(
    run_path: Path, report: Path, document: Document
) -> None:
    tables = report.parent / "tables"
    shown = [attributes["id"] for attributes in document.all("table") if attributes.get("id")]
    assert {path.name for path in tables.iterdir()} == {
        *(f"{name}.{kind}" for name in shown for kind in ("csv", "tex", "md")), "methods.txt", "scores.csv",
    }  # fmt: skip
    rows = list(csv.DictReader(io.StringIO((tables / "main-table.csv").read_text(encoding="utf-8"))))
    scores = Run(run_path).scores()
    own = scores[(scores["system"] == "full") & (scores["metric"] == "stoi")]["value"]
    full = next(row for row in rows if row["system"] == "full")
    wide = list(csv.DictReader(io.StringIO((tables / "scores.csv").read_text(encoding="utf-8"))))
    assert [float(row["stoi"]) for row in wide if row["system"] == "full" and row["stoi"]] == pytest.approx(
        own.dropna().tolist()
    )
    assert len(wide) == len(SYSTEMS) * len(speech()) - 1
    assert float(full["stoi"]) == pytest.approx(own.mean(), rel=1e-9) and full["stoi n"] == "5"


def test_the_same_run_gives_the_same_bytes(run_path: Path, page: str, tmp_path: Path) -> None:
    copy = tmp_path / run_path.name
    shutil.copytree(run_path, copy, ignore=shutil.ignore_patterns("report"))
    assert write_report(copy).read_text(encoding="utf-8") == page
    before = {path: path.stat().st_mtime_ns for path in (copy / "report" / "media").glob("*.png")}
    assert write_report(copy).read_text(encoding="utf-8") == page
    assert {path: path.stat().st_mtime_ns for path in (copy / "report" / "media").glob("*.png")} == before


def test_a_view_is_made_again_when_its_audio_has_changed(run_path: Path, tmp_path: Path) -> None:
    copy = tmp_path / "copy"
    shutil.copytree(run_path, copy)
    pictures = lambda: {path.name for path in (copy / "report" / "media").glob("*.png")}  # noqa: E731
    before = pictures()
    shutil.copy(copy / "audio" / "full" / "flite_slt_1.flac", copy / "audio" / "naive" / "flite_slt_1.flac")
    write_report(copy)
    assert len(before - pictures()) == 1  # gone; that of full serves both


def test_a_rendering_takes_little_so_that_sixty_utterances_of_eight_systems_stay_below_15_megabytes(
    report: Path, page: str
) -> None:
    players = page[page.index('id="utterances"') : page.index('id="explorer"')]
    pictures = [path.stat().st_size for path in (report.parent / "media").glob("*.png")]
    each = len(players.encode()) / page.count('class="player"') + np.mean(pictures)
    assert 60 * 9 * each < 15e6 - 4.9e6 - 2.5e6  # beside plotly, and the figures of thirty metrics


def test_utterances_past_the_limit_are_left_out_and_that_is_said(run_path: Path, tmp_path: Path) -> None:
    short = Document(write_report(run_path, tmp_path / "short.html", most_players=3).read_text(encoding="utf-8"))
    assert len(short.all("section", **{"class": "utterance"})) == 3
    assert "3 of 6 utterances have players" in short.text


def test_a_long_utterance_gives_way_when_the_page_would_grow_too_large(run_path: Path, tmp_path: Path) -> None:
    small = write_report(run_path, tmp_path / "small.html", embed=True, most_audio_bytes=2_500_000)
    text = Document(small.read_text(encoding="utf-8")).text
    assert re.search(r"[1-5] of 6 utterances have players", text)


def test_without_its_audio_a_run_still_has_a_report(run_path: Path, tmp_path: Path) -> None:
    copy = tmp_path / "copy"
    shutil.copytree(run_path, copy, ignore=shutil.ignore_patterns("audio", "report"))
    document = Document(write_report(copy).read_text(encoding="utf-8"))
    assert not document.all("audio") and "no audio in the run" in document.text


def test_a_run_of_which_everything_failed_has_a_report_that_says_so(run_path: Path, tmp_path: Path) -> None:
    copy = tmp_path / "copy"
    shutil.copytree(run_path, copy, ignore=shutil.ignore_patterns("report"))
    lost = [{"system": "*", "utterance": u["utterance_id"], "stage": "load", "error": "no such file"} for u in speech()]
    RunFolder(copy).write_tables({"traces": [], "scores": [], "seams": [], "latency": [], "failures": lost})
    text = Document(write_report(copy).read_text(encoding="utf-8")).text
    assert "30 of 30 renderings failed" in text
    assert text.count("load: no such file") == 30 and "every system" in text


def test_a_folder_that_is_no_run_is_refused(tmp_path: Path) -> None:
    with pytest.raises(RunError, match="not a run"):
        write_report(tmp_path)


def test_a_report_that_cannot_be_made_leaves_the_old_one(run_path: Path, tmp_path: Path) -> None:
    copy = tmp_path / "copy"
    shutil.copytree(run_path, copy)
    before = (copy / "report" / "index.html").read_bytes()
    (copy / "scores.parquet").write_bytes(b"not parquet")
    with pytest.raises(RunError):
        write_report(copy)
    assert (copy / "report" / "index.html").read_bytes() == before
    assert not list((copy / "report").glob(".*"))


def test_it_says_what_the_run_was(document: Document) -> None:
    for fact in (
        "21 November 2026, 02:00 UTC",
        "shipped: 6 utterances, 4 speakers",
        "small, weights ",
        "torch on 2 threads",
        "streamflow compare --corpus corpora/shipped/manifest.csv --out 'runs/a run'",
    ):
        assert fact in document.text


def test_the_overview_follows_the_data(document: Document) -> None:
    assert "1 of 30 renderings failed. 1 of 87 scores could not be had." in document.text
    assert re.search(r"Seams of naive stand out in \w+ \(z \d", document.text)


def test_a_name_that_is_markup_is_exported_as_text(report: Path) -> None:
    for path in (report.parent / "tables").glob("*.md"):
        assert "<script>" not in path.read_text(encoding="utf-8"), path


def test_files_that_were_made_elsewhere_have_a_report_without_seams_and_timing(run_path: Path, tmp_path: Path) -> None:
    copy = tmp_path / "rendered"
    shutil.copytree(run_path, copy, ignore=shutil.ignore_patterns("report"))
    text = (copy / "run.toml").read_text().replace('decoder = "full"', 'rendered = "some/folder"')
    (copy / "run.toml").write_text(f"{text}\n[rendered]\nreference = 'some/where'\n")
    scores = Run(copy).scores().to_dict("records")
    RunFolder(copy).write_tables({"scores": scores, "traces": [], "seams": [], "latency": [], "failures": []})
    document = Document(write_report(copy).read_text(encoding="utf-8"))
    assert "made elsewhere" in document.text and "same speech tokens" not in document.text
    assert "real-time factor" not in document.text.partition("Utterances")[0]
    assert len(document.all("audio")) == len(speech()) * (len(SYSTEMS) + 1) - 1
    assert document.all("section", id="results") and not document.all("section", id="latency")
