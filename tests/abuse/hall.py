"""The gateway that is attacked: a process of its own, whose memory and open lines can be looked at.

python tests/abuse/hall.py     (as LIVEROOM_* settings say; the tree it is run from is the one that is attacked)
"""

import asyncio
import json
import sys


async def main() -> None:
    """Write an open show that is live, with its host, then serve it."""
    # here, so that an older tree can be attacked by the same program
    from auth.identity import Role, UserId  # noqa: PLC0415
    from auth.situation import Access, Phase  # noqa: PLC0415
    from auth.tokens import mint  # noqa: PLC0415
    from gateway.demo import playground  # noqa: PLC0415
    from gateway.house.house import open_house  # noqa: PLC0415
    from gateway.house.server import serve  # noqa: PLC0415
    from gateway.setup import clock  # noqa: PLC0415
    from gateway.setup.settings import Settings  # noqa: PLC0415
    from rooms.course import rooms_sql  # noqa: PLC0415
    from rooms.roles import roles_sql  # noqa: PLC0415
    from store import migrations  # noqa: PLC0415

    settings = Settings.load()
    await migrations.upgrade(settings.effective_database_url)
    async with open_house(settings) as house:
        await playground.furnish(house.db)
        async with house.db.read() as connection:
            room = next(one for one in await rooms_sql.list_rooms(connection) if one.access is Access.OPEN)
        host = UserId("host")
        async with house.db.write() as uow:
            await roles_sql.grant(uow, host, Role.HOST, room.show, UserId("test"))
        for phase in (Phase.DOORS, Phase.LIVE):
            async with house.db.write() as uow:
                await rooms_sql.change_phase(uow, room.id, phase, host)

    def token(user: str) -> str:
        now_ms, new_id = clock.now_ms(), clock.new_id()
        return mint(
            settings.jwt_secrets[0], user, None, settings.jwt_issuer, settings.jwt_audience, now_ms, 3_600_000, new_id
        )

    users = ["host", *(f"fan{number}" for number in range(int(sys.argv[1])))]
    serving = asyncio.create_task(serve(settings, asyncio.Event(), started := asyncio.Event()))
    await asyncio.wait({serving, asyncio.create_task(started.wait())}, return_when=asyncio.FIRST_COMPLETED)
    print(json.dumps({"room": room.id, "tokens": {user: token(user) for user in users}}), flush=True)  # noqa: T201
    await serving


if __name__ == "__main__":
    asyncio.run(main())
