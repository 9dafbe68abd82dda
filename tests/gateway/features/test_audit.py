"""What the box office and the rooms both know of gifts, held against each other; each planted corruption is found."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from sqlalchemy import Executable, delete, insert, update

from auth.denials import Denied
from auth.identity import UserId
from auth.situation import Access, Phase
from gateway.features.audit.books import audit_house
from presale.books import ledger
from presale.tables_sql import ledger_transactions
from rooms.course import rooms_sql
from rooms.course.room import RoomRecord
from rooms.gifts.gifts import spending_key
from rooms.gifts.tables_sql import gift_givers, gifts, room_totals
from store.findings import Finding
from tests.presale.house import FAN, RIVAL, ROOM, SHOW, House, open_house

ODD = UserId("tenant:42")
SPENT = ledger_transactions.c.kind == "credits.spent"


@pytest.fixture
async def house(home: str, tmp_path: Path) -> AsyncIterator[House]:
    """A show whose three fans have sent gifts, one of them with an id that holds the separator."""
    room = RoomRecord(ROOM, SHOW, "Opening night", Access.TICKETED, Phase.LIVE, 0, 0)
    async with open_house(tmp_path, home=home) as opened:
        async with opened.db.write() as uow:
            assert not isinstance(await rooms_sql.create_room(uow, room), Denied)
        for user in (FAN, RIVAL, ODD):
            await opened.paid(user)
            await opened.give(4, f"gift-of-{user}", user)
        yield opened


async def plant(house: House, statement: Executable) -> list[Finding]:
    async with house.db.write() as uow:
        await uow.connection.execute(statement)
    async with house.db.survey() as connection:
        return await audit_house(connection)


async def found(house: House) -> list[Finding]:
    async with house.db.survey() as connection:
        return await audit_house(connection)


async def test_gifts_that_were_paid_are_right(house: House) -> None:
    assert await found(house) == []


async def test_gifts_that_an_older_version_booked_are_right(house: House) -> None:
    old = ledger.credits_spent_before(spending_key(ROOM, f"gift-of-{ODD}"), SHOW, ODD, 4)
    new = ledger.credits_spent(spending_key(ROOM, f"gift-of-{ODD}"), SHOW, ODD, 4)
    assert old.key != new.key
    rebooked = update(ledger_transactions).where(ledger_transactions.c.key == new.key).values(key=old.key)
    assert await plant(house, rebooked) == []


CORRUPTIONS: list[tuple[str, Executable, set[str]]] = [
    (
        "a gift that nobody paid for",
        insert(gifts).values(
            id="free",
            room_id=ROOM,
            user_id=FAN,
            key="free-0001",
            name="Fan",
            gift="castle",
            quantity=1,
            credits=500,
            floor="main",
            at_ms=0,
        ),
        {"gifts.credits", "rooms.gifts.gifts", "rooms.givers"},
    ),
    (
        "a gift dearer than what was paid",
        update(gifts).where(gifts.c.user_id == FAN).values(credits=5),
        {"gifts.credits", "rooms.gifts.gifts", "rooms.givers"},
    ),
    ("a gift that was lost", delete(gifts), {"gifts.credits", "rooms.gifts.gifts", "rooms.givers"}),
    (
        "credits spent on nothing",
        insert(ledger_transactions).values(
            id="loose", key="spend:show:fan:gift:room:none", kind="credits.spent", at_ms=0
        ),
        {"gifts.credits"},
    ),
    (
        "a spending under somebody else's key",
        update(ledger_transactions)
        .where(SPENT, ledger_transactions.c.key.contains("gift-of-fan"))
        .values(key="spend:show:rival:gift:room:gift-of-fan"),
        {"gifts.credits"},
    ),
    ("totals of a room", update(room_totals).values(gift_credits=1), {"rooms.gifts.gifts"}),
    ("a count of gifts", update(room_totals).values(gifts=7), {"rooms.gifts.gifts"}),
    ("a leaderboard", update(gift_givers).where(gift_givers.c.user_id == FAN).values(credits=900), {"rooms.givers"}),
    ("a giver forgotten", delete(gift_givers).where(gift_givers.c.user_id == FAN), {"rooms.givers"}),
]


@pytest.mark.parametrize(("statement", "checks"), [c[1:] for c in CORRUPTIONS], ids=[c[0] for c in CORRUPTIONS])
async def test_a_corruption_is_found(house: House, statement: Executable, checks: set[str]) -> None:
    assert {finding.check for finding in await plant(house, statement)} == checks


async def test_a_finding_says_what_is_wrong_in_a_sentence(house: House) -> None:
    planted = insert(gifts).values(
        id="free",
        room_id=ROOM,
        user_id=FAN,
        key="free-0001",
        name="Fan",
        gift="castle",
        quantity=1,
        credits=500,
        floor="main",
        at_ms=0,
    )
    assert await plant(house, planted) == [
        Finding("gifts.credits", "free", "fan sent it for 500 credits, and the ledger booked nothing for it"),
        Finding("rooms.gifts.gifts", "room", "shows 3 gifts for 12 credits, on record are 4 for 512"),
        Finding("rooms.givers", "room", "the leaderboard has fan with 4 credits, on record are 504"),
    ]
    with_two = update(gifts).where(gifts.c.id == "free").values(credits=1, key="free-0002")
    assert "for 1 credits" in (await plant(house, with_two))[0].detail
