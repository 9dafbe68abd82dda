"""Who is on stage and who waits for it, as a room follows it."""

from collections.abc import Iterable, Sequence

from msgspec import UNSET
from sqlalchemy.ext.asyncio import AsyncConnection

from auth.identity import Role, UserId
from gateway.features.stage import wire
from gateway.replica.news import AnyEvent, Effect, Knowledge, Moment, Personal, State
from gateway.replica.orders import CONSOLES, CallIn, Order, TakeOffStage, TellUser
from gateway.replica.reading import stage_of
from gateway.replica.rights import keeps_stage
from gateway.replica.welcome import Luggage, Part, Viewer
from presale.entitlements.events import EntitlementChanged
from rooms.course.room import RoomRecord
from rooms.stage import stage_sql
from rooms.stage.events import CohostChanged, QueueChanged, StageChanged
from rooms.stage.stage import StageReason, StageRecord, StageState


def cohost_in(stage: StageRecord, user: UserId, moment: Moment) -> wire.Cohost:
    """The `cohost` event of somebody as a stage has them."""
    return _cohost(user, stage.state_of(user), stage.version, None, moment)


def _cohost(user: UserId, state: StageState, version: int, reason: StageReason | None, moment: Moment) -> wire.Cohost:
    """Whoever is on stage gets the right to publish with it."""
    grant = moment.publishing_grant(user) if state is StageState.ON_STAGE else UNSET
    return wire.Cohost(state, version, reason or UNSET, grant)


def _moved(event: CohostChanged, _known: Knowledge, moment: Moment) -> Iterable[Order]:
    if event.state is StageState.ON_STAGE:
        yield CallIn(event.user)
    told = _cohost(event.user, event.state, event.version, event.reason, moment)
    yield TellUser(event.user, wire.COHOST, told)


def _rights_ended(event: EntitlementChanged, _before: RoomRecord, known: Knowledge, _moment: Moment) -> Iterable[Order]:
    if not keeps_stage(known.room, Role.VIEWER, event.tier):
        yield TakeOffStage(event.user)


def _own_place(known: Knowledge, viewer: Viewer, _luggage: Luggage, moment: Moment) -> wire.Cohost:
    return cohost_in(stage_of(known), viewer.user, moment)


async def load(connection: AsyncConnection, room: RoomRecord, counted: int) -> Sequence[AnyEvent]:
    """The stage and its queue."""
    stage = await stage_sql.load_stage(connection, room.id)
    return [
        StageChanged(stage.members, stage.capacity, stage.version),
        QueueChanged(stage.queue, stage.version),
    ]


NEWS = (
    State(
        StageChanged,
        wire.STAGE,
        lambda event, *_: wire.Stage(event.members, event.capacity, event.version),
        hello="stage",
    ),
    State(
        QueueChanged,
        wire.COHOST_QUEUE,
        lambda event, *_: wire.CohostQueue(event.items, event.version),
        views=(CONSOLES,),
    ),
    Personal(CohostChanged, _moved, floor=lambda known: known.newest(StageChanged).version),
    Effect((EntitlementChanged,), _rights_ended),
)
PARTS = (Part("cohost", _own_place, of_you=True),)
