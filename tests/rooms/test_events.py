"""Events survive the wire and name themselves."""

import json
from typing import Any, get_args

import msgspec
import pytest

from auth.identity import Role, Tier, UserId
from auth.situation import Phase, Switches
from rooms import events
from rooms.chat.danmaku import DanmakuStyle
from rooms.chat.pins import Pin, PinKind
from rooms.course.countdowns import CountdownKind
from rooms.gifts.leaderboard import LeaderboardItem
from rooms.stage.stage import QueueItem, StageMember, StageReason, StageState

ANN = UserId("ann")
EXAMPLES: list[events.RoomEvent] = [
    events.PhaseChanged(Phase.LIVE, Switches(), 1, 2, 3),
    events.SwitchesChanged(Phase.LIVE, Switches(slow_ms=5), 1, 2, 4),
    events.ScheduleChanged(Phase.LIVE, Switches(), 1, 2, 5),
    events.StageChanged((StageMember(ANN, "Ann", 1),), 4, 2),
    events.CohostChanged(ANN, StageState.IDLE, StageReason.LEFT, 3),
    events.QueueChanged((QueueItem(ANN, "Ann", Tier.VIP, StageState.REQUESTED, "hi", 1),), 3),
    events.PinsChanged((Pin("p", PinKind.DANMAKU, "text", "Ann", 1),), 2),
    events.CountdownChanged("doors", CountdownKind.DOORS, None, "", 2),
    events.Muted(ANN, None, 3),
    events.Unmuted(ANN, 4),
    events.Banned(ANN, 5),
    events.Unbanned(ANN, 6),
    events.Kicked(ANN, 7),
    events.DanmakuSaid("d", ANN, "Ann", "hi 🎉", Tier.MAIN, Role.VIEWER, DanmakuStyle(color="#ffffff"), 1, Tier.NONE),
    events.GiftSent("g", ANN, "Ann", "rose", 2, 2, 1, Tier.MAIN, 7),
    events.Retracted("d", Tier.NONE),
    events.LikesCounted(7),
    events.AuditRecorded("a", ANN, "mute", "ben", 1),
    events.RoleChanged(ANN, Role.HOST, 8),
    events.NamesChanged(("aurora",), {ANN: "Ann"}, 2),
    events.LeaderboardChanged((LeaderboardItem(ANN, "Ann", 9),), 1),
    events.SeatsTaken(("holder",)),
    events.Sought("question", ANN),
    events.Present("question", "Ann"),
    events.SaidApart("gateway"),
]


@pytest.mark.parametrize("event", EXAMPLES, ids=lambda event: type(event).__name__)
def test_an_event_survives_the_wire(event: events.RoomEvent) -> None:
    body = events.encode(event)
    assert events.decode(body) == event
    assert json.loads(body)["t"].startswith("room.")


def test_every_event_has_an_example_and_a_tag_of_its_own() -> None:
    kinds: tuple[Any, ...] = get_args(events.RoomEvent)
    assert {type(event) for event in EXAMPLES} == set(kinds)
    assert len({kind.__struct_config__.tag for kind in kinds}) == len(kinds)


def test_foreign_bytes_are_refused() -> None:
    with pytest.raises(msgspec.DecodeError):
        events.decode(b"{")
    with pytest.raises(msgspec.ValidationError):
        events.decode(b'{"t": "presale.wallet"}')
