"""A flood of one kind is told to come back and leaves the others their places; a provider that hangs holds none."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx2
import pytest
from sqlalchemy import event
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Mount, Route

from auth.identity import ShowId, Tier
from gateway.api.app import create_api
from gateway.api.bulkheads import LATEST_MS, SOONEST_MS, Bulkheads, Kind, Places, aside, kind_of
from gateway.features.orders.callbacks import pay_routes
from gateway.features.registry import routers_of
from presale.catalogue import shows_sql
from presale.catalogue.shows import Product, ProductId
from presale.payments.payments import Unavailable
from presale.use_cases.bounded_provider import BoundedProvider
from tests.gateway.api.desk import Desk, open_desk

LIMIT = 3


def bounded(app: Starlette, limit: int) -> tuple[Bulkheads, Places]:
    places = Places(limit)
    return Bulkheads(app, {Kind.BUYING: places}, lambda *_: Kind.BUYING), places


async def test_beyond_the_bound_everybody_is_told_at_once_and_their_place_is_free_again_afterwards() -> None:
    goes_on = asyncio.Event()
    serving = 0

    async def slow(_: Request) -> Response:
        nonlocal serving
        serving += 1
        await goes_on.wait()
        return PlainTextResponse("served")

    app, places = bounded(Starlette(routes=[Route("/", slow)]), LIMIT)
    async with httpx2.AsyncClient(transport=httpx2.ASGITransport(app), base_url="http://desk") as http:
        served = [asyncio.create_task(http.get("/")) for _ in range(LIMIT)]
        while serving < LIMIT:
            await asyncio.sleep(0)
        refused = await http.get("/")
        assert refused.status_code == 503
        error = refused.json()["error"]
        assert (error["code"], error["retryable"]) == ("BUSY", True)
        assert SOONEST_MS <= error["retry_after_ms"] <= LATEST_MS
        goes_on.set()
        assert [answer.status_code for answer in await asyncio.gather(*served)] == [200] * LIMIT
        assert (await http.get("/")).status_code == 200
    assert places.taken == 0


async def test_a_request_that_fails_gives_its_place_back() -> None:
    async def broken(_: Request) -> Response:
        async with aside():
            raise RuntimeError

    app, places = bounded(Starlette(routes=[Route("/", broken)]), 1)
    transport = httpx2.ASGITransport(app, raise_app_exceptions=False)
    async with httpx2.AsyncClient(transport=transport, base_url="http://desk") as http:
        assert [(await http.get("/")).status_code for _ in range(2)] == [500, 500]
    assert places.taken == 0


async def test_who_stands_aside_leaves_the_place_to_others() -> None:
    goes_on = asyncio.Event()

    async def waiting(_: Request) -> Response:
        async with aside():
            await goes_on.wait()
        return PlainTextResponse("served")

    async def quick(_: Request) -> Response:
        return PlainTextResponse("served")

    app, places = bounded(Starlette(routes=[Route("/", waiting), Route("/quick", quick)]), 1)
    async with httpx2.AsyncClient(transport=httpx2.ASGITransport(app), base_url="http://desk") as http:
        others = [asyncio.create_task(http.get("/")) for _ in range(5)]
        for _ in range(20):
            await asyncio.sleep(0)
        assert (await http.get("/quick")).status_code == 200
        goes_on.set()
        assert {answer.status_code for answer in await asyncio.gather(*others)} == {200}
    assert places.taken == 0


def test_every_route_is_of_the_kind_that_its_roles_say() -> None:
    described = create_api(routers_of(None)).openapi()  # type: ignore[arg-type]  # described only
    kinds = {}
    for path, methods in described["paths"].items():
        for method, route in methods.items():
            roles = route["x-roles"]
            expected = Kind.CATALOGUE if "anybody" in roles else Kind.BUYING if "viewer" in roles else Kind.STAFF
            kinds[method, path] = (kind_of(method.upper(), path), expected)
    assert {place: found for place, found in kinds.items() if found[0] is not found[1]} == {}
    assert {found[1] for found in kinds.values()} == {Kind.CATALOGUE, Kind.BUYING, Kind.STAFF}


FULL = {kind: Places(0) for kind in Kind}


@pytest.mark.parametrize("free", list(Kind))
async def test_a_kind_that_is_full_refuses_its_own_and_nobody_else(free: Kind, tmp_path: Path) -> None:
    # 95 requests a second for the list of shows made half of all orders BUSY
    asked = {
        Kind.CATALOGUE: ("GET", "/api/v1/shows"),
        Kind.BUYING: ("GET", "/api/v1/orders/none"),
        Kind.STAFF: ("GET", "/api/v1/shows/none/entitlements"),
        Kind.CALLBACKS: ("POST", "/pay/fake/notify"),
    }
    async with open_desk(tmp_path) as desk:
        places = {**FULL, free: Places(1)}
        api = create_api(routers_of(desk.deps), places)
        app = Starlette(routes=[Mount("/api", api), *pay_routes(desk.house.box, places)])
        bearer = {"authorization": f"Bearer {desk.token('fan')}"}
        async with httpx2.AsyncClient(transport=httpx2.ASGITransport(app), base_url="http://desk") as http:
            for kind, (method, path) in asked.items():
                answer = await http.request(method, path, headers=bearer)
                assert (answer.status_code == 503) is (kind is not free), (kind, answer.text)


async def test_a_provider_that_hangs_holds_up_nobody_who_does_not_need_it(tmp_path: Path) -> None:
    # 22 of 23 GETs were answered 503 while orders waited for a provider that did not answer
    async with open_desk(tmp_path) as desk:
        places = {kind: Places(2) for kind in Kind}
        hangs, answers = asyncio.Event(), desk.house.provider.create
        calls = 0

        async def create(request: Any) -> Any:
            nonlocal calls
            calls += 1
            await hangs.wait()
            return await answers(request)

        provider: Any = desk.house.provider
        provider.create = create
        desk.house.box._checkout._providers = {"fake": BoundedProvider(provider, calls_at_once=4, aside=aside)}
        app = Starlette(routes=[Mount("/api", create_api(routers_of(desk.deps), places))])
        async with httpx2.AsyncClient(transport=httpx2.ASGITransport(app), base_url="http://desk") as desk.http:
            buyers = []
            for number in range(6):
                buyers.append(asyncio.create_task(desk.order(f"fan-{number}", key=f"key-{number}")))
                while calls < min(number + 1, 4) and not buyers[-1].done():
                    await asyncio.sleep(0)
                await asyncio.sleep(0.05)
            late = [await buyer for buyer in buyers[4:]]
            assert {answer.json()["error"]["code"] for answer in late} == {"PROVIDER_UNAVAILABLE"}
            for path in ("/api/v1/shows", "/api/v1/orders?show=show"):
                assert {(await desk.ask("GET", path)).status_code for _ in range(10)} == {200}, path
            hangs.set()
            assert {(await buyer).status_code for buyer in buyers[:4]} == {201}
            again = await desk.order("fan-4", key="key-4")
            assert again.status_code == 201, "the same key goes on where it was left"
        assert {each.taken for each in places.values()} == {0}


async def test_beyond_the_bound_a_provider_is_not_called() -> None:
    class Never:
        name = "never"

        async def query(self, _payment: str) -> Any:
            await asyncio.Event().wait()

    bounded = BoundedProvider(Never(), calls_at_once=1)  # type: ignore[arg-type]  # all that is called
    first = asyncio.create_task(bounded.query("a"))
    await asyncio.sleep(0)
    refused = await bounded.query("b")
    assert isinstance(refused, Unavailable)
    assert refused.retryable
    first.cancel()
    await asyncio.gather(first, return_exceptions=True)
    waiting = asyncio.create_task(bounded.query("c"))
    await asyncio.sleep(0)
    assert not waiting.done(), "a call that was given up gives its place back"
    waiting.cancel()


@contextmanager
def statements(desk: Desk) -> Iterator[list[str]]:
    """What is asked of the database by long reads and short ones."""
    told: list[str] = []

    def note(_c: object, _cursor: object, statement: str, *_: object) -> None:
        if statement.startswith("SELECT"):
            told.append(statement)

    engines = [getattr(desk.house.db, name).sync_engine for name in ("_reader", "_surveyor")]
    for engine in engines:
        event.listen(engine, "before_cursor_execute", note)
    yield told
    for engine in engines:
        event.remove(engine, "before_cursor_execute", note)


async def test_the_list_of_shows_takes_as_many_statements_for_many_as_for_one(desk: Desk) -> None:
    show = (await desk.ask("GET", "/api/v1/shows", None)).json()["shows"][0]
    body = {
        "title": "Another",
        "currency": "CNY",
        "doors_ms": show["schedule"]["doors_ms"],
        "start_ms": show["schedule"]["start_ms"],
        "products": [{"name": "Main", "tier": "main", "price_minor": 100, "capacity": 10}],
    }
    with statements(desk) as told:
        await desk.ask("GET", "/api/v1/shows", "olga")
    for_one = len(told)
    for _ in range(10):
        made = await desk.ask("POST", "/api/v1/shows", "olga", body)
        assert made.status_code == 201, made.text
    desk.house.clock.now_ms += 2_000
    with statements(desk) as told:
        assert len((await desk.ask("GET", "/api/v1/shows", "olga")).json()["shows"]) == 11
        by_staff = len(told)
        for _ in range(20):
            await desk.ask("GET", "/api/v1/shows", None)
    assert by_staff == for_one <= 5, "who acts is asked in two statements, what there is in three"
    assert len(told) - by_staff <= 3, "read once in a second, however many ask"


async def test_the_public_list_is_a_second_old_at_most_and_tells_the_time_of_each_answer(desk: Desk) -> None:
    first = (await desk.ask("GET", "/api/v1/shows", None)).json()["shows"][0]
    async with desk.house.db.write() as uow:
        extra = Product(
            id=ProductId("extra"),
            show=ShowId(first["show"]),
            name='"server_ms":0',
            tier=Tier.MAIN,
            price_minor=1,
            capacity=1,
            credits=0,
        )
        await shows_sql.add_product(uow, extra)
    desk.house.clock.now_ms += 999
    cached = (await desk.ask("GET", "/api/v1/shows", None)).json()["shows"][0]
    assert cached["server_ms"] == first["server_ms"] + 999
    assert len(cached["products"]) == len(first["products"])
    desk.house.clock.now_ms += 1
    fresh = (await desk.ask("GET", "/api/v1/shows", "fan")).json()["shows"][0]
    assert [product["name"] for product in fresh["products"] if product["id"] == "extra"] == ['"server_ms":0']


async def test_a_provider_that_drips_is_given_up() -> None:
    class Dripping:
        name = "dripping"

        async def query(self, _payment: str) -> Any:
            await asyncio.Event().wait()

    bounded = BoundedProvider(Dripping(), seconds=0.01, calls_at_once=1)  # type: ignore[arg-type]
    for _ in range(2):
        answer = await asyncio.wait_for(bounded.query("payment"), 5)
        assert isinstance(answer, Unavailable)
        assert answer.retryable


async def test_whoever_asks_about_an_unpaid_order_leaves_their_place_meanwhile(tmp_path: Path) -> None:
    async with open_desk(tmp_path) as desk:
        places = {kind: Places(1) for kind in Kind}
        order = (await desk.order()).json()["order"]
        hangs, asked = asyncio.Event(), asyncio.Event()
        query = desk.house.provider.query

        async def hang(payment: str) -> Any:
            asked.set()
            await hangs.wait()
            return await query(payment)

        provider: Any = desk.house.provider
        provider.query = hang
        desk.house.box._asking._aside = aside
        app = Starlette(routes=[Mount("/api", create_api(routers_of(desk.deps), places))])
        async with httpx2.AsyncClient(transport=httpx2.ASGITransport(app), base_url="http://desk") as desk.http:
            reader = asyncio.create_task(desk.ask("GET", f"/api/v1/orders/{order}"))
            await asked.wait()
            assert (await desk.ask("GET", "/api/v1/orders/nothing")).status_code == 404
            assert {each.taken for each in places.values()} == {0}
            hangs.set()
            assert (await reader).status_code == 200
        assert {each.taken for each in places.values()} == {0}
