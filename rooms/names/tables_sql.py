"""The table of names that viewers may not take."""

from sqlalchemy import BigInteger, Column, ForeignKey, String, Table, Text

from store.metadata_sql import metadata

# What viewers may not call themselves: a list of the show's, and the hosts' own names by user.
room_names = Table(
    "room_names",
    metadata,
    Column("room_id", String(64), ForeignKey("rooms.id"), primary_key=True),
    Column("official", Text, nullable=False),
    Column("hosts", Text, nullable=False),
    Column("version", BigInteger, nullable=False),
)
