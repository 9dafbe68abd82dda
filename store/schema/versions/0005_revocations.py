"""Tokens that were taken back before their time."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
serves_since = "0004"


def upgrade() -> None:
    op.create_table(
        "token_revocations",
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("subject", sa.String(128), nullable=False),
        sa.Column("until_ms", sa.BigInteger, nullable=False),
        sa.Column("ends_ms", sa.BigInteger, nullable=False),
        sa.Column("version", sa.BigInteger, nullable=False),
        sa.Column("by_id", sa.String(64), nullable=False),
        sa.PrimaryKeyConstraint("kind", "subject", name="pk_token_revocations"),
        sa.UniqueConstraint("version", name="uq_token_revocations_version"),
    )


def downgrade() -> None:
    op.drop_table("token_revocations")
