"""Writes shows and ticket holders directly into a fresh database, and makes the holders' tokens."""

import asyncio
import json
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

from sqlalchemy import insert, update

from auth.identity import RoomId, ShowId, Tier, UserId
from auth.situation import Access, Phase
from auth.tokens import mint
from gateway.setup import clock as ambient
from gateway.setup.settings import DEMO_JWT_SECRET, Mode, Settings
from presale.catalogue import shows_sql
from presale.catalogue.shows import Product, ProductId, Show
from presale.entitlements.entitlements import EntitlementReason
from presale.orders.orders import OrderState
from presale.tables_sql import entitlement_changes, entitlements, order_lines, orders, products
from rooms.course import rooms_sql
from rooms.course.room import RoomRecord
from store import migrations
from store.database_sql import Database, UnitOfWork

TOKEN_MS = 3_600_000
HOUR_MS = 3_600_000
PRICE_MINOR = 6_800
ROWS_AT_ONCE = 500


def put_on(data_dir: Path, holders: int, rooms: int, lobby: int = 0) -> Path:
    """Live ticketed shows with `holders` ticket holders dealt out to `rooms`; answers the file of their auths.

    The last `lobby` of them have a show of their own, beside the rooms.

    Every holder has one paid order, as bought; only the payment is missing, which no socket asks about.
    """
    settings = Settings.load(Mode.TEST, data_dir=data_dir)
    file = data_dir / "auths.jsonl"
    auths = asyncio.run(_write(settings, _dealt(holders, rooms, lobby)))
    file.write_text("\n".join(auths) + "\n", "utf-8")
    return file


def _dealt(holders: int, rooms: int, lobby: int) -> list[range]:
    """The chairs of each room, one room after another."""
    seated = holders - lobby
    ends = [seated * number // rooms for number in range(rooms + 1)]
    return [range(first, end) for first, end in pairwise(ends)] + [range(seated, holders)] * bool(lobby)


async def _write(settings: Settings, dealt: list[range]) -> list[str]:
    url = settings.effective_database_url
    await migrations.upgrade(url)
    db = await Database.open(url, clock=ambient.now_ms, new_id=ambient.new_id)
    auths: list[str] = [""] * sum(map(len, dealt))
    try:
        async with db.write() as uow:
            for chairs in dealt:
                users = [UserId(f"fan-{chair:05}") for chair in chairs]
                show, product = await _show(uow, len(chairs))
                await _sell(uow, show, product, users)
                for chair, user in zip(chairs, users, strict=True):
                    auths[chair] = json.dumps({"token": _token(settings, user, f"Fan {chair:05}"), "room": show.room})
    finally:
        await db.close()
    return auths


async def _show(uow: UnitOfWork, holders: int) -> tuple[Show, Product]:
    show = Show(
        id=ShowId(uow.new_id()),
        room=RoomId(uow.new_id()),
        currency="CNY",
        refund_until_ms=uow.now_ms - HOUR_MS,
        credit_minor=10,
    )
    await shows_sql.create_show(uow, show)
    record = RoomRecord(
        id=show.room,
        show=show.id,
        title="Benchmark",
        access=Access.TICKETED,
        phase=Phase.LIVE,
        doors_ms=uow.now_ms - HOUR_MS,
        start_ms=uow.now_ms - HOUR_MS,
    )
    await rooms_sql.create_room(uow, record)
    product = Product(
        id=ProductId(uow.new_id()),
        show=show.id,
        name="Main floor",
        tier=Tier.MAIN,
        price_minor=PRICE_MINOR,
        capacity=max(1, holders),
        credits=0,
    )
    await shows_sql.add_product(uow, product)
    return show, product


async def _sell(uow: UnitOfWork, show: Show, product: Product, users: list[UserId]) -> None:
    now = uow.now_ms
    for some in _slices(users):
        sold = [(user, uow.new_id()) for user in some]
        order = {
            "show_id": show.id,
            "state": OrderState.PAID,
            "amount_minor": product.price_minor,
            "currency": show.currency,
            "expires_ms": now,
            "body_hash": "",
            "provider": "sandbox",
            "version": 2,
            "created_ms": now,
            "paid_ms": now,
        }
        line = {
            "product_id": product.id,
            "quantity": 1,
            "price_minor": product.price_minor,
            "tier": product.tier,
            "credits": 0,
        }
        ticket = {"show_id": show.id, "tier": product.tier, "version": 1}
        change = {**ticket, "at_ms": now, "reason": EntitlementReason.PURCHASE}
        execute = uow.connection.execute
        await execute(
            insert(orders), [{**order, "id": id_, "user_id": user, "key": id_, "payment_id": id_} for user, id_ in sold]
        )
        await execute(insert(order_lines), [{**line, "order_id": id_} for _, id_ in sold])
        await execute(insert(entitlements), [{**ticket, "user_id": user, "changed_ms": now} for user in some])
        await execute(insert(entitlement_changes), [{**change, "user_id": user} for user in some])
    await uow.connection.execute(update(products).where(products.c.id == product.id).values(sold=len(users)))


def _slices(users: list[UserId]) -> Iterator[list[UserId]]:
    return (users[at : at + ROWS_AT_ONCE] for at in range(0, len(users), ROWS_AT_ONCE))


def _token(settings: Settings, user: UserId, name: str) -> str:
    issuer, audience = settings.jwt_issuer, settings.jwt_audience
    return mint(DEMO_JWT_SECRET, user, name, issuer, audience, ambient.now_ms(), TOKEN_MS, ambient.new_id())
