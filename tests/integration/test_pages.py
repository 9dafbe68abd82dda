"""The pages and their addresses, on a whole gateway."""

import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from gateway.house.app import PAGES
from gateway.reference.asyncapi import asyncapi
from gateway.reference.openapi import openapi
from tests.integration.running import Liveroom, liveroom

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest.fixture(scope="module")
def web(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Pages that say which file they are."""
    folder = tmp_path_factory.mktemp("dist")
    for file in PAGES.values():
        (folder / file).write_text(f"this is {file}")
    return folder


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def house(web: Path, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Liveroom]:
    async with liveroom(tmp_path_factory.mktemp("house"), web_dir=web) as running:
        yield running


@pytest.mark.parametrize(("path", "file"), PAGES.items())
async def test_each_page_has_an_address_without_a_suffix(house: Liveroom, path: str, file: str) -> None:
    answer = await house.http.get(path)
    assert (answer.status_code, answer.text) == (200, f"this is {file}")
    assert answer.headers["cache-control"] == "no-cache"


@pytest.mark.parametrize("query", ["show=a", "lang=zh&show=a"])
async def test_the_introduction_takes_the_parameters_of_its_own(house: Liveroom, query: str) -> None:
    assert (await house.http.get(f"/?{query}")).text == "this is index.html"


@pytest.mark.parametrize(
    "query", ["user=ann", "show=a%26b&embed=1", "embed=1&user=%E7%8E%8B&lang=zh", "codec=msgpack", "user="]
)
async def test_what_used_to_be_the_fan_page_is_forwarded_with_its_whole_query(house: Liveroom, query: str) -> None:
    answer = await house.http.get(f"/?{query}")
    assert (answer.status_code, answer.headers["location"]) == (307, f"/watch?{query}")


async def test_the_cashier_sends_the_fan_back_to_the_fan_page(house: Liveroom) -> None:
    show = await house.show()
    order = await house.order(await house.login("ann"), show["show"], show["products"][0]["id"], "key-of-the-order")
    paid = await house.http.post(order["pay_url"], data={"action": "pay"})
    way_back = f"{house.url}/pay/return/{order['order']}"
    assert f'href="{way_back}"' in paid.text
    back = await house.http.get(way_back)
    assert (back.status_code, back.headers["location"]) == (303, f"{house.url}/watch")


async def test_the_reference_page_reads_the_contract_from_its_own_gateway(house: Liveroom) -> None:
    answer = await house.http.get("/docs/asyncapi.json")
    assert answer.headers["content-type"] == "application/json"
    assert answer.text == asyncapi()
    assert (await house.http.get("/api/v1/openapi.json")).json() == json.loads(openapi())
