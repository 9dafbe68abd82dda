"""Polls, their options and votes."""

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"
serves_since = "0007"


def upgrade() -> None:
    op.create_table(
        "polls",
        sa.Column("id", sa.String(64), primary_key=True),
        sa.Column("room_id", sa.String(64), sa.ForeignKey("rooms.id"), nullable=False),
        sa.Column("question", sa.Text, nullable=False),
        sa.Column("asked_ms", sa.BigInteger, nullable=False),
        sa.Column("ended_ms", sa.BigInteger),
        sa.Column("version", sa.BigInteger, nullable=False),
    )
    op.create_index("polls_by_room", "polls", ["room_id", "asked_ms"])
    op.create_table(
        "poll_options",
        sa.Column("poll_id", sa.String(64), sa.ForeignKey("polls.id"), primary_key=True),
        sa.Column("number", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("text", sa.Text, nullable=False),
        sa.Column("votes", sa.BigInteger, nullable=False),
    )
    op.create_table(
        "poll_votes",
        sa.Column("poll_id", sa.String(64), sa.ForeignKey("polls.id"), primary_key=True),
        sa.Column("user_id", sa.String(64), primary_key=True),
        sa.Column("number", sa.Integer, nullable=False),
    )


def downgrade() -> None:
    op.drop_table("poll_votes")
    op.drop_table("poll_options")
    op.drop_index("polls_by_room", "polls")
    op.drop_table("polls")
