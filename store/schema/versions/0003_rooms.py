"""Rooms, their stage, pins, countdowns, sanctions, danmaku, gifts, roles and the audit trail."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    _rooms()
    _boards()
    _moderation()
    _history()
    _staff()


def downgrade() -> None:
    for table in (
        "audit",
        "roles",
        "gift_givers",
        "gifts",
        "retractions",
        "danmaku",
        "bans",
        "mutes",
        "countdowns",
        "pinboards",
        "stages",
        "room_totals",
        "rooms",
    ):
        op.drop_table(table)


def _rooms() -> None:
    op.create_table(
        "rooms",
        sa.Column("id", sa.String(64), nullable=False),
        sa.Column("show_id", sa.String(64), nullable=False),
        sa.Column("title", sa.Text, nullable=False),
        sa.Column("access", sa.String(16), nullable=False),
        sa.Column("phase", sa.String(16), nullable=False),
        sa.Column("switches", sa.Text, nullable=False),
        sa.Column("doors_ms", sa.BigInteger, nullable=False),
        sa.Column("start_ms", sa.BigInteger, nullable=False),
        sa.Column("gifts", sa.Text, nullable=False),
        sa.Column("version", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_rooms")),
        sa.UniqueConstraint("show_id", name=op.f("uq_rooms_show_id")),
    )
    op.create_table(
        "room_totals",
        sa.Column("room_id", sa.String(64), nullable=False),
        sa.Column("likes", sa.BigInteger, nullable=False),
        sa.Column("gifts", sa.BigInteger, nullable=False),
        sa.Column("gift_credits", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("room_id", name=op.f("pk_room_totals")),
        _room_key("room_totals"),
    )


def _boards() -> None:
    op.create_table(
        "stages",
        sa.Column("room_id", sa.String(64), nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("version", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("room_id", name=op.f("pk_stages")),
        _room_key("stages"),
    )
    op.create_table(
        "pinboards",
        sa.Column("room_id", sa.String(64), nullable=False),
        sa.Column("items", sa.Text, nullable=False),
        sa.Column("version", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("room_id", name=op.f("pk_pinboards")),
        _room_key("pinboards"),
    )
    op.create_table(
        "countdowns",
        sa.Column("room_id", sa.String(64), nullable=False),
        sa.Column("id", sa.String(64), nullable=False),
        sa.Column("label", sa.Text, nullable=False),
        sa.Column("target_ms", sa.BigInteger, nullable=False),
        sa.Column("version", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("room_id", "id", name=op.f("pk_countdowns")),
        _room_key("countdowns"),
    )


def _moderation() -> None:
    op.create_table(
        "mutes",
        sa.Column("room_id", sa.String(64), nullable=False),
        sa.Column("user_id", sa.String(64), nullable=False),
        sa.Column("until_ms", sa.BigInteger),
        sa.Column("by_id", sa.String(64), nullable=False),
        sa.Column("at_ms", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("room_id", "user_id", name=op.f("pk_mutes")),
        _room_key("mutes"),
    )
    op.create_table(
        "bans",
        sa.Column("room_id", sa.String(64), nullable=False),
        sa.Column("user_id", sa.String(64), nullable=False),
        sa.Column("by_id", sa.String(64), nullable=False),
        sa.Column("at_ms", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("room_id", "user_id", name=op.f("pk_bans")),
        _room_key("bans"),
    )


def _history() -> None:
    op.create_table(
        "danmaku",
        sa.Column("room_id", sa.String(64), nullable=False),
        sa.Column("id", sa.String(64), nullable=False),
        sa.Column("user_id", sa.String(64), nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("text", sa.Text, nullable=False),
        sa.Column("tier", sa.String(16), nullable=False),
        sa.Column("role", sa.String(16), nullable=False),
        sa.Column("style", sa.Text),
        sa.Column("floor", sa.String(16), nullable=False),
        sa.Column("at_ms", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("room_id", "id", name=op.f("pk_danmaku")),
        _room_key("danmaku"),
    )
    op.create_index(op.f("ix_danmaku_room_id_at_ms"), "danmaku", ["room_id", "at_ms"])
    op.create_table(
        "retractions",
        sa.Column("room_id", sa.String(64), nullable=False),
        sa.Column("danmaku_id", sa.String(64), nullable=False),
        sa.Column("by_id", sa.String(64), nullable=False),
        sa.Column("at_ms", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("room_id", "danmaku_id", name=op.f("pk_retractions")),
        _room_key("retractions"),
    )
    op.create_table(
        "gifts",
        sa.Column("id", sa.String(64), nullable=False),
        sa.Column("room_id", sa.String(64), nullable=False),
        sa.Column("user_id", sa.String(64), nullable=False),
        sa.Column("key", sa.String(64), nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("gift", sa.String(64), nullable=False),
        sa.Column("quantity", sa.Integer, nullable=False),
        sa.Column("credits", sa.BigInteger, nullable=False),
        sa.Column("floor", sa.String(16), nullable=False),
        sa.Column("at_ms", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_gifts")),
        sa.UniqueConstraint("room_id", "user_id", "key", name=op.f("uq_gifts_room_id_user_id_key")),
        sa.CheckConstraint("credits >= 0", name=op.f("ck_gifts_credits")),
        _room_key("gifts"),
    )
    op.create_table(
        "gift_givers",
        sa.Column("room_id", sa.String(64), nullable=False),
        sa.Column("user_id", sa.String(64), nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("credits", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("room_id", "user_id", name=op.f("pk_gift_givers")),
        _room_key("gift_givers"),
    )
    op.create_index(op.f("ix_gift_givers_room_id_credits"), "gift_givers", ["room_id", "credits"])


def _staff() -> None:
    op.create_table(
        "roles",
        sa.Column("show_id", sa.String(64), nullable=False),
        sa.Column("user_id", sa.String(64), nullable=False),
        sa.Column("role", sa.String(16), nullable=False),
        sa.Column("by_id", sa.String(64), nullable=False),
        sa.Column("at_ms", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("show_id", "user_id", "role", name=op.f("pk_roles")),
    )
    op.create_index(op.f("ix_roles_user_id"), "roles", ["user_id"])
    op.create_table(
        "audit",
        sa.Column("id", sa.String(64), nullable=False),
        sa.Column("room_id", sa.String(64), nullable=False),
        sa.Column("by_id", sa.String(64), nullable=False),
        sa.Column("action", sa.String(64), nullable=False),
        sa.Column("target", sa.Text, nullable=False),
        sa.Column("at_ms", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_audit")),
    )
    op.create_index(op.f("ix_audit_room_id_at_ms"), "audit", ["room_id", "at_ms"])


def _room_key(table: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(["room_id"], ["rooms.id"], name=op.f(f"fk_{table}_room_id"))
