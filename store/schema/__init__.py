"""Alembic's home: its entry, and the revisions in `versions`."""
