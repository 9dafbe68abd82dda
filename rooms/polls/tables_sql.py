"""The tables of polls. Counts stand beside the votes that they follow from: both change in one transaction."""

from sqlalchemy import BigInteger, Column, ForeignKey, Index, Integer, String, Table, Text

from store.metadata_sql import metadata

polls = Table(
    "polls",
    metadata,
    Column("id", String(64), primary_key=True),
    Column("room_id", String(64), ForeignKey("rooms.id"), nullable=False),
    Column("question", Text, nullable=False),
    Column("asked_ms", BigInteger, nullable=False),
    Column("ended_ms", BigInteger),
    Column("version", BigInteger, nullable=False),
    Index("polls_by_room", "room_id", "asked_ms"),
)

poll_options = Table(
    "poll_options",
    metadata,
    Column("poll_id", String(64), ForeignKey("polls.id"), primary_key=True),
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("text", Text, nullable=False),
    Column("votes", BigInteger, nullable=False),
)

poll_votes = Table(
    "poll_votes",
    metadata,
    Column("poll_id", String(64), ForeignKey("polls.id"), primary_key=True),
    Column("user_id", String(64), primary_key=True),
    Column("number", Integer, nullable=False),
)
