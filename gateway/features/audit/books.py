"""The audit of the whole house: the box office's books, the rooms' sums, and what stands in both."""

from sqlalchemy.ext.asyncio import AsyncConnection

from presale.audit import audit_sql, ledger_audit_sql, pending_audit_sql
from presale.audit.ledger_audit_sql import Due
from presale.books import ledger
from presale.books.ledger import PostingKind
from rooms.course import phases, rooms_sql
from rooms.gifts import books_sql
from rooms.gifts.books_sql import GiftOnRecord
from rooms.gifts.gifts import spending_key
from store.findings import Finding


async def audit_house(connection: AsyncConnection) -> list[Finding]:
    """Everything that does not add up; an empty list means the books are right. Reads one snapshot."""
    gifts = await books_sql.all_gifts(connection)
    over = {room.show for room in await rooms_sql.list_rooms(connection) if room.phase in phases.OVER}
    return [
        *await audit_sql.audit(connection),
        *await ledger_audit_sql.unlike(connection, PostingKind.CREDITS_SPENT, map(_due, gifts)),
        *await books_sql.wrong_totals(connection, gifts),
        *await pending_audit_sql.audit_pending(connection, over),
    ]


def _due(gift: GiftOnRecord) -> Due:
    spent_for = spending_key(gift.room, gift.key)
    return Due(
        gift.id,
        f"{gift.user} sent it for {gift.credits} credits",
        ledger.credits_spent(spent_for, gift.show, gift.user, gift.credits),
        ledger.credits_spent_before(spent_for, gift.show, gift.user, gift.credits),
    )
