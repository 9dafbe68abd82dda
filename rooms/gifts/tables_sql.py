"""The tables of gifts, and the totals of a room."""

from sqlalchemy import BigInteger, CheckConstraint, Column, ForeignKey, Index, Integer, String, Table, Text
from sqlalchemy import UniqueConstraint as Unique

from store.metadata_sql import metadata

# Apart from rooms, so that a like or a gift never makes a change of the phase lose its compare-and-set.
room_totals = Table(
    "room_totals",
    metadata,
    Column("room_id", String(64), ForeignKey("rooms.id"), primary_key=True),
    Column("likes", BigInteger, nullable=False),
    Column("gifts", BigInteger, nullable=False),
    Column("gift_credits", BigInteger, nullable=False),
)

gifts = Table(
    "gifts",
    metadata,
    Column("id", String(64), primary_key=True),
    Column("room_id", String(64), ForeignKey("rooms.id"), nullable=False),
    Column("user_id", String(64), nullable=False),
    Column("key", String(64), nullable=False),
    Column("name", Text, nullable=False),
    Column("gift", String(64), nullable=False),
    Column("quantity", Integer, nullable=False),
    Column("credits", BigInteger, nullable=False),
    Column("floor", String(16), nullable=False),
    Column("at_ms", BigInteger, nullable=False),
    Unique("room_id", "user_id", "key"),
    CheckConstraint("credits >= 0", name="credits"),
)

gift_givers = Table(
    "gift_givers",
    metadata,
    Column("room_id", String(64), ForeignKey("rooms.id"), primary_key=True),
    Column("user_id", String(64), primary_key=True),
    Column("name", Text, nullable=False),
    Column("credits", BigInteger, nullable=False),
    Index(None, "room_id", "credits"),
)
