"""The tables: made, brought up to date with what is in them, the same as the code reads."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import create_engine, inspect, text

from listening_tests.errors import StudyError
from listening_tests.store import Store, StoreUnavailable
from listening_tests.store.migrate import migrate
from listening_tests.store.schema import metadata

ROOT = Path(__file__).parents[3]


def test_the_migrations_make_what_the_code_reads(database_url) -> None:
    Store.open(database_url).close()
    engine = create_engine(database_url)
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, metadata) == []
        (holder,) = [i for i in inspect(connection).get_indexes("sessions") if i["name"] == "sessions_slot_holder"]
        assert holder["unique"]
    engine.dispose()


def test_an_old_database_is_upgraded_with_everything_in_it(database_url) -> None:
    engine = create_engine(database_url)
    with engine.begin() as connection:
        migrate(connection, "0001")
        connection.execute(text(
            "INSERT INTO studies VALUES ('old', 'token', 'hash', '{\"title\": \"Old\"}', 'open', "
            + ("x'0102'" if "sqlite" in database_url else "'\\x0102'") + ", 1.0)"
        ))  # fmt: skip
        assert not inspect(connection).has_table("audit")
    engine.dispose()
    with Store.open(database_url) as store:
        assert store.study("old").frozen == {"title": "Old"}
        assert store.secret("old") == b"\x01\x02"
        store.audit("admin", "unlock", "old")
        assert len(store.audit_log("old")) == 1


def test_a_database_of_a_newer_version_is_refused(database_url) -> None:
    Store.open(database_url).close()
    engine = create_engine(database_url)
    with engine.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    engine.dispose()
    with pytest.raises(StudyError, match="revision 9999, made by a newer version"):
        Store.open(database_url)


def test_processes_that_open_an_empty_database_together_all_succeed(database_url) -> None:
    code = "import sys; from listening_tests.store import Store; Store.open(sys.argv[1]).close()"
    command = [sys.executable, "-c", code, database_url]
    together = [subprocess.Popen(command, cwd=ROOT, stderr=subprocess.PIPE, text=True) for _ in range(4)]
    for process in together:
        _, error = process.communicate(timeout=600)
        assert process.returncode == 0, error


def test_a_folder_with_a_percent_sign_works(tmp_path) -> None:
    folder = tmp_path / "100% sure"
    folder.mkdir()
    Store.open(folder / "ratings.sqlite").close()
    assert (folder / "ratings.sqlite").is_file()


@pytest.mark.parametrize(
    ("url", "says"),
    [
        ("mysql://host/db", "not supported"),
        ("sqlite://", "in memory"),
        ("sqlite:///:memory:", "in memory"),
        ("http:// not a url", "--database"),
    ],
)
def test_a_url_that_cannot_be_is_one_line(url, says) -> None:
    with pytest.raises(StudyError, match=says) as caught:
        Store.open(url)
    assert "\n" not in str(caught.value)


def test_a_database_that_does_not_answer_is_said_without_the_password(tmp_path: Path) -> None:
    with pytest.raises(StoreUnavailable) as caught:
        Store.open("postgresql://someone:hunter2@127.0.0.1:1/none")
    assert "does not answer" in str(caught.value) and "hunter2" not in str(caught.value)
    with pytest.raises(StudyError) as caught:
        Store.open(tmp_path / "nowhere" / "ratings.sqlite")
    assert "nowhere" in str(caught.value) and "\n" not in str(caught.value)
