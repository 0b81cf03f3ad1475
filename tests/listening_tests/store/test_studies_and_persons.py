"""Studies, their secrets; personal data apart and deletable; the administrators' log."""

from __future__ import annotations

import pytest

from listening_tests.errors import StudyError
from listening_tests.store import Store


def test_a_study_keeps_its_token_and_secret_and_refuses_other_content(store, database_url) -> None:
    token = store.add_study("voices", "hash", {})
    secret = store.secret("voices")
    store.add_study("other", "hash", {})
    with Store.open(database_url) as again:
        assert again.study_by_token(token).study_id == "voices"
        assert again.study("voices").frozen == {"title": "Voices"}
        assert again.secret("voices") == secret and len(secret) == 32
        assert again.secret("other") != secret
        with pytest.raises(StudyError, match="opened with other content"):
            again.add_study("voices", "changed", {})
    assert store.study_by_token("nothing") is None


@pytest.mark.parametrize("call", [
    lambda store: store.secret("nope"),
    lambda store: store.set_state("nope", "open"),
    lambda store: store.set_state("voices", "ajar"),
    lambda store: store.finish("nope"),
])  # fmt: skip
def test_what_is_not_there_is_named(store, call) -> None:
    with pytest.raises(StudyError, match=r"nope|ajar"):
        call(store)


def test_personal_data_are_in_one_table_and_go_without_the_ratings(store, start, answer_steps, database_url) -> None:
    answer_steps(start("prolific-4711"))
    answer_steps(start("prolific-4712", now=0.5))
    everyone = store.personal("voices")
    assert [values["PROLIFIC_PID"] for values in everyone.values()] == ["prolific-4711", "prolific-4712"]
    assert all(values["hearing"] == "normal" for values in everyone.values())
    outside = _everything_but(database_url, "personal")
    assert "prolific" not in outside and "normal" not in outside and "Gr" not in outside
    before = store.ratings_frame("voices")
    assert len(before) == 6
    assert store.delete_personal(study_id="voices") == 6
    assert store.personal("voices") == {}
    assert store.ratings_frame("voices").equals(before)


def test_one_persons_data_can_be_deleted_alone(store, start) -> None:
    one, two = start("p1"), start("p2")
    assert store.delete_personal(session_id=one.session_id) == 1
    assert list(store.personal("voices")) == [two.session_id]
    with pytest.raises(ValueError):
        store.delete_personal()


def test_tokens_are_nowhere_in_the_database(store, start, database_url) -> None:
    session = start("p1")
    (invitation,) = store.create_invitations("voices", 1)
    everything = _everything_but(database_url, "nothing")
    assert session.session_id in everything
    assert session.token not in everything and invitation not in everything


def test_what_administrators_did_is_kept_in_order(store) -> None:
    store.audit("admin", "unlock", "voices", now=1.0, reason="peeking")
    store.audit("admin", "close", "voices", now=2.0)
    store.audit("admin", "login", now=3.0)
    log = store.audit_log("voices")
    assert [(entry["at"], entry["action"], entry["detail"]) for entry in log] == [
        (1.0, "unlock", {"reason": "peeking"}),
        (2.0, "close", {}),
    ]
    assert len(store.audit_log()) == 3


def _everything_but(database_url: str, table: str) -> str:
    """All rows of all other tables, as text, read past the store."""
    from sqlalchemy import MetaData, create_engine, select

    engine = create_engine(database_url)
    tables = MetaData()
    tables.reflect(engine)
    assert len(tables.tables) >= 8
    with engine.connect() as connection:
        rows = [connection.execute(select(found)).all() for found in tables.sorted_tables if found.name != table]
    engine.dispose()
    return repr(rows)
