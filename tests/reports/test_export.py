"""A table leaves the page as CSV, LaTeX and Markdown with what it holds and nothing that runs."""

from __future__ import annotations

import csv
import io
import re
import shutil
import subprocess

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reports.export import exports, latex, markdown, to_csv, to_latex, to_markdown
from reports.tables import Cell, Column, Row, Table

TABLE = Table(
    "What is shown, 95 % & more.",
    "system",
    [Column("stoi ↑"), Column("mel_distance ↓", "dB"), Column("note")],
    [
        Row(
            "full",
            [
                Cell("0.85", "0.83 to 0.87", value=0.8512345678, low=0.83, high=0.87, n=28),
                Cell("\u22120.40 ▼", tone="worse", value=-0.4),
                Cell("=cmd()"),
            ],
        ),
        Row("o'brien & co", [Cell("unscored", tone="absent"), Cell("\u2014"), Cell("50 %_#{}")]),
    ],
)


def read(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text)))


def test_csv_holds_the_numbers_in_full_with_interval_and_n() -> None:
    first, second = read(to_csv(TABLE))
    assert first["stoi"] == "0.8512345678"
    assert (first["stoi low"], first["stoi high"], first["stoi n"]) == ("0.83", "0.87", "28")
    assert first["mel_distance (dB)"] == "-0.4"
    assert second["stoi"] == "unscored" and second["stoi low"] == ""


def test_no_cell_of_a_csv_is_a_formula() -> None:
    assert read(to_csv(TABLE))[0]["note"] == "'=cmd()"


@given(st.text(min_size=1, max_size=20))
def test_any_label_comes_back_from_csv_and_starts_no_formula(label: str) -> None:
    table = Table("", "system", [Column("a")], [Row(label, [Cell("1", value=1.0)])])
    (row,) = list(csv.reader(io.StringIO(to_csv(table))))[1:]
    assert row[1] == "1" and row[0][:1] not in ("=", "+", "@")


def test_latex_has_rules_escapes_and_bold_verdicts() -> None:
    text = to_latex(TABLE)
    for part in (
        r"\toprule",
        r"95 \% \& more",
        r"o'brien \& co",
        r"\textbf{$-$0.40}",
        r"mel\_distance $\downarrow$ (dB)",
    ):
        assert part in text
    assert text.count(r"\\") == 3  # header and two rows
    assert all(line.count(" & ") == 3 for line in text.splitlines() if line.endswith(r"\\"))


@pytest.mark.skipif(shutil.which("pdflatex") is None, reason="no LaTeX here")
def test_latex_compiles(tmp_path) -> None:
    document = rf"\documentclass{{article}}\usepackage{{booktabs}}\begin{{document}}{to_latex(TABLE)}\end{{document}}"
    (tmp_path / "a.tex").write_text(document, encoding="utf-8")
    subprocess.run(["pdflatex", "-halt-on-error", "a.tex"], cwd=tmp_path, check=True, capture_output=True, timeout=600)


@given(st.text(max_size=30))
def test_latex_leaves_no_special_letter_bare(text: str) -> None:
    written = latex(text)
    for command in (r"\\textbackslash\{\}", r"\\text\w+\{\}", r"\\[&%$#_{}]", r"\$[-\\\w^]+\$", r"\\,"):
        written = re.sub(command, "", written)
    assert not set(written) & set("&%$#_{}~^\\")


@given(st.text(alphabet=st.sampled_from("ab |*_`<>[]\\\n"), max_size=12))
def test_a_markdown_cell_cannot_leave_its_cell(text: str) -> None:
    written = markdown(text)
    assert "\n" not in written
    assert not re.search(r"(?<!\\)(?:\\\\)*[|<`*]", written)


def test_markdown_has_a_row_for_each_row() -> None:
    lines = to_markdown(TABLE).splitlines()
    assert lines[1] == "| --- | ---: | ---: | ---: |"
    assert lines[2].startswith(r"| full | 0.85 (0.83 to 0.87) |") and r"mel\_distance ↓ (dB)" in lines[0]


def test_all_forms_are_there() -> None:
    assert set(exports(TABLE)) == {"csv", "tex", "md"}
