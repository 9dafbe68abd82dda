"""What a fan is told about their money, read from refunds and shows: it outlasts the socket that missed hearing it."""

from enum import StrEnum

from msgspec import Struct
from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from auth.identity import ShowId, UserId
from presale.catalogue.shows_sql import show_of
from presale.orders.orders import OrderId, OrderState
from presale.refunds.refunds import RefundId, RefundProgress, open_until
from presale.tables_sql import orders, refunds, shows


class NoticeKind(StrEnum):
    """What happened to the money of an order."""

    MONEY_RETURNING = "money_returning"
    """It came when it could buy nothing any more, and goes back by itself."""
    REFUND_FAILED = "refund_failed"
    """The provider would not give it back."""
    REFUNDS_OPEN = "refunds_open"
    """It could not be returned any more and can be again: the show has moved, or is off, or has a new deadline."""


class Notice(Struct, frozen=True, kw_only=True):
    """One line of the inbox."""

    id: str
    """That of the `inbox` event, too."""
    kind: NoticeKind
    show: ShowId
    order: OrderId | None = None
    """None where it is about all orders of the show."""
    amount_minor: int | None = None
    """Of the refund."""
    currency: str
    at_ms: int
    until_ms: int | None = None
    """How long tickets may be returned, if a time ends it."""


def notice_id(refund: RefundId, kind: NoticeKind) -> str:
    """One and the same, however often the notice is told."""
    return f"{refund}.{kind}"


def opening_id(show: ShowId, opened_ms: int) -> str:
    """Of the notice that refunds of a show are open again since then."""
    return f"{show}.{opened_ms}.{NoticeKind.REFUNDS_OPEN}"


async def list_notices(connection: AsyncConnection, user: UserId, limit: int) -> list[Notice]:
    """The newest notices of a user, over all shows, newest first."""
    notices = await _about_refunds(connection, user, limit) + await _about_openings(connection, user, limit)
    return sorted(notices, key=lambda notice: (-notice.at_ms, notice.id))[:limit]


async def _about_refunds(connection: AsyncConnection, user: UserId, limit: int) -> list[Notice]:
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
    return notices


async def _about_openings(connection: AsyncConnection, user: UserId, limit: int) -> list[Notice]:
    """For those who hold a ticket that they had paid before."""
    held = (
        select(orders.c.show_id, func.min(orders.c.paid_ms).label("paid_ms"))
        .where(orders.c.user_id == user, orders.c.state == OrderState.PAID)
        .group_by(orders.c.show_id)
        .subquery()
    )
    chosen = (
        select(shows)
        .join(held, held.c.show_id == shows.c.id)
        .where(held.c.paid_ms <= shows.c.refunds_opened_ms)
        .order_by(shows.c.refunds_opened_ms.desc(), shows.c.id)
        .limit(limit)
    )
    notices: list[Notice] = []
    for show in map(show_of, await connection.execute(chosen)):
        assert show.refunds_opened_ms is not None, "nothing is paid before it"
        notices.append(
            Notice(
                id=opening_id(show.id, show.refunds_opened_ms),
                kind=NoticeKind.REFUNDS_OPEN,
                show=show.id,
                currency=show.currency,
                at_ms=show.refunds_opened_ms,
                until_ms=open_until(show),
            )
        )
    return notices
