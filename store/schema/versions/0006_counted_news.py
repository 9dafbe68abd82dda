"""A counter of each room's news of rights and countdowns, by which what is played back is known as old.

Code from before it would change rights without counting, and gateways would not believe it.
"""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
serves_since = "0006"


def upgrade() -> None:
    op.create_table(
        "room_news",
        sa.Column("room_id", sa.String(64), nullable=False),
        sa.Column("version", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("room_id", name=op.f("pk_room_news")),
        sa.ForeignKeyConstraint(["room_id"], ["rooms.id"], name=op.f("fk_room_news_room_id")),
    )
    # countdowns had versions of their own: the common count goes on above all of them
    op.execute(
        "INSERT INTO room_news (room_id, version) SELECT rooms.id, COALESCE(MAX(countdowns.version), 0) "
        "FROM rooms LEFT JOIN countdowns ON countdowns.room_id = rooms.id GROUP BY rooms.id"
    )


def downgrade() -> None:
    op.drop_table("room_news")
