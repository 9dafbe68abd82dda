"""What a socket is told first, and once more after its room has missed something."""

from dataclasses import replace

import msgspec

from gateway.contract.link import DEGRADED, Degraded
from gateway.live.member import Member
from gateway.live.room import LiveRoom
from gateway.replica.welcome import NO_LUGGAGE, Standing, build, console_state
from gateway.sockets.codec import Prepared


def greet(room: LiveRoom, member: Member) -> None:
    """Tell a socket everything: `welcome`, and what else its surface begins with."""
    connection, around = member.connection, room.around
    assert connection is not None, "who has no connection cannot be told anything"
    around.devices.settle(room, member.user)
    standing = Standing(
        codec=connection.codec,
        here=room.position,
        stamp=around.queue.stamp(member),
        online=room.told_online,
        grants=room.grants_of(member),
        admission=around.queue.standing(member) if member.is_waiting else msgspec.UNSET,
    )
    member.told_until, hello = build(room.replica, member, around.greeting, room.encoded, room, standing)
    member.luggage = NO_LUGGAGE
    told = [Prepared(around.greeting.event, hello)]
    if member.is_console:
        told += [Prepared(event, payload) for event, payload in console_state(room.replica, room)]
    if (since_ms := around.degraded_since_ms()) is not None:
        told.append(Prepared(DEGRADED, Degraded(since_ms)))
    for prepared in told:
        connection.send(prepared)
        room.delivered(prepared.event.name, 1)


def greet_anew(room: LiveRoom, member: Member, *, recovered: bool, danmaku_truncated: bool) -> None:
    """Tell everything again on the same socket: the room has missed something."""
    if member.is_open:
        member.luggage = replace(member.luggage, recovered=recovered, danmaku_truncated=danmaku_truncated)
        greet(room, member)
        room.settle(member)
