"""Gifts, which cost credits, and likes, which cost nothing."""

from sqlalchemy.ext.asyncio import AsyncConnection

from auth.denials import Code, Denied
from auth.permissions import Permission
from gateway.contract.rows import OF_RIGHTS, RateClass, errors, viewer_command
from gateway.features.gifts import wire
from gateway.replica.act import Act, still_missing
from presale.books import wallet_sql
from rooms import turns_sql
from rooms.chat.budget import Weight
from rooms.gifts import gifts, gifts_sql
from rooms.gifts.gifts import GiftRecord


async def send_gift(act: Act, request: wire.SendGift) -> wire.GiftAck | Denied:
    """Room rule and wallet in one transaction; committed when acked. The rights are read from SQL again."""
    replica = act.room.replica
    denied = await _cannot_pay(act, request)
    if denied is not None:
        return denied
    async with act.means.db.write() as uow:
        await turns_sql.take_gifts(uow, replica.id, act.user)
        known = await _given(uow.connection, act, request)
        if known is not None:
            return known
        missing = await still_missing(act, uow, Permission.GIFT)
        if missing is not None:
            return missing
        cost = gifts.price(replica.room.gifts, request.gift, request.count)
        if isinstance(cost, Denied):
            return cost
        spent = await wallet_sql.spend(uow, replica.show, act.user, cost, gifts.spending_key(replica.id, request.key))
        if isinstance(spent, Denied):
            return spent
        floor = replica.floor
        assert floor is not None, "whoever may send gifts is in a room that somebody can read"
        record = GiftRecord(
            id=uow.new_id(),
            room=replica.id,
            user=act.user,
            name=act.name,
            gift=request.gift,
            count=request.count,
            credits=cost,
            key=request.key,
            at_ms=uow.now_ms,
            floor=floor,
        )
        act.room.persons.expect(record.id)
        recorded = await gifts_sql.record(uow, record)
        assert recorded is record or recorded == record, "the key was free in this very transaction"
    return wire.GiftAck(record.id, wire.Wallet(spent.credits, spent.version))


async def given_before(act: Act, request: wire.SendGift) -> wire.GiftAck | Denied | None:
    """What a gift was answered when it was sent the first time; None for one that never was.

    Whoever never held a ticket never had credits: they cost no query.
    """
    if act.tier_version <= 0:
        return None
    async with act.means.db.read() as connection:
        return await _given(connection, act, request)


def like(act: Act, request: wire.SendLike) -> wire.Like:
    """Counted here, written with the next batch; best effort, and the first to be left out of a busy room."""
    room = act.room
    if room.budget.admits(Weight.LIKE, act.means.clock()):
        room.liked(request.count)
    return wire.Like(room.likes)


COMMANDS = (
    viewer_command(
        "gift",
        wire.SendGift,
        wire.GiftAck,
        errors(*OF_RIGHTS, Code.BANNED, Code.GIFT_UNKNOWN, Code.INSUFFICIENT_CREDITS, Code.IDEMPOTENCY_REUSED),
        send_gift,
        permission=Permission.GIFT,
        rate=RateClass.GIFT,
        known=given_before,
    ),
    viewer_command(
        "like",
        wire.SendLike,
        wire.Like,
        errors(*OF_RIGHTS),
        like,
        permission=Permission.LIKE,
        rate=RateClass.LIKE,
    ),
)


async def _cannot_pay(act: Act, request: wire.SendGift) -> wire.GiftAck | Denied | None:
    """What a gift comes to that cannot be paid, by what this gateway knows and by SQL, which is only read for it."""
    cost = gifts.price(act.room.replica.room.gifts, request.gift, request.count)
    guest = act.room.guests.find(act.user)
    if not isinstance(cost, Denied) and (guest is None or guest.wallet.credits >= cost):
        return None
    async with act.means.db.read() as connection:
        known = await _given(connection, act, request)
        if known is not None:
            return known
        if isinstance(cost, Denied):
            return cost
        wallet = await wallet_sql.load(connection, act.room.replica.show, act.user)
    return wallet_sql.too_few(wallet, cost)


async def _given(connection: AsyncConnection, act: Act, request: wire.SendGift) -> wire.GiftAck | Denied | None:
    replica = act.room.replica
    known = await gifts_sql.find(connection, replica.id, act.user, request.key)
    if known is None:
        return None
    if (known.gift, known.count) != (request.gift, request.count):
        return Denied(Code.IDEMPOTENCY_REUSED)
    wallet = await wallet_sql.load(connection, replica.show, act.user)
    return wire.GiftAck(known.id, wire.Wallet(wallet.credits, wallet.version))
