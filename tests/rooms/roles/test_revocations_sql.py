"""Revocations on a real database: bounded, in the order of commits, dropped when they are over."""

import asyncio

import pytest

from auth.denials import Code, Denied
from auth.revocations import LIFTED, LONGEST_MS, Kind, Revocation
from rooms.audit import audit_sql
from rooms.roles import revocations_sql
from rooms.roles.tables_sql import token_revocations
from store.database_sql import Database
from tests.rooms.stagehouse import HOST, Stagehouse
from tests.store import homes
from tests.store.fakes import FakeClock


async def made(house: Stagehouse, kind: Kind, subject: str, most: int = 100) -> Revocation:
    revoked = await house.do(revocations_sql.revoke, kind, subject, HOST, most=most)
    assert isinstance(revoked, Revocation)
    return revoked


async def since(db: Database, version: int) -> list[Revocation]:
    async with db.read() as connection:
        return await revocations_sql.since(connection, version)


async def test_whoever_knows_a_version_is_told_what_came_after_it(house: Stagehouse, clock: FakeClock) -> None:
    first = await made(house, Kind.JTI, "stolen")
    second = await made(house, Kind.USER, "ann")
    assert first.version < second.version
    assert await since(house.db, 0) == [first, second]
    assert await since(house.db, first.version) == [second]
    clock.now_ms += 5_000
    again = await made(house, Kind.USER, "ann")
    assert again.until_ms == second.until_ms + 5_000
    assert await since(house.db, second.version) == [again]
    assert await since(house.db, 0) == [first, again]
    async with house.db.read() as connection:
        trail = await audit_sql.recent(connection, audit_sql.EVERYWHERE, 10)
    assert {(one.by, one.action, one.target) for one in trail} == {
        (HOST, "token:revoke", "jti stolen"),
        (HOST, "token:revoke", "user ann"),
    }


async def test_what_is_over_is_dropped_and_a_later_one_has_a_later_version_all_the_same(
    house: Stagehouse, clock: FakeClock
) -> None:
    old = await made(house, Kind.JTI, "stolen")
    clock.now_ms += LONGEST_MS
    new = await made(house, Kind.JTI, "stolen-too")
    assert await house.count(token_revocations) == 1
    assert new.version > old.version


async def test_so_many_stand_at_a_time_and_those_that_stand_can_be_repeated(house: Stagehouse) -> None:
    for number in range(3):
        await made(house, Kind.JTI, f"token-{number}", most=3)
    before = await house.snapshot()
    assert await house.do(revocations_sql.revoke, Kind.USER, "ann", HOST, most=3) == Denied(Code.BUSY)
    assert await house.snapshot() == before
    await made(house, Kind.JTI, "token-1", most=3)


@pytest.mark.parametrize(
    ("kind", "subject", "field"),
    [
        (Kind.USER, "", "user"),
        (Kind.USER, "x" * 65, "user"),
        (Kind.USER, "a\0b", "user"),
        (Kind.JTI, "", "token_id"),
        (Kind.JTI, "x" * 129, "token_id"),
        (Kind.JTI, "a\0b", "token_id"),
        (Kind.JTI, "\ud83d", "token_id"),
    ],
)
async def test_what_can_name_no_token_is_refused(house: Stagehouse, kind: Kind, subject: str, field: str) -> None:
    before = await house.snapshot()
    refused = await house.do(revocations_sql.revoke, kind, subject, HOST)
    assert refused == Denied(Code.BAD_REQUEST, detail={"field": field})
    assert await house.snapshot() == before


async def standing(db: Database, now_ms: int, **page: int) -> list[str]:
    async with db.read() as connection:
        found = await revocations_sql.list_standing(connection, now_ms, **page)
    assert {one.by for one in found} <= {HOST}
    return [one.revocation.subject for one in found]


async def test_a_revocation_is_lifted_and_every_reader_is_told(house: Stagehouse, clock: FakeClock) -> None:
    stolen, ann = await made(house, Kind.JTI, "stolen"), await made(house, Kind.USER, "ann")
    lifted = await house.do(revocations_sql.lift, Kind.JTI, "stolen", HOST)
    assert isinstance(lifted, Revocation)
    assert lifted == Revocation(Kind.JTI, "stolen", LIFTED, stolen.ends_ms, lifted.version)
    assert lifted.version > ann.version
    assert await since(house.db, ann.version) == [lifted]
    assert await standing(house.db, clock.now_ms) == ["ann"]
    async with house.db.read() as connection:
        trail = await audit_sql.recent(connection, audit_sql.EVERYWHERE, 10)
    assert (HOST, "token:restore", "jti stolen") in {(one.by, one.action, one.target) for one in trail}
    again = await made(house, Kind.JTI, "stolen")
    assert await since(house.db, lifted.version) == [again]


async def test_what_does_not_hold_cannot_be_lifted(house: Stagehouse, clock: FakeClock) -> None:
    await made(house, Kind.USER, "ann")
    await house.do(revocations_sql.lift, Kind.USER, "ann", HOST)
    await made(house, Kind.USER, "over")
    clock.now_ms += LONGEST_MS
    before = await house.snapshot()
    for kind, subject in ((Kind.USER, "ann"), (Kind.JTI, "ann"), (Kind.USER, "nobody"), (Kind.USER, "over")):
        assert await house.do(revocations_sql.lift, kind, subject, HOST) == Denied(Code.NOT_FOUND)
    refused = await house.do(revocations_sql.lift, Kind.USER, "", HOST)
    assert refused == Denied(Code.BAD_REQUEST, detail={"field": "user"})
    assert await house.snapshot() == before


async def test_those_that_hold_are_listed_a_page_at_a_time_the_newest_first(
    house: Stagehouse, clock: FakeClock
) -> None:
    old = await made(house, Kind.USER, "old")
    clock.now_ms += LONGEST_MS - 1
    versions = [(await made(house, Kind.JTI, f"token-{number}")).version for number in range(3)]
    assert await standing(house.db, clock.now_ms, limit=2) == ["token-2", "token-1"]
    assert await standing(house.db, clock.now_ms, before=versions[1], limit=2) == ["token-0", "old"]
    assert await standing(house.db, old.ends_ms, before=versions[1]) == ["token-0"]


@homes.only_on_postgresql
async def test_versions_rise_in_the_order_of_commits(house: Stagehouse) -> None:
    """A reader that has seen a version has seen all before it: else a revocation would be passed over for good."""
    seen = 0
    heard: list[str] = []

    async def listen(until: int) -> None:
        nonlocal seen
        while len(heard) < until:
            for one in await since(house.db, seen):
                heard.append(one.subject)
                seen = one.version

    async with asyncio.timeout(30):
        await asyncio.gather(listen(40), *(made(house, Kind.JTI, f"token-{number}") for number in range(40)))
    assert len(set(heard)) == 40
