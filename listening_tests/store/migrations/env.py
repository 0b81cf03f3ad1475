"""Run by alembic: the connection and its transaction are the store's own, see ``listening_tests.store.migrate``."""

from __future__ import annotations

from alembic import context

context.configure(connection=context.config.attributes["connection"])
with context.begin_transaction():
    context.run_migrations()
