"""What a fan is told about their money, read from the refunds: it outlasts the socket that was not there to hear it."""

from enum import StrEnum

from msgspec import Struct
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from auth.identity import ShowId, UserId
from presale.orders import OrderId
from presale.refunds import RefundId, RefundProgress
from presale.tables_sql import orders, refunds


class NoticeKind(StrEnum):
    """What happened to the money of an order."""

    MONEY_RETURNING = "money_returning"
    """It came when it could buy nothing any more, and goes back by itself."""
    REFUND_FAILED = "refund_failed"
    """The provider would not give it back."""


class Notice(Struct, frozen=True, kw_only=True):
    """One line of the inbox."""

    id: str
    """That of the `inbox` event, too."""
    kind: NoticeKind
    show: ShowId
    order: OrderId
    amount_minor: int
    currency: str
    at_ms: int


def notice_id(refund: RefundId, kind: NoticeKind) -> str:
    """One and the same, however often the notice is told."""
    return f"{refund}.{kind}"


async def list_notices(connection: AsyncConnection, user: UserId, limit: int) -> list[Notice]:
    """The newest notices of a user, over all shows, newest first."""
    told = (refunds.c.by_user.is_(None)) | (refunds.c.state == RefundProgress.FAILED)
    chosen = (
        select(refunds, orders.c.show_id)
        .join(orders, orders.c.id == refunds.c.order_id)
        .where(orders.c.user_id == user, told)
        .order_by(refunds.c.created_ms.desc(), refunds.c.id.desc())
        .limit(limit)
    )
    notices: list[Notice] = []
    for row in await connection.execute(chosen):
        happened = [(NoticeKind.MONEY_RETURNING, row.created_ms)] if row.by_user is None else []
        if row.state == RefundProgress.FAILED:
            happened.append((NoticeKind.REFUND_FAILED, row.settled_ms))
        notices += (
            Notice(
                id=notice_id(RefundId(row.id), kind),
                kind=kind,
                show=ShowId(row.show_id),
                order=OrderId(row.order_id),
                amount_minor=row.amount_minor,
                currency=row.currency,
                at_ms=at_ms,
            )
            for kind, at_ms in happened
        )
    return sorted(notices, key=lambda notice: (-notice.at_ms, notice.id))[:limit]
