"""Until when everybody on a stage was seen, and which stages have anybody to look after.

Code from before it would not write down who is here, and workers would take off whom its gateways hold.
"""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
serves_since = "0007"


def upgrade() -> None:
    op.add_column("stages", sa.Column("busy", sa.Boolean, nullable=False, server_default=sa.false()))
    op.create_index("ix_stages_busy", "stages", ["busy"])
    op.execute("""UPDATE stages SET busy = true WHERE state NOT LIKE '%"members":[],"queue":[]%'""")
    op.create_table(
        "stage_presence",
        sa.Column("room_id", sa.String(64), sa.ForeignKey("rooms.id", name="fk_stage_presence_room_id")),
        sa.Column("user_id", sa.String(64)),
        sa.Column("here_until_ms", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("room_id", "user_id", name="pk_stage_presence"),
    )


def downgrade() -> None:
    op.drop_table("stage_presence")
    op.drop_index("ix_stages_busy", "stages")
    with op.batch_alter_table("stages") as stages:
        stages.drop_column("busy")
