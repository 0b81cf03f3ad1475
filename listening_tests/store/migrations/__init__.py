"""Alembic's folder; :func:`listening_tests.store.migrate.migrate` runs it."""
