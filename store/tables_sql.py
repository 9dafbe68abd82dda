"""The tables of this folder: outbox, jobs, and the schema's record of itself."""

from enum import StrEnum

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    Index,
    Integer,
    LargeBinary,
    String,
    Table,
    Text,
    UniqueConstraint,
)

from store.metadata_sql import metadata


class JobState(StrEnum):
    """The state of a job."""

    WAITING = "waiting"
    """It runs at `run_at_ms`; claiming moves that time to the end of the lease."""
    DONE = "done"
    DEAD = "dead"
    """It ran out of attempts; an operator must look."""


outbox = Table(
    "outbox",
    metadata,
    # ascending in the order of commits wherever writers queue (SQLite); BIGSERIAL on PostgreSQL
    Column("seq", BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=True),
    Column("id", String(64), nullable=False, unique=True),
    Column("room", String(64), nullable=False),
    Column("body", LargeBinary, nullable=False),
    Column("retention", String(16), nullable=False),
    Column("at_ms", BigInteger, nullable=False),
    Column("lease_until_ms", BigInteger, nullable=False),
    Index(None, "room", "seq"),
)

jobs = Table(
    "jobs",
    metadata,
    Column("id", String(64), primary_key=True),
    Column("kind", String(64), nullable=False),
    Column("key", String(128), nullable=False),
    Column("payload", LargeBinary, nullable=False),
    Column("state", String(16), nullable=False),
    Column("attempt", Integer, nullable=False),
    Column("run_at_ms", BigInteger, nullable=False),
    Column("created_ms", BigInteger, nullable=False),
    Column("error", Text),
    UniqueConstraint("kind", "key"),
    Index(None, "state", "run_at_ms"),
)

schema_floor = Table(
    "schema_floor",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    # the oldest revision whose code may serve this schema; see docs/adr/0022
    Column("serves_since", String(32), nullable=False),
    CheckConstraint("id = 1", name="one"),
)
