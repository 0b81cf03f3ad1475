"""Studies, sessions with their steps, answers, personal data."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision, down_revision = "0001", None


def upgrade() -> None:
    op.create_table(
        "studies",
        sa.Column("study_id", sa.Text, primary_key=True),
        sa.Column("token", sa.Text, nullable=False, unique=True),
        sa.Column("study_hash", sa.Text, nullable=False),
        sa.Column("frozen", sa.JSON, nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("secret", sa.LargeBinary, nullable=False),
        sa.Column("created_at", sa.Double, nullable=False),
    )
    _create_sessions()
    op.create_table(
        "steps",
        sa.Column("session_id", sa.Text, sa.ForeignKey("sessions.session_id", ondelete="CASCADE"), nullable=False),
        sa.Column("position", sa.Integer, nullable=False),
        sa.Column("step_id", sa.Text, nullable=False, unique=True),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("body", sa.JSON, nullable=False),
        sa.Column("remaining_s", sa.Double, nullable=False),
        sa.Column("delivered_at", sa.Double),
        sa.PrimaryKeyConstraint("session_id", "position"),
    )
    _create_answers()
    op.create_table(
        "personal",
        sa.Column("session_id", sa.Text, sa.ForeignKey("sessions.session_id", ondelete="CASCADE"), nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("value", sa.JSON, nullable=False),
        sa.PrimaryKeyConstraint("session_id", "name"),
    )


def _create_sessions() -> None:
    op.create_table(
        "sessions",
        sa.Column("session_id", sa.Text, primary_key=True),
        sa.Column("study_id", sa.Text, sa.ForeignKey("studies.study_id"), nullable=False),
        sa.Column("slot", sa.Integer, nullable=False),
        sa.Column("holds_slot", sa.Boolean, nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("resume_hash", sa.Text),
        sa.Column("language", sa.Text, nullable=False),
        sa.Column("position", sa.Integer, nullable=False),
        sa.Column("steps", sa.Integer, nullable=False),
        sa.Column("created_at", sa.Double, nullable=False),
        sa.Column("seen_at", sa.Double, nullable=False),
        sa.Column("ended_at", sa.Double),
        sa.UniqueConstraint("study_id", "resume_hash", name="sessions_resume_hash"),
    )
    op.create_index(
        "sessions_slot_holder",
        "sessions",
        ["study_id", "slot"],
        unique=True,
        sqlite_where=sa.text("holds_slot = 1"),
        postgresql_where=sa.text("holds_slot"),
    )
    op.create_table(
        "tokens",
        sa.Column("token_hash", sa.Text, primary_key=True),
        sa.Column("session_id", sa.Text, sa.ForeignKey("sessions.session_id", ondelete="CASCADE"), nullable=False),
        sa.Column("created_at", sa.Double, nullable=False),
    )
    op.create_index("ix_tokens_session_id", "tokens", ["session_id"])


def _create_answers() -> None:
    op.create_table(
        "answers",
        sa.Column("session_id", sa.Text, nullable=False),
        sa.Column("position", sa.Integer, nullable=False),
        sa.Column("client_id", sa.Text, nullable=False),
        sa.Column("answer", sa.JSON, nullable=False),
        sa.Column("listened", sa.JSON, nullable=False),
        sa.Column("events", sa.JSON, nullable=False),
        sa.Column("coverage", sa.Double),
        sa.Column("underruns", sa.Integer, nullable=False),
        sa.Column("answered_at", sa.Double, nullable=False),
        sa.PrimaryKeyConstraint("session_id", "position"),
        sa.UniqueConstraint("session_id", "client_id", name="answers_client_id"),
        sa.ForeignKeyConstraint(
            ["session_id", "position"], ["steps.session_id", "steps.position"], ondelete="CASCADE", name="answers_step"
        ),
    )


def downgrade() -> None:
    for table in ("personal", "answers", "steps", "tokens", "sessions", "studies"):
        op.drop_table(table)
