"""Tables without their CHECKs, to write what the code never would."""

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

CHECKS = "SELECT conrelid::regclass::text, conname FROM pg_constraint WHERE contype = 'c' AND conrelid <> 0"


async def drop_checks(connection: AsyncConnection) -> None:
    """For this connection on SQLite, for all of them on PostgreSQL."""
    if connection.dialect.name == "sqlite":
        await connection.execute(text("PRAGMA ignore_check_constraints = ON"))
        return
    for table, check in (await connection.execute(text(CHECKS))).all():
        await connection.execute(text(f'ALTER TABLE {table} DROP CONSTRAINT "{check}"'))
