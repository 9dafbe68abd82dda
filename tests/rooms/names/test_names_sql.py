"""The names of a show on a real database."""

from auth.identity import Role
from rooms.names import names_sql
from rooms.names.events import NamesChanged
from rooms.names.names import NamesRecord
from rooms.roles import roles_sql
from tests.rooms.stagehouse import ANN, HOST, ROOM, SHOW, Stagehouse


async def names(house: Stagehouse) -> NamesRecord:
    async with house.db.read() as connection:
        return await names_sql.load(connection, ROOM)


async def test_a_show_keeps_the_list_that_was_set_last(house: Stagehouse) -> None:
    assert await names(house) == NamesRecord()
    await house.do(names_sql.set_official, ROOM, ["Aurora", "极光"], HOST)
    await house.do(names_sql.set_official, ROOM, ["Borealis"], HOST)
    assert await names(house) == NamesRecord(("Borealis",), {}, 2)
    assert await house.told() == [NamesChanged(("Aurora", "极光"), {}, 1), NamesChanged(("Borealis",), {}, 2)]
    assert await house.trail() == [(HOST, "names:set", "Aurora, 极光"), (HOST, "names:set", "Borealis")]


async def test_a_host_keeps_the_name_they_were_seen_with_while_they_are_host(house: Stagehouse) -> None:
    await house.do(roles_sql.grant, ANN, Role.HOST, SHOW, HOST)
    assert (await names(house)).hosts == {ANN: ANN}
    await house.do(names_sql.host_named, ROOM, ANN, "Ann Berg")
    await house.do(names_sql.host_named, ROOM, ANN, "Ann Berg")
    assert await names(house) == NamesRecord((), {ANN: "Ann Berg"}, 2)
    await house.do(roles_sql.revoke, ANN, Role.HOST, SHOW, HOST)
    assert (await names(house)).hosts == {}
