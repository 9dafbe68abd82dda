"""Unpaid orders of shows that are over, as the audit finds them: somebody could be paying for nothing."""

from collections.abc import Collection

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from auth.identity import ShowId
from presale.orders.jobs import END_ALL_JOB, END_JOB
from presale.orders.orders import OrderState
from presale.tables_sql import orders
from store.findings import Finding
from store.tables_sql import JobState, jobs

PATIENT_ATTEMPTS = 5
"""Attempts of the work that closes an order, over more than a minute, before the order is a finding all the same."""


async def audit_pending(connection: AsyncConnection, over: Collection[ShowId]) -> list[Finding]:
    """The unpaid orders of the shows that are `over`, but for those that are being closed at this moment."""
    being_closed = (
        (jobs.c.state == JobState.WAITING)
        & (jobs.c.attempt <= PATIENT_ATTEMPTS)
        & jobs.c.kind.in_((END_JOB, END_ALL_JOB))
    )
    promised = {row.payload.decode() for row in await connection.execute(select(jobs.c.payload).where(being_closed))}
    pending = select(orders.c.id, orders.c.show_id).where(orders.c.state == OrderState.PENDING).order_by(orders.c.id)
    return [
        Finding("orders.over", row.id, f"still waits for money, and show {row.show_id} is over")
        for row in await connection.execute(pending)
        if row.show_id in over and row.id not in promised and row.show_id not in promised
    ]
