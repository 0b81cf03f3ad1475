"""Invitations, and the log of what administrators did."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision, down_revision = "0002", "0001"


def upgrade() -> None:
    op.create_table(
        "invitations",
        sa.Column("token_hash", sa.Text, primary_key=True),
        sa.Column("study_id", sa.Text, sa.ForeignKey("studies.study_id"), nullable=False),
        sa.Column("created_at", sa.Double, nullable=False),
        sa.Column("session_id", sa.Text, sa.ForeignKey("sessions.session_id")),
    )
    op.create_index("ix_invitations_study_id", "invitations", ["study_id"])
    op.create_table(
        "audit",
        sa.Column("entry_id", sa.Integer, primary_key=True, autoincrement=True),
        sa.Column("at", sa.Double, nullable=False),
        sa.Column("actor", sa.Text, nullable=False),
        sa.Column("study_id", sa.Text),
        sa.Column("action", sa.Text, nullable=False),
        sa.Column("detail", sa.JSON, nullable=False),
    )
    op.create_index("ix_audit_study_id", "audit", ["study_id"])


def downgrade() -> None:
    op.drop_table("audit")
    op.drop_table("invitations")
