"""The table of the trail."""

from sqlalchemy import BigInteger, Column, Index, String, Table, Text

from store.metadata_sql import metadata

# `room_id` is empty for what concerns no single room. No foreign key: the trail outlives what it tells of.
audit = Table(
    "audit",
    metadata,
    Column("id", String(64), primary_key=True),
    Column("room_id", String(64), nullable=False),
    Column("by_id", String(64), nullable=False),
    Column("action", String(64), nullable=False),
    Column("target", Text, nullable=False),
    Column("at_ms", BigInteger, nullable=False),
    Index(None, "room_id", "at_ms"),
)
