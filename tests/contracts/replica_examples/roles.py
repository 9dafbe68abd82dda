from auth.identity import Role
from rooms.roles import roles_sql
from tests.contracts.replica_suite import FAN, HOST, Evening


async def _make_a_moderator(now: Evening) -> None:
    async with now.house.db.write() as uow:
        await roles_sql.grant(uow, FAN, Role.MODERATOR, now.show, HOST)


async def _take_it_back(now: Evening) -> None:
    await _make_a_moderator(now)
    async with now.house.db.write() as uow:
        await roles_sql.revoke(uow, FAN, Role.MODERATOR, now.show, HOST)


EXAMPLES = {"a role": _make_a_moderator, "a role that is taken back": _take_it_back}
