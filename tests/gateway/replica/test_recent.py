"""The recent window of a room: the whole of what came after a place, or nothing."""

from auth.identity import Role, Tier, UserId
from gateway.features.registry import BOOK
from gateway.replica.history import Recent, Recovered
from gateway.replica.news import AnyEvent
from pubsub.broker import Delivery, Position, Publication, Retention
from rooms.chat.events import DanmakuSaid, Retracted
from rooms.gifts.events import LikesCounted

ANN = UserId("ann")
SECOND = 1_000


def at(offset: int, epoch: str = "e") -> Position:
    return Position(epoch, offset)


def said(name: str, floor: Tier = Tier.MAIN) -> DanmakuSaid:
    return DanmakuSaid(name, ANN, "Ann", name, Tier.MAIN, Role.VIEWER, None, 1, floor)


class Room:
    """A window, and the place where its room stands."""

    def __init__(self, since: int = 0, max_bytes: int = 10_000) -> None:
        self.here = at(since)
        self.recent = Recent(BOOK, self.here, 60 * SECOND, max_bytes)
        self.now_ms = 0

    def hears(self, event: AnyEvent, size: int = 10, *, degraded: bool = False, epoch: str | None = None) -> None:
        if epoch is not None:
            self.here = at(1, epoch)
        elif not degraded:
            self.here = at(self.here.offset + 1, self.here.epoch)
        retention = Retention.NONE if isinstance(event, LikesCounted) else Retention.SHORT
        publication = Publication("id", b"x" * size, retention, self.now_ms)
        self.recent.add(Delivery(self.here, publication, degraded=degraded), event, self.now_ms)

    def after(self, place: Position) -> Recovered | None:
        return self.recent.since(place, self.here, self.now_ms)


def ids(recovered: Recovered | None) -> list[str]:
    assert recovered is not None
    return [getattr(one.event, "id", "") for one in recovered.past]


def test_it_tells_what_came_after_a_place_in_order() -> None:
    room = Room()
    for event in (said("a"), LikesCounted(1), said("b"), Retracted("a", Tier.MAIN)):
        room.hears(event)
    assert ids(room.after(at(1))) == ["b", "a"]
    assert ids(room.after(at(4))) == []


def test_a_place_before_it_opened_is_not_all_known() -> None:
    room = Room(since=7)
    room.hears(said("a"))
    assert room.after(at(6)) is None
    assert ids(room.after(at(7))) == ["a"]


def test_a_place_of_another_epoch_or_still_to_come_is_not_known() -> None:
    room = Room()
    room.hears(said("a"))
    assert room.after(at(1, "other")) is None
    assert room.after(at(2)) is None


def test_what_is_too_much_or_too_old_falls_out_and_the_places_before_it_with_it() -> None:
    room = Room(max_bytes=25)
    for name in "abc":
        room.hears(said(name))
    assert room.after(at(0)) is None
    assert ids(room.after(at(1))) == ["b", "c"]
    room.now_ms = 61 * SECOND
    assert room.after(at(2)) is None
    assert ids(room.after(at(3))) == []


def test_after_a_gap_it_begins_anew() -> None:
    room = Room()
    room.hears(said("a"))
    room.here = at(9)
    room.recent.restart(room.here)
    room.hears(said("b"))
    assert room.after(at(1)) is None
    assert ids(room.after(at(9))) == ["b"]


def test_a_new_epoch_is_known_from_its_first_word() -> None:
    room = Room()
    room.hears(said("a"))
    room.hears(said("b"), epoch="f")
    assert ids(room.after(at(0, "f"))) == ["b"]
    assert room.after(at(1)) is None


def test_what_was_said_without_a_place_makes_the_places_before_it_incomplete() -> None:
    # while the wire is away danmaku reach this gateway alone and stand in no history
    room = Room()
    room.hears(said("a"))
    room.hears(said("here alone"), degraded=True)
    missed = room.after(at(1))
    assert missed is not None
    assert (missed.short_complete, missed.long_complete) == (False, True)
    room.hears(said("b"))
    later = room.after(at(2))
    assert later is not None
    assert later.short_complete


def test_each_is_told_what_their_tier_let_them_read_at_the_time() -> None:
    room = Room()
    room.now_ms = 10
    room.hears(said("early"))
    room.now_ms = 20
    room.hears(said("late"))
    recovered = room.after(at(0))
    assert recovered is not None
    bought_at_15 = [(15, Tier.MAIN)]
    assert len(recovered.missed_by(bought_at_15, is_staff=False)) == 1
    assert len(recovered.missed_by([], is_staff=True)) == 2


def test_a_danmaku_is_found_until_it_is_taken_back_or_falls_out() -> None:
    room = Room(max_bytes=30)
    room.hears(said("a"))
    room.hears(said("b"))
    assert room.recent.find("a") == said("a")
    room.hears(Retracted("b", Tier.MAIN))
    assert room.recent.find("b") is None
    room.hears(said("c"))
    assert room.recent.find("a") is None
