"""The names of a show that its viewers may not take."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
serves_since = "0007"


def upgrade() -> None:
    op.create_table(
        "room_names",
        sa.Column("room_id", sa.String(64), nullable=False),
        sa.Column("official", sa.Text, nullable=False),
        sa.Column("hosts", sa.Text, nullable=False),
        sa.Column("version", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("room_id", name=op.f("pk_room_names")),
        sa.ForeignKeyConstraint(["room_id"], ["rooms.id"], name=op.f("fk_room_names_room_id")),
    )


def downgrade() -> None:
    op.drop_table("room_names")
