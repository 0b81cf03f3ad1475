"""Exported ratings: complete, typed, reproducible, without persons."""

from __future__ import annotations

import json
import sys
import tomllib
from pathlib import Path

import pandas
import pytest

sys.path.insert(0, str(Path(__file__).parent / "analysis"))

from make_ratings import make_ratings, make_study

from listening_tests.export import CODEBOOK, export_ratings, tidy_frame
from listening_tests.model import RATING_COLUMNS
from listening_tests.study import Study


@pytest.fixture()
def exported(tmp_path: Path) -> Path:
    frame = make_ratings("ccr").assign(participant="PROLIFIC-5f3c")
    export_ratings(frame, make_study("ccr"), tmp_path / "out", reasons={"L11": ["traps", "underruns"]})
    return tmp_path / "out"


def test_csv_and_parquet_hold_the_same_rows(exported: Path) -> None:
    csv = pandas.read_csv(exported / "ratings.csv", keep_default_na=False)
    parquet = pandas.read_parquet(exported / "ratings.parquet")
    assert list(csv.columns) == list(parquet.columns) == [*RATING_COLUMNS, "excluded"]
    assert len(csv) == len(parquet) == len(make_ratings("ccr"))
    assert (csv["value"] == parquet["value"]).all() and (csv["listener"] == parquet["listener"]).all()
    assert parquet["slot"].dtype == "int64" and parquet["value"].dtype == "float64"


def test_the_codebook_explains_every_column(exported: Path) -> None:
    book = json.loads((exported / "codebook.json").read_text())
    columns = list(pandas.read_parquet(exported / "ratings.parquet").columns)
    assert [row["name"] for row in book["columns"]] == columns == list(CODEBOOK)
    assert book["value_range"] == [-3, 3]
    text = (exported / "codebook.md").read_text()
    assert all(f"| {name} |" in text for name in columns)


def test_excluded_rows_stay_and_are_marked(exported: Path) -> None:
    table = pandas.read_parquet(exported / "ratings.parquet")
    assert set(table.loc[table["excluded"] != "", "listener"]) == {"L11"}
    assert table.loc[table["listener"] == "L11", "excluded"].unique().tolist() == ["traps; underruns"]


def test_nothing_beside_the_known_columns_goes_out(exported: Path) -> None:
    for path in exported.iterdir():
        assert b"PROLIFIC" not in path.read_bytes(), path.name


def test_the_study_file_goes_along_and_the_bytes_are_the_same_again(exported: Path, tmp_path: Path) -> None:
    assert Study.from_table(tomllib.loads((exported / "study.toml").read_text())).hash() == make_study("ccr").hash()
    shuffled = make_ratings("ccr").sample(frac=1, random_state=0)
    export_ratings(shuffled, make_study("ccr"), tmp_path / "again", reasons={"L11": ["traps", "underruns"]})
    assert (tmp_path / "again" / "ratings.csv").read_bytes() == (exported / "ratings.csv").read_bytes()


def test_no_ratings_give_an_empty_table_with_types() -> None:
    tidy = tidy_frame(make_ratings("ccr").iloc[:0], {})
    assert len(tidy) == 0 and tidy["value"].dtype == "float64"
