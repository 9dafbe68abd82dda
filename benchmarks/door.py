"""Measures the cost of a connect above the transport, from the `auth` map to the encoded `welcome`, and its memory."""

import argparse
import asyncio
import cProfile
import gc
import pstats
import tempfile
import time
import tracemalloc
from pathlib import Path
from typing import Any

from sqlalchemy import insert

from auth.denials import Denied
from auth.identity import RoomId, ShowId, UserId
from auth.situation import Access, Phase
from auth.tokens import mint
from gateway.contract.codec import Codec
from gateway.demo.playground import CURRENCY, furnish
from gateway.door.admission import Admission
from gateway.engine.lines import NO_LINE
from gateway.house.house import House, open_house
from gateway.live.visit import Visit
from gateway.setup.settings import Mode, Settings
from gateway.sockets.connection import Connection, Opening
from presale.books import ledger
from presale.catalogue import shows_sql
from presale.tables_sql import entitlement_changes, entitlements, ledger_balances, order_lines, orders
from rooms.course import rooms_sql

WAY = (Phase.DOORS, Phase.LIVE)
ENDLESS = 1_000_000


class Wire:
    """Stands where a transport does: counts what it is given, and forgets it."""

    __slots__ = ("sent_bytes",)
    flowing = True
    line = NO_LINE

    def __init__(self) -> None:
        self.sent_bytes = 0

    def write(self, wire: bytes) -> bool:
        """Take whole frames."""
        self.sent_bytes += len(wire)
        return True


async def main(arguments: argparse.Namespace) -> None:
    """Put on a show, let everybody in, say what it cost."""
    with tempfile.TemporaryDirectory() as folder:
        settings = Settings.load(
            Mode.TEST,
            data_dir=Path(folder),
            sandbox_url="",
            handshakes_per_minute=ENDLESS,
            admissions_burst=ENDLESS,
            log_format="json",
        )
        async with open_house(settings) as house:
            await furnish(house.db)
            users = [UserId(f"fan-{number:06d}") for number in range(arguments.fans)]
            room = await _sold_out(house, users, Phase(arguments.phase))
            await house.relay.drain()
            started = time.process_time()
            await house.live_rooms.get(room)
            opened_ms = (time.process_time() - started) * 1000
            print(f"room with {len(users)} guests opened in {opened_ms:.0f} ms CPU")
            openings = [_opening(house, room, user, arguments.codec) for user in users]
            await _let_in(house, openings[:200])
            for _ in range(arguments.rounds):
                gc.collect()
                gc.freeze()
                await _measured(house, openings, arguments)
            if arguments.memory:
                await _weighed(house, openings)


async def _measured(house: House, openings: list[Opening], arguments: argparse.Namespace) -> None:
    profile = cProfile.Profile()
    if arguments.profile:
        profile.enable()
    started = time.process_time()
    sent = await _let_in(house, openings)
    spent = time.process_time() - started
    if arguments.profile:
        profile.disable()
        pstats.Stats(profile).sort_stats("tottime").print_stats(45)
    print(f"{spent / len(openings) * 1e6:.0f} us CPU per connect, welcome of {sent // len(openings)} bytes")


async def _let_in(house: House, openings: list[Opening]) -> int:
    admission, sent = house.admission, 0
    for opening in openings:
        visit, wire = await _enter(house, admission, opening)
        sent += wire.sent_bytes
        visit.closed()
    return sent


async def _weighed(house: House, openings: list[Opening]) -> None:
    admission = house.admission
    gc.collect()
    tracemalloc.start()
    before = tracemalloc.take_snapshot()
    visits = [(await _enter(house, admission, opening))[0] for opening in openings]
    gc.collect()
    after = tracemalloc.take_snapshot()
    grown = after.compare_to(before, "lineno")
    total = sum(one.size_diff for one in grown)
    print(f"{total / len(visits):.0f} bytes per member")
    for one in grown[:14]:
        print(f"  {one.size_diff / len(visits):7.0f}  {one.traceback}")
    tracemalloc.stop()
    for visit in visits:
        visit.closed()


async def _enter(house: House, admission: Admission, opening: Opening) -> tuple[Visit, Wire]:
    answer = admission(opening)
    visit = answer if isinstance(answer, Visit | Denied) else await answer
    assert not isinstance(visit, Denied), visit
    wire: Any = Wire()
    server = house.socket_server(opening.codec)
    ended = server.ended
    visit.opened(
        Connection("sid", wire, opening.namespace, visit, codec=opening.codec, limits=server.limits, ended=ended)
    )
    return visit, wire


def _opening(house: House, room: RoomId, user: UserId, codec: Codec) -> Opening:
    settings = house.settings
    issuer, audience, jti = settings.jwt_issuer, settings.jwt_audience, house.new_id()
    token = mint(settings.jwt_secrets[0], user, None, issuer, audience, house.clock(), 3_600_000, jti)
    return Opening("/live", {"token": token, "room": room}, "127.0.0.1", codec)


async def _sold_out(house: House, users: list[UserId], phase: Phase) -> RoomId:
    """The playground's ticketed show with a ticket for everybody, moved to a phase."""
    async with house.db.read() as connection:
        room = next(one for one in await rooms_sql.list_rooms(connection) if one.access is Access.TICKETED)
        product = (await shows_sql.list_products(connection, room.show))[0]
    async with house.db.write() as uow:
        execute, now = uow.connection.execute, uow.now_ms
        keys = [{"show_id": room.show, "user_id": user} for user in users]
        await execute(insert(entitlements), [{**key, "tier": "main", "version": 1, "changed_ms": now} for key in keys])
        change = {"version": 1, "tier": "main", "at_ms": now, "reason": "purchase"}
        await execute(insert(entitlement_changes), [{**key, **change} for key in keys])
        await execute(insert(ledger_balances), [_wallet(room.show, user) for user in users])
        numbers = [uow.new_id() for _ in users]
        order = {
            "state": "paid",
            "amount_minor": product.price_minor,
            "currency": CURRENCY,
            "expires_ms": now,
            "body_hash": "",
            "provider": "sandbox",
            "pay_url": "http://127.0.0.1:8001/pay/01JABCDEFGHJKMNPQRSTVWXYZ0",
            "version": 3,
            "created_ms": now,
            "paid_ms": now,
        }
        rows = [
            {**order, **key, "id": number, "key": number, "payment_id": number}
            for key, number in zip(keys, numbers, strict=True)
        ]
        await execute(insert(orders), rows)
        line = {"product_id": product.id, "quantity": 1, "price_minor": product.price_minor, "tier": "main"}
        await execute(insert(order_lines), [{**line, "order_id": number, "credits": 100} for number in numbers])
    for step in WAY[: WAY.index(phase) + 1] if phase in WAY else ():
        async with house.db.write() as uow:
            await rooms_sql.change_phase(uow, room.id, step, None)
    return room.id


def _wallet(show: ShowId, user: UserId) -> dict[str, object]:
    return {"account": ledger.wallet(show, user), "unit": ledger.credit_unit(show), "balance": 100, "version": 1}


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--fans", type=int, default=2000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--phase", default=Phase.LIVE.value)
    parser.add_argument("--codec", type=Codec, default=Codec.JSON)
    parser.add_argument("--profile", action="store_true")
    parser.add_argument("--memory", action="store_true")
    asyncio.run(main(parser.parse_args()))
