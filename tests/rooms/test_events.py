"""Events survive the wire and name themselves."""

import json
from typing import Any

import msgspec
import pytest

from auth.identity import Role, Tier, UserId
from auth.situation import Phase, Switches
from gateway.features.registry import BOOK
from rooms.audit.events import AuditRecorded
from rooms.chat.danmaku import DanmakuStyle
from rooms.chat.events import DanmakuSaid, PinsChanged, Retracted
from rooms.chat.pins import Pin, PinKind
from rooms.course.countdowns import CountdownKind
from rooms.course.events import CountdownChanged, PhaseChanged, ScheduleChanged, SwitchesChanged
from rooms.encoding import encode
from rooms.gateways import Present, SaidApart, SeatsTaken, Sought
from rooms.gifts.events import GiftSent, LeaderboardChanged, LikesCounted
from rooms.gifts.leaderboard import LeaderboardItem
from rooms.moderation.events import Banned, Kicked, Muted, Unbanned, Unmuted
from rooms.names.events import NamesChanged
from rooms.polls.events import PollsChanged
from rooms.polls.poll import Poll, PollOption
from rooms.roles.events import RoleChanged
from rooms.stage.events import CohostChanged, QueueChanged, StageChanged
from rooms.stage.stage import QueueItem, StageMember, StageReason, StageState

ANN = UserId("ann")
EXAMPLES: list[Any] = [
    PhaseChanged(Phase.LIVE, Switches(), 1, 2, 3),
    SwitchesChanged(Phase.LIVE, Switches(slow_ms=5), 1, 2, 4),
    ScheduleChanged(Phase.LIVE, Switches(), 1, 2, 5),
    StageChanged((StageMember(ANN, "Ann", 1),), 4, 2),
    CohostChanged(ANN, StageState.IDLE, StageReason.LEFT, 3),
    QueueChanged((QueueItem(ANN, "Ann", Tier.VIP, StageState.REQUESTED, "hi", 1),), 3),
    PinsChanged((Pin("p", PinKind.DANMAKU, "text", "Ann", 1),), 2),
    CountdownChanged("doors", CountdownKind.DOORS, None, "", 2),
    Muted(ANN, None, 3),
    Unmuted(ANN, 4),
    Banned(ANN, 5),
    Unbanned(ANN, 6),
    Kicked(ANN, 7),
    DanmakuSaid("d", ANN, "Ann", "hi 🎉", Tier.MAIN, Role.VIEWER, DanmakuStyle(color="#ffffff"), 1, Tier.NONE),
    GiftSent("g", ANN, "Ann", "rose", 2, 2, 1, Tier.MAIN, 7),
    Retracted("d", Tier.NONE),
    LikesCounted(7),
    AuditRecorded("a", ANN, "mute", "ben", 1),
    RoleChanged(ANN, Role.HOST, 8),
    NamesChanged(("aurora",), {ANN: "Ann"}, 2),
    PollsChanged((Poll("p", "one more?", (PollOption("yes", 2), PollOption("no", 0)), 1),), 2),
    LeaderboardChanged((LeaderboardItem(ANN, "Ann", 9),), 1),
    SeatsTaken(("holder",)),
    Sought("question", ANN),
    Present("question", "Ann"),
    SaidApart("gateway"),
]


@pytest.mark.parametrize("event", EXAMPLES, ids=lambda event: type(event).__name__)
def test_an_event_survives_the_wire(event: Any) -> None:
    body = encode(event)
    assert BOOK.decode(body) == event
    assert json.loads(body)["t"].startswith("room.")


def test_every_event_has_an_example_and_a_tag_of_its_own() -> None:
    kinds: list[Any] = [kind for kind in BOOK.entries if kind.__module__.startswith("rooms.")]
    assert {type(event) for event in EXAMPLES} == set(kinds)
    assert len({kind.__struct_config__.tag for kind in kinds}) == len(kinds)


def test_foreign_bytes_are_refused() -> None:
    with pytest.raises(msgspec.DecodeError):
        BOOK.decode(b"{")
    with pytest.raises(msgspec.ValidationError):
        BOOK.decode(b'{"t": "presale.wallet"}')
