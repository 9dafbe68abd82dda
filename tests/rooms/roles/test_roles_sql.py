"""Roles on a real database."""

from msgspec import structs

from auth.denials import Code
from auth.identity import Role, RoomId, ShowId
from auth.situation import Phase
from rooms.audit.tables_sql import audit
from rooms.course import rooms_sql
from rooms.names.events import NamesChanged
from rooms.roles import roles_sql
from rooms.roles.events import RoleChanged
from rooms.roles.tables_sql import roles
from tests.rooms.stagehouse import ANN, HOST, OPENING, SHOW, Stagehouse, code_of

OTHER = ShowId("other-show")


async def role_in(house: Stagehouse, show: ShowId) -> Role:
    async with house.db.read() as connection:
        return await roles_sql.role_of(connection, ANN, show)


async def test_the_strongest_role_in_a_show_counts_and_no_other_show_knows_it(house: Stagehouse) -> None:
    assert await role_in(house, SHOW) is Role.VIEWER
    assert await house.do(roles_sql.grant, ANN, Role.MODERATOR, SHOW, HOST) is Role.MODERATOR
    assert await house.do(roles_sql.grant, ANN, Role.HOST, SHOW, HOST) is Role.HOST
    assert await role_in(house, OTHER) is Role.VIEWER
    assert await house.do(roles_sql.revoke, ANN, Role.HOST, SHOW, HOST) is Role.MODERATOR
    assert await role_in(house, SHOW) is Role.MODERATOR
    assert await house.told() == [
        RoleChanged(ANN, Role.MODERATOR, 1),
        RoleChanged(ANN, Role.HOST, 2),
        NamesChanged((), {ANN: ANN}, 1),
        RoleChanged(ANN, Role.MODERATOR, 3),
        NamesChanged((), {}, 2),
    ]
    assert await house.trail() == [
        (HOST, "role:grant", "ann moderator"),
        (HOST, "role:grant", "ann host"),
        (HOST, "role:revoke", "ann host"),
    ]


async def test_an_operator_of_everything_is_one_in_every_show_and_all_open_rooms_hear_of_it(house: Stagehouse) -> None:
    over = structs.replace(OPENING, id=RoomId("over"), show=ShowId("over-show"), phase=Phase.CANCELLED)
    await house.do(rooms_sql.create_room, over)
    assert await house.do(roles_sql.grant, ANN, Role.OPERATOR, None, HOST) is Role.OPERATOR
    assert await role_in(house, SHOW) is await role_in(house, OTHER) is Role.OPERATOR
    assert await house.told() == [RoleChanged(ANN, Role.OPERATOR, 1)]
    assert await house.count(audit) == 1
    await house.do(roles_sql.revoke, ANN, Role.OPERATOR, None, HOST)
    assert await role_in(house, SHOW) is Role.VIEWER
    assert await house.told() == [RoleChanged(ANN, Role.VIEWER, 2)]


async def test_roles_are_listed_per_place(house: Stagehouse) -> None:
    await house.do(roles_sql.grant, ANN, Role.MODERATOR, SHOW, HOST)
    await house.do(roles_sql.grant, HOST, Role.OPERATOR, None, HOST)
    async with house.db.read() as connection:
        here = await roles_sql.list_roles(connection, SHOW)
        everywhere = await roles_sql.list_roles(connection, None)
    assert [(one.show, one.user, one.role) for one in here] == [(SHOW, ANN, Role.MODERATOR)]
    assert [(one.show, one.user, one.role) for one in everywhere] == [(None, HOST, Role.OPERATOR)]


async def test_a_role_is_given_and_taken_once(house: Stagehouse) -> None:
    await house.do(roles_sql.grant, ANN, Role.HOST, SHOW, HOST)
    await house.outbox()
    before = await house.snapshot()
    assert await house.do(roles_sql.grant, ANN, Role.HOST, SHOW, HOST) is Role.HOST
    assert code_of(await house.do(roles_sql.revoke, ANN, Role.MODERATOR, SHOW, HOST)) is Code.NOT_FOUND
    assert code_of(await house.do(roles_sql.grant, ANN, Role.VIEWER, SHOW, HOST)) is Code.BAD_REQUEST
    assert code_of(await house.do(roles_sql.grant, ANN, Role.HOST, None, HOST)) is Code.BAD_REQUEST
    assert await house.snapshot() == before
    assert await house.outbox() == []


async def test_a_role_for_a_show_without_a_room_is_kept_and_written_down(house: Stagehouse) -> None:
    assert await house.do(roles_sql.grant, ANN, Role.HOST, OTHER, HOST) is Role.HOST
    assert await house.count(roles) == 1
    assert await house.count(audit) == 1
    assert await house.outbox() == []
    assert await house.trail() == []


async def test_all_roles_of_somebody_are_listed_wherever_they_hold(house: Stagehouse) -> None:
    await house.do(roles_sql.grant, ANN, Role.HOST, SHOW, HOST)
    await house.do(roles_sql.grant, ANN, Role.OPERATOR, None, HOST)
    await house.do(roles_sql.grant, HOST, Role.HOST, SHOW, HOST)
    async with house.db.read() as connection:
        held = await roles_sql.list_held(connection, ANN)
    assert {(grant.show, grant.role) for grant in held} == {(SHOW, Role.HOST), (None, Role.OPERATOR)}
