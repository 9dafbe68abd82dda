"""Gifts, likes and the most generous fans, as a room follows them."""

from collections.abc import Sequence
from operator import attrgetter

from sqlalchemy.ext.asyncio import AsyncConnection

from gateway.features.gifts import wire
from gateway.replica.news import AnyEvent, Fact, History, Implies, Pace, Personal, State
from gateway.replica.orders import TellUser
from gateway.replica.reading import GiftsCounted
from gateway.replica.welcome import Part
from presale.books.events import WalletChanged
from rooms.course.room import RoomRecord
from rooms.gifts import gifts_sql
from rooms.gifts.events import GiftSent, LeaderboardChanged, LikesCounted


def gift_item(event: GiftSent) -> wire.GiftItem:
    """A gift as clients see it."""
    return wire.GiftItem(event.id, event.user, event.name, event.gift, event.count, event.credits, event.at_ms)


async def load(connection: AsyncConnection, room: RoomRecord, counted: int) -> Sequence[AnyEvent]:
    """The totals of gifts and likes, and the leaderboard."""
    board = await gifts_sql.leaderboard(connection, room.id)
    totals = await gifts_sql.totals(connection, room.id)
    return [
        GiftsCounted(totals.credits),
        LeaderboardChanged(board.items, board.version),
        LikesCounted(room.like_total),
    ]


NEWS = (
    History(GiftSent, wire.GIFT, gift_item, wire.MissedGift),
    Implies(GiftSent, lambda event: GiftsCounted(event.room_credits)),
    Fact(GiftsCounted, version=attrgetter("credits")),
    State(
        LeaderboardChanged,
        wire.LEADERBOARD,
        lambda event, *_: wire.Leaderboard(event.items, event.version),
        pace=Pace.CONFLATED,
        hello="leaderboard",
    ),
    State(
        LikesCounted,
        wire.LIKE,
        lambda event, *_: wire.Like(event.total),
        pace=Pace.CONFLATED,
        version=attrgetter("total"),
        hello="like",
    ),
    Personal(
        WalletChanged,
        lambda event, *_: [TellUser(event.user, wire.WALLET, wire.Wallet(event.credits, event.version))],
    ),
)
PARTS = (
    Part(
        "wallet",
        lambda _known, _viewer, luggage, _moment: wire.Wallet(luggage.wallet.credits, luggage.wallet.version),
        of_you=True,
    ),
)
