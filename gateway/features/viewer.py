"""What viewers do."""

from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection

from auth.denials import Code, Denied
from auth.identity import Role
from auth.permissions import Permission
from gateway.contract import shapes
from gateway.features.means import Means
from gateway.features.stage import commands
from gateway.live.member import Member
from gateway.live.rates import SLOW_MODE, request_name
from gateway.replica.rights import rights_in
from gateway.replica.welcome import cohost_in
from presale import entitlements_sql, wallet_sql
from pubsub.broker import Publication, Retention
from rooms import danmaku, events, gifts, gifts_sql, moderation_sql, roles_sql, rooms_sql, stage_sql, turns_sql
from rooms.budget import Weight, weight_of
from rooms.gifts import GiftRecord
from rooms.moderation import muted
from rooms.stage import StageAction, StageCommand, StageState
from store.database_sql import UnitOfWork


def send_danmaku(means: Means, member: Member, request: shapes.SendDanmaku) -> shapes.DanmakuAck | Denied:
    """Checked against the replica, published, stored later: an ack means accepted.

    In a room where more is said than it can be told, `shed` says that this one was left out.
    """
    replica, persons, now = member.room.replica, member.room.persons, means.clock()
    text = _checked_text(means, member, request.text)
    if isinstance(text, Denied):
        return text
    floor = replica.floor
    if floor is None:
        return Denied(Code.CLOSED)  # the staff of a room that nobody can read yet
    if not member.role.is_staff:
        wait_ms = persons.wait(member.user, now, replica.room.switches.slow_ms)
        if wait_ms:
            slow_ms = replica.room.switches.slow_ms
            return Denied(Code.RATE_LIMITED, retry_after_ms=wait_ms, detail={SLOW_MODE: slow_ms})
    persons.said(member.user, now)
    danmaku_id = means.new_id()
    if not member.room.budget.admits(weight_of(member.role, member.tier), now, len(text.encode())):
        return shapes.DanmakuAck(danmaku_id, shed=True)
    said = events.DanmakuSaid(
        id=danmaku_id,
        user=member.user,
        name=member.name,
        text=text,
        tier=member.tier,
        role=member.role,
        style=request.style,
        at_ms=now,
        floor=floor,
    )
    persons.expect(said.id)
    means.broker.post(replica.id, Publication(said.id, events.encode(said), Retention.SHORT, now))
    member.room.unstored_danmaku.append(said)
    return shapes.DanmakuAck(said.id)


async def send_gift(means: Means, member: Member, request: shapes.SendGift) -> shapes.GiftAck | Denied:
    """Room rule and wallet in one transaction; committed when acked. The rights are read from SQL again."""
    replica = member.room.replica
    denied = await _cannot_pay(means, member, request)
    if denied is not None:
        return denied
    async with means.db.write() as uow:
        await turns_sql.take_gifts(uow, replica.id, member.user)
        known = await _given(uow.connection, member, request)
        if known is not None:
            return known
        missing = await _missing_now(uow, member, Permission.GIFT)
        if missing is not None:
            return missing
        cost = gifts.price(replica.room.gifts, request.gift, request.count)
        if isinstance(cost, Denied):
            return cost
        spent = await wallet_sql.spend(
            uow, replica.show, member.user, cost, gifts.spending_key(replica.id, request.key)
        )
        if isinstance(spent, Denied):
            return spent
        floor = replica.floor
        assert floor is not None, "whoever may send gifts is in a room that somebody can read"
        record = GiftRecord(
            id=uow.new_id(),
            room=replica.id,
            user=member.user,
            name=member.name,
            gift=request.gift,
            count=request.count,
            credits=cost,
            key=request.key,
            at_ms=uow.now_ms,
            floor=floor,
        )
        member.room.persons.expect(record.id)
        recorded = await gifts_sql.record(uow, record)
        assert recorded is record or recorded == record, "the key was free in this very transaction"
    return shapes.GiftAck(record.id, shapes.Wallet(spent.credits, spent.version))


async def _cannot_pay(means: Means, member: Member, request: shapes.SendGift) -> shapes.GiftAck | Denied | None:
    """What a gift comes to that cannot be paid, by what this gateway knows and by SQL, which is only read for it."""
    cost = gifts.price(member.room.replica.room.gifts, request.gift, request.count)
    guest = member.room.guests.find(member.user)
    if not isinstance(cost, Denied) and (guest is None or guest.wallet.credits >= cost):
        return None
    async with means.db.read() as connection:
        known = await _given(connection, member, request)
        if known is not None:
            return known
        if isinstance(cost, Denied):
            return cost
        wallet = await wallet_sql.load(connection, member.room.replica.show, member.user)
    return wallet_sql.too_few(wallet, cost)


async def given_before(means: Means, member: Member, request: shapes.SendGift) -> shapes.GiftAck | Denied | None:
    """What a gift was answered when it was sent the first time; None for one that never was.

    Whoever never held a ticket never had credits: they cost no query.
    """
    if member.tier_version <= 0:
        return None
    async with means.db.read() as connection:
        return await _given(connection, member, request)


def like(means: Means, member: Member, request: shapes.SendLike) -> shapes.Like:
    """Counted here, written with the next batch; best effort, and the first to be left out of a busy room."""
    if member.room.budget.admits(Weight.LIKE, means.clock()):
        member.room.uncounted_likes += request.count
    return shapes.Like(member.room.replica.likes + member.room.uncounted_likes)


async def request_stage(means: Means, member: Member, request: shapes.CohostRequest) -> shapes.Cohost | Denied:
    """Ask to come on commands."""
    message = ""
    if request.message:
        checked = _checked_text(means, member, request.message)
        if isinstance(checked, Denied):
            return checked
        message = checked
    return await _on_stage(means, member, StageAction.REQUEST, message)


async def cancel_stage(means: Means, member: Member, request: shapes.Nothing) -> shapes.Cohost | Denied:
    """Take a request back, or decline an invitation."""
    return await _on_stage(means, member, StageAction.CANCEL)


async def accept_stage(means: Means, member: Member, request: shapes.Nothing) -> shapes.Cohost | Denied:
    """Follow an invitation."""
    return await _on_stage(means, member, StageAction.ACCEPT)


async def leave_stage(means: Means, member: Member, request: shapes.Nothing) -> shapes.Cohost | Denied:
    """Step down."""
    return await _on_stage(means, member, StageAction.LEAVE)


def refresh_streams(means: Means, member: Member, request: shapes.Nothing) -> shapes.Streams | Denied:
    """Fresh grants for what the ticket is worth now."""
    if member.user in member.room.replica.bans:
        return Denied(Code.BANNED)
    return shapes.Streams(member.grants())


def refresh_token(means: Means, member: Member, request: shapes.RefreshToken) -> shapes.TokenExpiring | Denied:
    """A new token of the same user lengthens the stay."""
    identity = means.verifier.verify(request.token, means.clock())
    if isinstance(identity, Denied):
        return identity
    if identity.user != member.user:
        return Denied(Code.FORBIDDEN)
    member.identity = identity
    member.watch_token()
    member.keep_name()
    return shapes.TokenExpiring(identity.expires_ms)


def clock(means: Means, member: Member, request: shapes.Clock) -> shapes.ClockAck:
    """The server's times, for the client's offset."""
    now = means.clock()
    return shapes.ClockAck(request.t0, now, means.clock())


HANDLERS: dict[str, Any] = {
    "danmaku": send_danmaku,
    "gift": send_gift,
    "like": like,
    "cohost:request": request_stage,
    "cohost:cancel": cancel_stage,
    "cohost:accept": accept_stage,
    "cohost:leave": leave_stage,
    "streams:refresh": refresh_streams,
    "token:refresh": refresh_token,
    "clock": clock,
}


KNOWN: dict[str, Any] = {"gift": given_before}
"""What the events with a key answered before: asked where the right to them has ended since."""


async def _given(
    connection: AsyncConnection, member: Member, request: shapes.SendGift
) -> shapes.GiftAck | Denied | None:
    replica = member.room.replica
    known = await gifts_sql.find(connection, replica.id, member.user, request.key)
    if known is None:
        return None
    if (known.gift, known.count) != (request.gift, request.count):
        return Denied(Code.IDEMPOTENCY_REUSED)
    wallet = await wallet_sql.load(connection, replica.show, member.user)
    return shapes.GiftAck(known.id, shapes.Wallet(wallet.credits, wallet.version))


def _checked_text(means: Means, member: Member, text: str) -> str | Denied:
    """A text as others may see it, unless its author is muted or the room does not take it."""
    replica = member.room.replica
    silenced = muted(replica.mutes.get(member.user), means.clock())
    if silenced is not None:
        return silenced
    return danmaku.check(text, replica.room.switches, staff=member.role.is_staff, blocked=means.blocked_words)


async def _missing_now(uow: UnitOfWork, member: Member, permission: Permission) -> Denied | None:
    """BANNED or FORBIDDEN where SQL, inside this transaction, does not grant what the replica granted."""
    room = await rooms_sql.load_room(uow.connection, member.room.id)
    if room is None:
        return Denied(Code.FORBIDDEN)
    if await moderation_sql.is_banned(uow.connection, room.id, member.user):
        return Denied(Code.BANNED)
    await entitlements_sql.take_turn(uow, room.show, member.user)
    role = await roles_sql.role_of(uow.connection, member.user, room.show)
    entitlement = await entitlements_sql.load(uow.connection, room.show, member.user)
    tier = entitlement.tier if role is Role.VIEWER else member.tier
    return None if permission in rights_in(room, role, tier) else Denied(Code.FORBIDDEN)


async def _on_stage(means: Means, member: Member, action: StageAction, message: str = "") -> shapes.Cohost | Denied:
    command = StageCommand(action, member.user, member.name, member.tier, message)
    if not member.may(Permission.COHOST) and member.room.replica.stage.state_of(member.user) is StageState.IDLE:
        return Denied(Code.STAGE_STATE, detail={"state": StageState.IDLE.value})  # a stranger's call costs no SQL
    denied = await commands.refused(means, member.room, command)
    if denied is not None:
        return denied
    async with means.db.write() as uow:
        if action in (StageAction.REQUEST, StageAction.ACCEPT):
            missing = await _missing_now(uow, member, Permission.COHOST)
            if missing is not None:
                return missing
        changed = await stage_sql.act(uow, member.room.id, command)
        if isinstance(changed, Denied):
            return changed
        if action is StageAction.REQUEST:
            member.room.persons.expect(request_name(member.user, changed.version))
    return cohost_in(member.room, member.user, changed)
