"""The tables of mutes and bans."""

from sqlalchemy import BigInteger, Column, ForeignKey, String, Table

from store.metadata_sql import metadata

mutes = Table(
    "mutes",
    metadata,
    Column("room_id", String(64), ForeignKey("rooms.id"), primary_key=True),
    Column("user_id", String(64), primary_key=True),
    Column("until_ms", BigInteger),
    Column("by_id", String(64), nullable=False),
    Column("at_ms", BigInteger, nullable=False),
)

bans = Table(
    "bans",
    metadata,
    Column("room_id", String(64), ForeignKey("rooms.id"), primary_key=True),
    Column("user_id", String(64), primary_key=True),
    Column("by_id", String(64), nullable=False),
    Column("at_ms", BigInteger, nullable=False),
)
