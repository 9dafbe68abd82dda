"""The tables of the stage, which is read and written as a whole: one JSON text."""

from sqlalchemy import BigInteger, Boolean, Column, ForeignKey, String, Table, Text, false

from store.metadata_sql import metadata

stages = Table(
    "stages",
    metadata,
    Column("room_id", String(64), ForeignKey("rooms.id"), primary_key=True),
    Column("state", Text, nullable=False),
    Column("version", BigInteger, nullable=False),
    # whether anybody is on it or waits for it
    Column("busy", Boolean, nullable=False, server_default=false(), index=True),
)

# Until when somebody's gateway will have looked again after them; of those on stage, and a while longer.
stage_presence = Table(
    "stage_presence",
    metadata,
    Column("room_id", String(64), ForeignKey("rooms.id"), primary_key=True),
    Column("user_id", String(64), primary_key=True),
    Column("here_until_ms", BigInteger, nullable=False),
)
