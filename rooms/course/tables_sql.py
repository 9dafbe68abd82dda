"""The table of the host's countdowns."""

from sqlalchemy import BigInteger, Column, ForeignKey, String, Table, Text

from store.metadata_sql import metadata

countdowns = Table(
    "countdowns",
    metadata,
    Column("room_id", String(64), ForeignKey("rooms.id"), primary_key=True),
    Column("id", String(64), primary_key=True),
    Column("label", Text, nullable=False),
    Column("target_ms", BigInteger, nullable=False),
    Column("version", BigInteger, nullable=False),
)
