"""The guest list of a live room, in memory: what SQL says of everybody who ever had anything to do with its show.

The door reads it instead of SQL. What it promises, and where it does not reach:

* Newest wins. Entitlements, wallets and orders carry versions; whichever way news arrives (the bulk load, a
  commit of this process, a publication of the room) and in whatever order, an older version never replaces a
  newer one.
* It is fresh as the publications are: what this process commits it knows at once, what others commit it knows
  when the publication is here. Whoever enters in between is told by that publication, like everybody inside: a
  refund demotes the socket, a payment promotes it.
* It never refuses. Before somebody is turned away on its word, the door asks SQL: they may have paid a moment ago.
* `find` answers None, which means "ask SQL": while the room's publications are known to lag behind (`is_behind`),
  for whoever holds or ever held a role while this list was kept (they are few), and for
  strangers once the list is full. Otherwise the list is complete: who is not on it has nothing.
"""

from collections.abc import Callable, Iterable
from sys import intern
from typing import Any

from msgspec import Struct, structs

from auth.identity import Tier, UserId
from presale.books.events import WalletChanged
from presale.books.wallet import Wallet
from presale.entitlements.entitlements import Change
from presale.entitlements.events import EntitlementChanged
from presale.orders.events import OrderChanged
from presale.orders.orders import STANDING
from rooms.roles.events import RoleChanged

MAX_GUESTS = 200_000
"""Beyond it strangers are looked up in SQL; some 600 bytes each."""
MAX_CHANGES = 8
"""Of an entitlement, the newest: what was missed is judged by the tier held at the time. Further back is SQL's."""
MAX_ENDED = 20_000
"""Orders that are over whose version is remembered, so that late news of them revives nothing."""
ENDED_MS = 600_000
"""How long it is remembered at least, while there are not too many. A room's news come in order but for those of a
relay that crashed, which come with its lease."""
NO_WALLET = Wallet()


class GuestRecord(Struct):
    """One user, as far as they differ from a stranger."""

    changes: tuple[Change, ...] = ()
    """Of the entitlement, the newest few, oldest first."""
    wallet: Wallet = NO_WALLET
    orders: tuple[OrderChanged, ...] = ()
    """Those that stand, by number."""

    @property
    def tier(self) -> Tier:
        """What the tickets are worth."""
        return self.changes[-1].tier if self.changes else Tier.NONE

    @property
    def tier_version(self) -> int:
        """Of the entitlement; 0: never had one."""
        return self.changes[-1].version if self.changes else 0

    def history_since(self, at_ms: int) -> list[tuple[int, Tier]] | None:
        """The tiers held from a time on, as (at_ms, tier from then on); None where a change is missing."""
        if self.changes:
            first, last = self.changes[0], self.changes[-1]
            reaches_back = first.version == 1 or first.at_ms <= at_ms
            if not reaches_back or len(self.changes) != last.version - first.version + 1:
                return None
        return [(change.at_ms, change.tier) for change in self.changes]


STRANGER = GuestRecord()
"""Somebody who is not on a complete list. Never changed."""


class Ended:
    """The versions of orders that are over, in two generations: when the younger is old or large, the older goes."""

    def __init__(self, most: int) -> None:
        self.generation = most // 2
        """Orders in a generation that is large."""
        self._younger: dict[str, int] = {}
        self._older: dict[str, int] = {}
        self._since_ms = 0

    def version(self, number: str) -> int:
        """The newest that is remembered; -1: none is."""
        return max(self._younger.get(number, -1), self._older.get(number, -1))

    def add(self, number: str, version: int) -> None:
        """Remember it."""
        self._younger[number] = max(version, self.version(number))

    def forget(self, now_ms: int) -> None:
        """Begin a generation where the younger is old by now, or large."""
        if now_ms - self._since_ms > ENDED_MS or len(self._younger) >= self.generation:
            self._older, self._younger = self._younger, {}
            self._since_ms = max(self._since_ms, now_ms)  # late news do not set the clock back


class GuestList:
    """Empty until loaded; takes news from the start."""

    def __init__(self, max_guests: int = MAX_GUESTS, max_ended: int = MAX_ENDED) -> None:
        self.is_behind = False
        """Whether publications of this room are known to have waited too long."""
        self._max_guests = max_guests
        self._loaded = False
        self._full = False
        self._guests: dict[UserId, GuestRecord] = {}
        self._ended = Ended(max_ended)
        self._staff: set[UserId] = set()
        self._shared: dict[Any, Any] = {}
        """One object for what many guests have alike."""
        self._takes: dict[type, Callable[[Any, int], bool]] = {
            EntitlementChanged: self._take_entitlement,
            WalletChanged: self._take_wallet,
            OrderChanged: self._take_order,
            RoleChanged: self._take_role,
        }

    @property
    def size(self) -> int:
        """How many are on it."""
        return len(self._guests)

    def find(self, user: UserId) -> GuestRecord | None:
        """What is known of somebody; None: ask SQL."""
        if self.is_behind or not self._loaded or user in self._staff:
            return None
        known = self._guests.get(user)
        if known is None and not self._full:
            return STRANGER
        return known

    def apply(self, event: object, at_ms: int) -> bool:
        """Take in an event of the room, committed at `at_ms`; most are none of the list's business.

        False for a wallet or an order of which the list knows as new a version.
        """
        take = self._takes.get(type(event))
        return take is None or take(event, at_ms)

    def note_staff(self, users: Iterable[UserId]) -> None:
        """These hold a role, or have held one: the list cannot tell which."""
        self._staff.update(users)

    @property
    def remembered(self) -> int:
        """Of so many orders that are over the version is worth knowing."""
        return self._ended.generation

    def note_ended(self, number: str, version: int) -> None:
        """An order is over, as of this version."""
        self._ended.add(number, version)

    def loaded(self) -> None:
        """All that SQL has was taken in: from now on the list is complete."""
        self._shared.clear()
        self._loaded = True

    # ---- news ----------------------------------------------------------------------------------------

    def _take_entitlement(self, event: EntitlementChanged, at_ms: int) -> bool:
        self.change(event.user, Change(event.version, at_ms, event.tier))
        return True  # each member compares the version with its own

    def _take_wallet(self, event: WalletChanged, _at_ms: int) -> bool:
        return self.fill(event.user, Wallet(event.credits, event.version))

    def _take_order(self, event: OrderChanged, at_ms: int) -> bool:
        self._ended.forget(at_ms)
        return self.order(event)

    def _take_role(self, event: RoleChanged, _at_ms: int) -> bool:
        self.note_staff([event.user])
        return True

    # ---- newest wins -----------------------------------------------------------------------------------

    def change(self, user: UserId, change: Change) -> None:
        """Take a change of an entitlement."""
        guest = self._record(user)
        if guest is None or any(known.version == change.version for known in guest.changes):
            return
        # an older one that comes late only completes the history
        guest.changes = tuple(sorted((*guest.changes, change))[-MAX_CHANGES:])

    def fill(self, user: UserId, wallet: Wallet) -> bool:
        """Take a wallet as it stands; False where the list knows as new a version."""
        guest = self._record(user)
        if guest is not None:
            if wallet.version <= guest.wallet.version:
                return False
            guest.wallet = self._share(wallet)
        return True

    def order(self, order: OrderChanged) -> bool:
        """Take an order as it stands; False where the list knows as new a version."""
        user = order.user
        known = self._guests.get(user, STRANGER).orders
        seen = next((one.version for one in known if one.order == order.order), self._ended.version(order.order))
        if order.version <= seen:
            return False
        others = tuple(one for one in known if one.order != order.order)
        if order.state in STANDING:
            guest = self._record(user)
            if guest is not None:
                if not self._loaded:
                    items = self._shared.setdefault(tuple(order.items), order.items)
                    order = structs.replace(order, currency=intern(order.currency), items=items)
                guest.orders = tuple(sorted((*others, order), key=_number))
            return True
        self._ended.add(order.order, order.version)
        if len(others) != len(known):
            self._guests[user].orders = others
        return True

    def _record(self, user: UserId) -> GuestRecord | None:
        """The record to write to; None for a newcomer to a full list."""
        guest = self._guests.get(user)
        if guest is None:
            if len(self._guests) >= self._max_guests:
                self._full = True
                return None
            guest = self._guests[user] = GuestRecord()
        return guest

    def _share(self, value: Any) -> Any:
        return value if self._loaded else self._shared.setdefault(value, value)


def _number(order: OrderChanged) -> str:
    return order.order
