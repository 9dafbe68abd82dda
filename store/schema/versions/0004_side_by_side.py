"""Which older versions of the code may go on serving while this schema stands."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
serves_since = "0004"


def upgrade() -> None:
    op.create_table(
        "schema_floor",
        sa.Column("id", sa.Integer, nullable=False, autoincrement=False),
        sa.Column("serves_since", sa.String(32), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_schema_floor"),
        sa.CheckConstraint("id = 1", name=op.f("ck_schema_floor_one")),
    )


def downgrade() -> None:
    op.drop_table("schema_floor")
