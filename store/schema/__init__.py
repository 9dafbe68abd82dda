"""Alembic's home; the revisions lie in `store/versions`."""
