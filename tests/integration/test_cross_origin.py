"""Which pages of other sites may call the API. The token decides who; the origin only keeps foreign pages out."""

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from tests.integration.running import Liveroom, liveroom

pytestmark = pytest.mark.asyncio(loop_scope="module")

PLATFORM = "https://platform.example"
ASKS = {"access-control-request-method": "POST", "access-control-request-headers": "authorization,idempotency-key"}


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def house(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Liveroom]:
    async with liveroom(tmp_path_factory.mktemp("house"), allowed_origins=[PLATFORM]) as running:
        yield running


async def test_a_page_of_the_platform_may_place_orders(house: Liveroom) -> None:
    # the platform serves its pages, the gateway stands elsewhere: without this no browser could buy
    asked = await house.http.options("/api/v1/orders", headers={"origin": PLATFORM, **ASKS})
    assert asked.status_code == 200
    assert asked.headers["access-control-allow-origin"] == PLATFORM
    assert "idempotency-key" in asked.headers["access-control-allow-headers"]
    refused = await house.http.post("/api/v1/orders", headers={"origin": PLATFORM}, json={})
    assert (refused.status_code, refused.headers["access-control-allow-origin"]) == (401, PLATFORM)
    assert refused.headers["access-control-allow-credentials"] == "true"


async def test_a_page_of_the_platform_may_send_headers_of_its_tracer_and_cookies_of_its_balancer(
    house: Liveroom,
) -> None:
    asks = {"access-control-request-method": "POST", "access-control-request-headers": "authorization,traceparent"}
    asked = await house.http.options("/api/v1/orders", headers={"origin": PLATFORM, **asks})
    assert (asked.status_code, asked.headers["access-control-allow-credentials"]) == (200, "true")
    assert "traceparent" in asked.headers["access-control-allow-headers"]


@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "PATCH", "DELETE"])
async def test_a_page_of_the_platform_may_use_every_method_of_the_api(house: Liveroom, method: str) -> None:
    asks = {"access-control-request-method": method, "access-control-request-headers": "authorization"}
    asked = await house.http.options("/api/v1/shows/any", headers={"origin": PLATFORM, **asks})
    assert asked.status_code == 200
    assert method in asked.headers["access-control-allow-methods"]


async def test_a_page_of_another_site_may_not(house: Liveroom) -> None:
    stranger = {"origin": "https://stranger.example"}
    assert (await house.http.options("/api/v1/orders", headers={**stranger, **ASKS})).status_code == 400
    assert "access-control-allow-origin" not in (await house.http.get("/api/v1/shows", headers=stranger)).headers


@pytest.mark.parametrize("path", ["/demo/show", "/metrics", "/livez"])
async def test_nothing_but_the_api_opens_to_other_sites(house: Liveroom, path: str) -> None:
    assert "access-control-allow-origin" not in (await house.http.get(path, headers={"origin": PLATFORM})).headers
