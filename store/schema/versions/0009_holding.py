"""When an order ended unpaid, and which products may be bought again."""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
serves_since = "0007"


def upgrade() -> None:
    op.add_column("orders", sa.Column("closed_ms", sa.BigInteger))
    op.add_column("products", sa.Column("repeatable", sa.Boolean, nullable=False, server_default=sa.false()))


def downgrade() -> None:
    with op.batch_alter_table("products") as products:
        products.drop_column("repeatable")
    with op.batch_alter_table("orders") as orders:
        orders.drop_column("closed_ms")
