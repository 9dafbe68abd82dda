"""The tables that every capability of a room joins; each has its own beside it."""

from sqlalchemy import BigInteger, Column, ForeignKey, String, Table, Text

from store.metadata_sql import metadata

rooms = Table(
    "rooms",
    metadata,
    Column("id", String(64), primary_key=True),
    Column("show_id", String(64), nullable=False, unique=True),
    Column("title", Text, nullable=False),
    Column("access", String(16), nullable=False),
    Column("phase", String(16), nullable=False),
    Column("switches", Text, nullable=False),
    Column("doors_ms", BigInteger, nullable=False),
    Column("start_ms", BigInteger, nullable=False),
    Column("gifts", Text, nullable=False),
    Column("version", BigInteger, nullable=False),
)

# What has happened to somebody's rights, or to a countdown, is counted: each such event of a room has a version of its
# own. Apart from rooms, so that it never makes a change of the phase lose its compare-and-set.
room_news = Table(
    "room_news",
    metadata,
    Column("room_id", String(64), ForeignKey("rooms.id"), primary_key=True),
    Column("version", BigInteger, nullable=False),
)
