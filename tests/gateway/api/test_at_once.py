"""A flood at the box office: so many are served, the rest is told at once to come back."""

import asyncio

import httpx2
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from gateway.api.at_once import LATEST_MS, SOONEST_MS, AtOnce

LIMIT = 3


async def test_beyond_the_bound_everybody_is_told_at_once_and_their_place_is_free_again_afterwards() -> None:
    goes_on = asyncio.Event()
    serving = 0

    async def slow(_: Request) -> Response:
        nonlocal serving
        serving += 1
        await goes_on.wait()
        return PlainTextResponse("served")

    app = AtOnce(Starlette(routes=[Route("/", slow)]), LIMIT)
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


async def test_a_request_that_fails_gives_its_place_back() -> None:
    async def broken(_: Request) -> Response:
        raise RuntimeError

    app = AtOnce(Starlette(routes=[Route("/", broken)]), 1)
    transport = httpx2.ASGITransport(app, raise_app_exceptions=False)
    async with httpx2.AsyncClient(transport=transport, base_url="http://desk") as http:
        assert [(await http.get("/")).status_code for _ in range(2)] == [500, 500]
