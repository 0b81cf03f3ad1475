"""The tables. ``migrations`` makes them; a test compares the two.

Times are seconds since 1970, UTC. Text that a person wrote about themselves is in ``personal`` alone, and nothing else there,
so that it can be deleted without touching a rating.
"""

from __future__ import annotations

from sqlalchemy import (
    JSON,
    Boolean,
    Column,
    Double,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    PrimaryKeyConstraint,
    Table,
    Text,
    UniqueConstraint,
    text,
)

metadata = MetaData()

studies = Table(
    "studies",
    metadata,
    Column("study_id", Text, primary_key=True),
    Column("token", Text, nullable=False, unique=True),  # public, in the listener's link
    Column("study_hash", Text, nullable=False),
    Column("frozen", JSON, nullable=False),
    Column("state", Text, nullable=False),  # open, closed
    Column("secret", LargeBinary, nullable=False),  # key of every signature and keyed hash of the study
    Column("created_at", Double, nullable=False),
)

sessions = Table(
    "sessions",
    metadata,
    Column("session_id", Text, primary_key=True),  # random; the listener's pseudonym
    Column("study_id", Text, ForeignKey("studies.study_id"), nullable=False),
    Column("slot", Integer, nullable=False),
    Column("holds_slot", Boolean, nullable=False),
    Column("state", Text, nullable=False),  # rows.STATES
    Column("resume_hash", Text),  # keyed hash of the resume key, NULL once personal data are deleted
    Column("language", Text, nullable=False),
    Column("position", Integer, nullable=False),  # of the first step without an answer
    Column("steps", Integer, nullable=False),  # 0 until planned
    Column("created_at", Double, nullable=False),
    Column("seen_at", Double, nullable=False),
    Column("ended_at", Double),
    UniqueConstraint("study_id", "resume_hash", name="sessions_resume_hash"),
)

# The database itself refuses a second holder, whatever the code above it does.
Index(
    "sessions_slot_holder",
    sessions.c.study_id,
    sessions.c.slot,
    unique=True,
    sqlite_where=text("holds_slot = 1"),
    postgresql_where=text("holds_slot"),
)

tokens = Table(
    "tokens",
    metadata,
    Column("token_hash", Text, primary_key=True),  # the token itself is nowhere on the server
    Column("session_id", Text, ForeignKey("sessions.session_id", ondelete="CASCADE"), nullable=False, index=True),
    Column("created_at", Double, nullable=False),
)

steps = Table(
    "steps",
    metadata,
    Column("session_id", Text, ForeignKey("sessions.session_id", ondelete="CASCADE"), nullable=False),
    Column("position", Integer, nullable=False),
    Column("step_id", Text, nullable=False, unique=True),
    Column("kind", Text, nullable=False),
    Column("body", JSON, nullable=False),  # model.Step.table()
    Column("remaining_s", Double, nullable=False),  # expected seconds of this step and all after it
    Column("delivered_at", Double),
    PrimaryKeyConstraint("session_id", "position"),
)

answers = Table(
    "answers",
    metadata,
    Column("session_id", Text, nullable=False),
    Column("position", Integer, nullable=False),
    Column("client_id", Text, nullable=False),  # made by the page, the same for every attempt to send
    Column("answer", JSON, nullable=False),
    Column("listened", JSON, nullable=False),  # label -> [[from, to], ...] in seconds
    Column("events", JSON, nullable=False),  # the page's log of playback
    Column("coverage", Double),  # least share of any stimulus that was heard, as the server worked it out
    Column("underruns", Integer, nullable=False),
    Column("answered_at", Double, nullable=False),
    PrimaryKeyConstraint("session_id", "position"),
    UniqueConstraint("session_id", "client_id", name="answers_client_id"),
    ForeignKeyConstraint(
        ["session_id", "position"], ["steps.session_id", "steps.position"], ondelete="CASCADE", name="answers_step"
    ),
)

personal = Table(
    "personal",
    metadata,
    Column("session_id", Text, ForeignKey("sessions.session_id", ondelete="CASCADE"), nullable=False),
    Column("name", Text, nullable=False),
    Column("value", JSON, nullable=False),
    PrimaryKeyConstraint("session_id", "name"),
)

invitations = Table(
    "invitations",
    metadata,
    Column("token_hash", Text, primary_key=True),
    Column("study_id", Text, ForeignKey("studies.study_id"), nullable=False, index=True),
    Column("created_at", Double, nullable=False),
    Column("session_id", Text, ForeignKey("sessions.session_id")),  # NULL until used
)

audit = Table(
    "audit",
    metadata,
    Column("entry_id", Integer, primary_key=True, autoincrement=True),
    Column("at", Double, nullable=False),
    Column("actor", Text, nullable=False),
    Column("study_id", Text, index=True),
    Column("action", Text, nullable=False),
    Column("detail", JSON, nullable=False),
)
