"""The tables of roles and of tokens that were taken back."""

from sqlalchemy import BigInteger, Column, Index, String, Table

from store.metadata_sql import metadata

# `show_id` is empty for a role that holds everywhere. No foreign key: shows belong to the box office.
roles = Table(
    "roles",
    metadata,
    Column("show_id", String(64), primary_key=True),
    Column("user_id", String(64), primary_key=True),
    Column("role", String(16), primary_key=True),
    Column("by_id", String(64), nullable=False),
    Column("at_ms", BigInteger, nullable=False),
    Index(None, "user_id"),
)

# What stands here is over by itself a day later; see auth/revocations.py.
token_revocations = Table(
    "token_revocations",
    metadata,
    Column("kind", String(16), primary_key=True),
    Column("subject", String(128), primary_key=True),
    Column("until_ms", BigInteger, nullable=False),
    Column("ends_ms", BigInteger, nullable=False),
    Column("version", BigInteger, nullable=False, unique=True),
    Column("by_id", String(64), nullable=False),
)
