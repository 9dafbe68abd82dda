"""Whose money a refund returns, where an order was paid twice."""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
serves_since = "0007"


def upgrade() -> None:
    op.add_column("refunds", sa.Column("doubled_payment_id", sa.String(64)))


def downgrade() -> None:
    with op.batch_alter_table("refunds") as refunds:
        refunds.drop_column("doubled_payment_id")
