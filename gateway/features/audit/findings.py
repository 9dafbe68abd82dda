"""All that `liveroom audit` looks at: the books of the house, and the stages of the rooms."""

from sqlalchemy.ext.asyncio import AsyncConnection

from gateway.features.audit.books import audit_house
from rooms.stage import absence_sql
from rooms.stage.stage import Terms
from store.findings import Finding

MARGIN_MS = 10_000
"""How much longer than the grace somebody may stand on a stage without a socket: workers look every second."""


async def findings(connection: AsyncConnection, now_ms: int, terms: Terms) -> list[Finding]:
    """Every claim that does not hold; an empty list means that all is right. Reads one snapshot.

    A place on stage is held against what gateways wrote down of their sockets (`rooms.stage.absence_sql`), so that it
    can be found with every process stopped; then it is found of everybody who was on stage when they were.
    """
    return [*await audit_house(connection), *await _absent_on_stage(connection, now_ms, terms)]


async def _absent_on_stage(connection: AsyncConnection, now_ms: int, terms: Terms) -> list[Finding]:
    before_ms = now_ms - terms.grace_ms - MARGIN_MS
    return [
        Finding(
            "stage.absent",
            f"{one.room}:{one.user}",
            f"on stage, and without a socket for {(now_ms - one.since_ms) // 1000} s: is a worker running?",
        )
        for one in await absence_sql.absent(connection, before_ms)
    ]
