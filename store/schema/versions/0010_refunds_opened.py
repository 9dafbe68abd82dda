"""When refunds of a show opened again."""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
serves_since = "0007"


def upgrade() -> None:
    op.add_column("shows", sa.Column("refunds_opened_ms", sa.BigInteger))


def downgrade() -> None:
    with op.batch_alter_table("shows") as shows:
        shows.drop_column("refunds_opened_ms")
