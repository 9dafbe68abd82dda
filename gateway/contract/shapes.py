"""The payloads of every socket event, in both directions, as strict structs.

Ids are strings; money is an integer of minor units beside a currency code; times are integer
milliseconds since the epoch. Unknown fields from clients are ignored; missing or ill-typed ones are
refused with BAD_REQUEST.
"""

from typing import Annotated, Literal, TypeAlias

from msgspec import UNSET, Meta, Struct, UnsetType

from auth.grants import Grant
from auth.identity import Role, Tier
from auth.situation import Access, Phase, Switches
from presale.orders import OrderItem, OrderState
from rooms.danmaku import DanmakuStyle
from rooms.gifts import GiftKind
from rooms.leaderboard import LeaderboardItem
from rooms.pins import Pin
from rooms.stage import QueueItem, StageMember, StageReason, StageState

VISIBLE = r"^[^\x00-\x1f\x7f-\x9f\u00ad\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff]+(?![\s\S])"
"""No control, direction or zero-width character: none stands in an id that was ever made here."""
Id = Annotated[str, Meta(min_length=1, max_length=64, pattern=VISIBLE)]
JOINED = r"(?<=[\u0600-\u06ff\u0900-\u0dff\u203c-\u2bff\ufe0f" + "\U0001f000-\U0001faff" + r"])[\u200c\u200d]"
VISIBLE_OR_JOINED = VISIBLE.replace("^[", "^(?:[").replace("]+", f"]|{JOINED})+")
"""The same, with joiners within emoji families and in scripts that spell with them."""
User = Annotated[str, Meta(min_length=1, max_length=64, pattern=VISIBLE_OR_JOINED)]
Count = Annotated[int, Meta(ge=0, le=2**53)]
Millis = Annotated[int, Meta(ge=0, le=2**53)]
ClientTime = Annotated[int, Meta(ge=-(2**53), le=2**53)] | Annotated[float, Meta(ge=-(2.0**53), le=2.0**53)]
"""Of a clock that is the client's own; never NaN or infinite."""
TierReason = Literal["purchase", "refund", "refund_failed", "phase", "switches", "role", "admitted"]
InboxKind = Literal["muted", "unmuted", "refund_failed", "money_returning", "refunds_open"]
FOREVER_MS = 2**53
"""An end that does not come by itself."""
ShortText = Annotated[str, Meta(max_length=2400)]
"""As it is sent; what counts are the graphemes left after cleaning. A grapheme of 48 bytes has 24 code points."""

# ---- history: replayed on recovery -------------------------------------------------------------


class DanmakuItem(Struct, frozen=True, omit_defaults=True):
    """One bullet comment. `text` is plain text; pages write it with `textContent` only."""

    id: str
    user: str
    """Who said it."""
    name: str
    """The name to show."""
    text: str
    tier: Tier
    """The ticket of its author when it was said."""
    at_ms: Millis
    role: Role = Role.VIEWER
    style: DanmakuStyle | UnsetType = UNSET


class Danmaku(Struct, frozen=True):
    """New danmaku, oldest first."""

    items: list[DanmakuItem]
    cursor: str


class GiftItem(Struct, frozen=True):
    """One committed gift. `credits` is the cost of all `count` together."""

    id: str
    user: str
    """Who gave."""
    name: str
    gift: str
    """The id in the room's catalogue."""
    count: Count
    credits: Count
    at_ms: Millis


class Gift(Struct, frozen=True):
    """New gifts, oldest first."""

    items: list[GiftItem]
    cursor: str


class RetractItem(Struct, frozen=True):
    """Take the danmaku with this id off every screen."""

    id: str


class Retract(Struct, frozen=True):
    """Danmaku taken back by a moderator."""

    items: list[RetractItem]
    cursor: str


# ---- state: latest wins ------------------------------------------------------------------------


class Schedule(Struct, frozen=True):
    """When the show is planned to open and to start."""

    doors_ms: Millis
    start_ms: Millis


class Room(Struct, frozen=True):
    """The live place of a show."""

    id: str
    show: str
    title: str
    access: Access
    phase: Phase
    switches: Switches
    schedule: Schedule
    gifts: tuple[GiftKind, ...]
    """The catalogue of what may be given."""
    version: Count


class Stage(Struct, frozen=True):
    """Who is on stage."""

    members: tuple[StageMember, ...]
    capacity: Count
    """Places."""
    version: Count


class Pins(Struct, frozen=True):
    """What stays on top, newest last."""

    items: tuple[Pin, ...]
    version: Count


class Names(Struct, frozen=True):
    """The official names of the show: viewers who bear one, or one that looks like it, are shown under another."""

    names: tuple[str, ...]
    version: Count


class Countdown(Struct, frozen=True):
    """Something everybody (or only you) waits for. `target_ms: null` takes it off the screen.

    Show `target_ms - (local now + clock offset)`; `server_ms` is the server's clock when this was sent.
    """

    id: str
    """What a later one of the same id replaces."""
    scope: Literal["room", "me"]
    kind: Literal["doors", "show", "order", "custom"]
    """The doors, the show, the end of an order, or one the staff made."""
    target_ms: Millis | None
    server_ms: Millis
    version: Count
    label: str | UnsetType = UNSET


class ProductSales(Struct, frozen=True, omit_defaults=True):
    """How a product sells. `left` is absent where the host hides it."""

    id: str
    sold: Count
    """Paid."""
    held: Count
    """In unpaid orders, and in refunds that the provider has not settled."""
    left: Count | UnsetType = UNSET


class Sales(Struct, frozen=True):
    """Tickets sold; refunds decrement."""

    products: list[ProductSales]
    version: Count


class Leaderboard(Struct, frozen=True):
    """The ten most generous fans, first is most."""

    items: tuple[LeaderboardItem, ...]
    version: Count


class Presence(Struct, frozen=True):
    """Sockets of viewers in the room now."""

    online: Count


class Like(Struct, frozen=True):
    """All likes of the room so far; best effort."""

    total: Count


# ---- personal: read again from SQL on connect --------------------------------------------------


class TierChange(Struct, frozen=True):
    """What your ticket is worth from now on, and why it changed."""

    tier: Tier
    version: Count
    permissions: list[str]
    """All that may be done now; see states.md."""
    streams: list[Grant]
    """All stream grants held now."""
    reason: TierReason


class Order(Struct, frozen=True, omit_defaults=True):
    """An order of yours as it stands."""

    order: str
    state: OrderState
    amount_minor: Count
    """In minor units of the currency."""
    currency: str
    items: list[OrderItem]
    expires_ms: Millis
    """Until then the seats are held."""
    version: Count
    pay_url: str | UnsetType = UNSET
    """Present while the order can be paid."""


class Wallet(Struct, frozen=True):
    """Your gift credits in this show."""

    credits: Count
    version: Count


class Inbox(Struct, frozen=True):
    """A notice only you see: a mute, an end of a mute, a refund that failed, money that goes back, refunds that open.

    Money goes back by itself where it came when it could buy nothing any more: the show over, a ban, no seats left, a
    ticket held already. `refunds_open` reaches whoever holds a ticket that could not be returned any more and can be
    again: the show was moved or cancelled, or has a new deadline. Notices about money are kept: `GET /api/v1/inbox`
    tells them, under the same `id`, to whoever was not connected.
    """

    id: str
    kind: InboxKind
    at_ms: Millis
    until_ms: Millis | None = None
    """The end of a mute, or of the time for refunds; null without one."""
    order: str | UnsetType = UNSET
    """The order whose money it is about; `refunds_open` is about all of the show."""


class Cohost(Struct, frozen=True, omit_defaults=True):
    """Where you stand with the stage; `grant` is there while you are on it."""

    state: StageState
    version: Count
    reason: StageReason | UnsetType = UNSET
    grant: Grant | UnsetType = UNSET


class Streams(Struct, frozen=True):
    """All stream grants you hold now."""

    grants: list[Grant]


class Admission(Struct, frozen=True):
    """Where you stand in the queue at the door. Until your turn comes you hold no rights and no streams.

    Position 0 says that you are inside now: `tier` with the reason `admitted` follows, `pins` and a `position`.
    """

    position: Count
    """In your room, from 1; beyond 100 to two digits."""
    eta_ms: Count
    """About how long it will take."""


class You(Struct, frozen=True):
    """Your side of the welcome."""

    user: str
    name: str
    """As the token gives it."""
    role: Role
    tier: Tier
    version: Count
    """Of the entitlement behind `tier`."""
    permissions: list[str]
    """All that may be done now; see states.md."""
    wallet: Wallet
    orders: list[Order]
    """Those that are pending, paid or being refunded."""
    cohost: Cohost
    muted_until_ms: Millis | None = None
    """Null: not muted; 2^53: until somebody ends it."""


class MissedDanmaku(Struct, frozen=True, tag_field="event", tag="danmaku"):
    """What was said while you were away."""

    data: Danmaku


class MissedGift(Struct, frozen=True, tag_field="event", tag="gift"):
    """What was given while you were away."""

    data: Gift


class MissedRetract(Struct, frozen=True, tag_field="event", tag="retract"):
    """What was taken back while you were away."""

    data: Retract


MissedEvent: TypeAlias = MissedDanmaku | MissedGift | MissedRetract


# ---- link --------------------------------------------------------------------------------------


class RoomPosition(Struct, frozen=True):
    """Where the room stands; keep the cursor."""

    cursor: str


class Degraded(Struct, frozen=True):
    """The wire between gateways is out since then; null when it is back."""

    since_ms: Millis | None


class TokenExpiring(Struct, frozen=True):
    """Answer with `token:refresh` before then."""

    expires_ms: Millis


class Draining(Struct, frozen=True):
    """This gateway goes down; reconnect after the wait, which differs per client."""

    reconnect_after_ms: Millis
    """How long to wait after the end of this socket."""


class Bye(Struct, frozen=True, omit_defaults=True):
    """The end of this socket and whether coming back can help."""

    code: str
    """One of those marked `bye` in the table of codes."""
    retryable: bool
    retry_after_ms: Millis | UnsetType = UNSET
    """For a retryable one: how long to wait."""


# ---- console only ------------------------------------------------------------------------------


class AuditItem(Struct, frozen=True):
    """Somebody of the staff did something."""

    id: str
    by: str
    """The user who did it."""
    action: str
    target: str
    """Whom or what it was done to."""
    at_ms: Millis


class Audit(Struct, frozen=True):
    """What the staff did, oldest first."""

    items: list[AuditItem]


class Revenue(Struct, frozen=True):
    """Money and credits of the show so far."""

    currency: str
    gross_minor: Count
    """Paid in, before refunds."""
    refunded_minor: Count
    orders_paid: Count
    gift_credits: Count
    """Given in all gifts of the room."""
    version: Count


class CohostQueue(Struct, frozen=True):
    """Who waits for the stage, longest first."""

    items: tuple[QueueItem, ...]
    version: Count


class Health(Struct, frozen=True):
    """How this gateway does: sockets, danmaku shed per class, event-loop lag."""

    online: Count
    """Sockets of this gateway, consoles included."""
    shed: dict[str, int]
    lag_ms: Count
    """How late the event loop ran its timers at worst since the last report."""
    waiting: Count = 0
    """Viewers who wait at the door of this gateway, in all rooms."""


# ---- the first event ---------------------------------------------------------------------------


class Welcome(Struct, frozen=True):
    """The first event after CONNECT: the whole state of the room as it concerns you."""

    contract: str
    """The version of this contract."""
    server_ms: Millis
    """The server's clock."""
    room: Room
    you: You
    streams: list[Grant]
    """The stream grants held now."""
    countdowns: list[Countdown]
    sales: Sales
    stage: Stage
    pins: Pins
    leaderboard: Leaderboard
    presence: Presence
    like: Like
    cursor: str
    recovered: bool
    """True: `missed` is everything you missed. False: start from this snapshot."""
    danmaku_truncated: bool = False
    """Recovered, but older danmaku fell out of the history."""
    missed: list[MissedEvent] = []
    """Oldest first; always there, and empty where nothing was missed."""
    admission: Admission | UnsetType = UNSET
    """There while you wait to be let in."""


# ---- viewer -> server --------------------------------------------------------------------------


class SendDanmaku(Struct, frozen=True):
    """Say something."""

    text: ShortText
    style: DanmakuStyle | None = None


class SendGift(Struct, frozen=True):
    """Send a gift; the same key never spends twice."""

    gift: Id
    key: Annotated[str, Meta(min_length=8, max_length=64, pattern=VISIBLE)]
    """Of the client, unique per gift; a UUID will do."""
    count: Annotated[int, Meta(ge=1, le=999)] = 1


class SendLike(Struct, frozen=True):
    """Like, some times at once."""

    count: Annotated[int, Meta(ge=1, le=100)] = 1


class CohostRequest(Struct, frozen=True):
    """Ask to come on stage."""

    message: ShortText | None = None


class Nothing(Struct, frozen=True):
    """No payload."""


class RefreshToken(Struct, frozen=True):
    """A new token of the same user."""

    token: Annotated[str, Meta(max_length=4096)]


class Clock(Struct, frozen=True):
    """The client's clock when it asked."""

    t0: ClientTime


# ---- console -> server -------------------------------------------------------------------------


class ChangePhase(Struct, frozen=True):
    """Move the show on."""

    phase: Phase


class Mute(Struct, frozen=True):
    """Silence a viewer; without `minutes` until unmuted."""

    user: User
    minutes: Annotated[int, Meta(ge=1, le=10080)] | None = None


class Target(Struct, frozen=True):
    """A viewer."""

    user: User


class ItemTarget(Struct, frozen=True):
    """A danmaku or a pin."""

    id: Id


class Announce(Struct, frozen=True):
    """Pin a text of the host."""

    text: Annotated[str, Meta(min_length=1, max_length=7200)]
    """At most 300 graphemes after cleaning."""


class SetCountdown(Struct, frozen=True):
    """Show a countdown to everybody. `doors` and `show` move the schedule's own."""

    target_ms: Millis
    kind: Literal["doors", "show", "custom"] = "custom"
    label: Annotated[str, Meta(max_length=1920)] = ""
    """At most 80 graphemes after cleaning."""
    id: Id | None = None
    """For `custom`: which to replace; a new one without it."""


class ClearCountdown(Struct, frozen=True):
    """Take a countdown off the screens."""

    id: Id


class SetNames(Struct, frozen=True):
    """Keep these names, and no others, for the staff of the show."""

    names: Annotated[list[ShortText], Meta(max_length=50)]
    """Each of 1 to 40 graphemes after cleaning."""


# ---- acks --------------------------------------------------------------------------------------


class DanmakuAck(Struct, frozen=True, omit_defaults=True):
    """Accepted, best effort. `shed`: so full a room that not everybody will see it."""

    id: str
    shed: bool = False


class GiftAck(Struct, frozen=True):
    """Committed. The same key answers the same id again, also when the right to gifts has ended since.

    `wallet` is as it is now.
    """

    id: str
    wallet: Wallet


class ClockAck(Struct, frozen=True):
    """Server times at receipt and answer, for the client's offset."""

    t0: int | float
    t1: Millis
    t2: Millis


class Created(Struct, frozen=True):
    """The id of what was made."""

    id: str


class ErrorBody(Struct, frozen=True, omit_defaults=True):
    """Why not. Further fields depend on the code."""

    code: str
    """One of the table of codes."""
    retryable: bool
    retry_after_ms: Millis | UnsetType = UNSET
    """How long to wait before the next try."""
