"""The few statements that SQLite and PostgreSQL share in form but not in SQLAlchemy's core."""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Table
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncConnection


async def insert_or_ignore(
    connection: AsyncConnection, table: Table, unique: Sequence[str], values: Mapping[str, Any]
) -> bool:
    """Insert one row unless one with the same unique columns exists; answers whether it was inserted."""
    if connection.dialect.name == "postgresql":
        statement: Any = postgresql.insert(table).values(**values).on_conflict_do_nothing(index_elements=unique)
    else:
        statement = sqlite.insert(table).values(**values).on_conflict_do_nothing(index_elements=unique)
    result = await connection.execute(statement)
    return bool(result.rowcount == 1)


async def insert_or_ignore_all(
    connection: AsyncConnection, table: Table, unique: Sequence[str], rows: Sequence[Mapping[str, Any]]
) -> None:
    """Insert many rows of the same columns, leaving those out whose unique columns exist."""
    if connection.dialect.name == "postgresql":
        statement: Any = postgresql.insert(table).on_conflict_do_nothing(index_elements=unique)
    else:
        statement = sqlite.insert(table).on_conflict_do_nothing(index_elements=unique)
    await connection.execute(statement, list(rows))
