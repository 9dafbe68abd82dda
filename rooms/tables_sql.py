"""The tables of the rooms. What is read and written as a whole (stage, pins, switches) is one JSON text."""

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    ForeignKey,
    Index,
    Integer,
    String,
    Table,
    Text,
    false,
)
from sqlalchemy import UniqueConstraint as Unique

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

# Apart from rooms, so that a like or a gift never makes a change of the phase lose its compare-and-set.
room_totals = Table(
    "room_totals",
    metadata,
    Column("room_id", String(64), ForeignKey("rooms.id"), primary_key=True),
    Column("likes", BigInteger, nullable=False),
    Column("gifts", BigInteger, nullable=False),
    Column("gift_credits", BigInteger, nullable=False),
)

# What has happened to somebody's rights, or to a countdown, is counted: each such event of a room has a version of its
# own. Apart from rooms, so that it never makes a change of the phase lose its compare-and-set.
room_news = Table(
    "room_news",
    metadata,
    Column("room_id", String(64), ForeignKey("rooms.id"), primary_key=True),
    Column("version", BigInteger, nullable=False),
)

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

pinboards = Table(
    "pinboards",
    metadata,
    Column("room_id", String(64), ForeignKey("rooms.id"), primary_key=True),
    Column("items", Text, nullable=False),
    Column("version", BigInteger, nullable=False),
)

# What viewers may not call themselves: a list of the show's, and the hosts' own names by user.
room_names = Table(
    "room_names",
    metadata,
    Column("room_id", String(64), ForeignKey("rooms.id"), primary_key=True),
    Column("official", Text, nullable=False),
    Column("hosts", Text, nullable=False),
    Column("version", BigInteger, nullable=False),
)

countdowns = Table(
    "countdowns",
    metadata,
    Column("room_id", String(64), ForeignKey("rooms.id"), primary_key=True),
    Column("id", String(64), primary_key=True),
    Column("label", Text, nullable=False),
    Column("target_ms", BigInteger, nullable=False),
    Column("version", BigInteger, nullable=False),
)

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

# `show_id` is empty for a role that holds everywhere. No foreign key: shows belong to the box office.
roles = Table(
    "roles",
    metadata,
    Column("show_id", String(64), primary_key=True),
    Column("user_id", String(64), primary_key=True),
    Column("role", String(16), primary_key=True),
    Column("by_id", String(64), nullable=False),
    Column("at_ms", BigInteger, nullable=False),
    Index(None, "user_id"),
)

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

# What stands here is over by itself a day later; see auth/revocations.py.
token_revocations = Table(
    "token_revocations",
    metadata,
    Column("kind", String(16), primary_key=True),
    Column("subject", String(128), primary_key=True),
    Column("until_ms", BigInteger, nullable=False),
    Column("ends_ms", BigInteger, nullable=False),
    Column("version", BigInteger, nullable=False, unique=True),
    Column("by_id", String(64), nullable=False),
)
