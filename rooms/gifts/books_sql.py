"""The gifts on record, and the sums that rooms show of them, held against each other."""

from collections import defaultdict
from collections.abc import Iterator

from msgspec import Struct
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from auth.identity import RoomId, ShowId, UserId
from rooms.gifts.tables_sql import gift_givers, gifts, room_totals
from rooms.tables_sql import rooms
from store.findings import Finding


class GiftOnRecord(Struct, frozen=True):
    """What a gift has cost whom, and where."""

    id: str
    show: ShowId
    room: RoomId
    user: UserId
    key: str
    credits: int


async def all_gifts(connection: AsyncConnection) -> list[GiftOnRecord]:
    """Every gift of every room, oldest first. A survey."""
    chosen = (
        select(gifts.c.id, rooms.c.show_id, gifts.c.room_id, gifts.c.user_id, gifts.c.key, gifts.c.credits)
        .join(rooms, rooms.c.id == gifts.c.room_id)
        .order_by(gifts.c.id)
    )
    return [
        GiftOnRecord(id_, ShowId(show), RoomId(room), UserId(user), key, credits_)
        for id_, show, room, user, key, credits_ in await connection.execute(chosen)
    ]


async def wrong_totals(connection: AsyncConnection, given: list[GiftOnRecord]) -> list[Finding]:
    """Where the totals or the leaderboard of a room are not the sum of its gifts."""
    credits_: dict[str, int] = defaultdict(int)
    counts: dict[str, int] = defaultdict(int)
    by_giver: dict[tuple[str, str], int] = defaultdict(int)
    for gift in given:
        credits_[gift.room] += gift.credits
        counts[gift.room] += 1
        by_giver[gift.room, gift.user] += gift.credits
    totals = await connection.execute(select(room_totals).order_by(room_totals.c.room_id))
    shown = {(row.room_id, row.user_id): row.credits for row in await connection.execute(select(gift_givers))}
    findings = [
        Finding(
            "rooms.gifts.gifts",
            row.room_id,
            f"shows {row.gifts} gifts for {row.gift_credits} credits, on record are {counts[row.room_id]} for "
            f"{credits_[row.room_id]}",
        )
        for row in totals
        if (row.gifts, row.gift_credits) != (counts[row.room_id], credits_[row.room_id])
    ]
    return findings + list(_wrong_givers(shown, by_giver))


def _wrong_givers(shown: dict[tuple[str, str], int], given: dict[tuple[str, str], int]) -> Iterator[Finding]:
    for room, user in sorted(shown.keys() | given.keys()):
        told, sent = shown.get((room, user), 0), given.get((room, user), 0)
        if told != sent:
            yield Finding("rooms.givers", room, f"the leaderboard has {user} with {told} credits, on record are {sent}")
