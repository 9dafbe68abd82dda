"""The tables of what was said. What stays on top is read and written as a whole: one JSON text."""

from sqlalchemy import BigInteger, Column, ForeignKey, Index, String, Table, Text

from store.metadata_sql import metadata

pinboards = Table(
    "pinboards",
    metadata,
    Column("room_id", String(64), ForeignKey("rooms.id"), primary_key=True),
    Column("items", Text, nullable=False),
    Column("version", BigInteger, nullable=False),
)

danmaku = Table(
    "danmaku",
    metadata,
    Column("room_id", String(64), ForeignKey("rooms.id"), primary_key=True),
    Column("id", String(64), primary_key=True),
    Column("user_id", String(64), nullable=False),
    Column("name", Text, nullable=False),
    Column("text", Text, nullable=False),
    Column("tier", String(16), nullable=False),
    Column("role", String(16), nullable=False),
    Column("style", Text),
    Column("floor", String(16), nullable=False),
    Column("at_ms", BigInteger, nullable=False),
    Index(None, "room_id", "at_ms"),
)

# A table of its own: a danmaku may be retracted before its batch is stored.
retractions = Table(
    "retractions",
    metadata,
    Column("room_id", String(64), ForeignKey("rooms.id"), primary_key=True),
    Column("danmaku_id", String(64), primary_key=True),
    Column("by_id", String(64), nullable=False),
    Column("at_ms", BigInteger, nullable=False),
)
