"""Which pages may open sockets. The token decides who; the origin only keeps foreign pages out."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from pydantic import ValidationError
from websockets.exceptions import InvalidStatus

from gateway.setup.settings import Mode, Settings
from tests.gateway.sockets.raw import PATHS, RawSocket, http_client, polling, websocket
from tests.gateway.sockets.venue import PRODUCTION, Venue, venue

pytestmark = pytest.mark.asyncio(loop_scope="module")

OWN_PAGE = "https://shows.example"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def listed(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Venue]:
    async with venue(tmp_path_factory.mktemp("listed"), **PRODUCTION, allowed_origins=[OWN_PAGE]) as running:
        yield running


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def unlisted(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Venue]:
    async with venue(tmp_path_factory.mktemp("unlisted"), **PRODUCTION, allowed_origins=[]) as running:
        yield running


@asynccontextmanager
async def opened(hall: Venue, transport: str, codec: str, origin: str | None) -> AsyncIterator[RawSocket]:
    open_transport: Any = websocket if transport == "websocket" else polling
    headers = {} if origin is None else {"origin": origin}
    async with open_transport(hall.url, PATHS[codec], headers=headers) as carrier:
        yield RawSocket(carrier, codec)


every_way = pytest.mark.parametrize(("transport", "codec"), [(t, c) for t in ("websocket", "polling") for c in PATHS])


async def assert_refused(hall: Venue, transport: str, codec: str, origin: str) -> None:
    with pytest.raises((InvalidStatus, AssertionError)) as refusal:
        async with opened(hall, transport, codec, origin):
            pass
    if isinstance(refusal.value, InvalidStatus):
        assert refusal.value.response.status_code == 403
    else:
        assert "not an accepted origin" in str(refusal.value)


@every_way
@pytest.mark.parametrize(
    "origin", ["https://evil.example", "null", "http://shows.example", "https://shows.example.evil.example", "*"]
)
async def test_a_foreign_page_is_refused_before_it_has_a_socket(
    listed: Venue, transport: str, codec: str, origin: str
) -> None:
    await assert_refused(listed, transport, codec, origin)
    assert all(not server.engine.sockets for server in listed.house.socket_servers)


@every_way
@pytest.mark.parametrize("origin", [OWN_PAGE, None])
async def test_a_listed_page_and_a_client_that_is_no_page_get_in_with_a_token(
    listed: Venue, transport: str, codec: str, origin: str | None
) -> None:
    async with opened(listed, transport, codec, origin) as fan:
        await fan.enter(token=listed.token(), room=listed.room)


async def test_without_an_origin_a_token_is_needed_all_the_same(listed: Venue) -> None:
    async with opened(listed, "websocket", "json", None) as nobody:
        assert (await nobody.connect(room=listed.room)).data["message"] == "TOKEN_INVALID"


@every_way
async def test_without_a_list_only_pages_of_this_server_get_in(unlisted: Venue, transport: str, codec: str) -> None:
    async with opened(unlisted, transport, codec, unlisted.url) as fan:
        await fan.enter(token=unlisted.token(), room=unlisted.room)
    await assert_refused(unlisted, transport, codec, OWN_PAGE)


@every_way
@pytest.mark.parametrize("spelled", ["{url}", "{ws}", "{upper}", "wss://shows.example", "https://shows.example:443"])
async def test_own_pages_and_native_apps_get_in_whatever_is_listed(
    listed: Venue, transport: str, codec: str, spelled: str
) -> None:
    # iOS and Android libraries send the address of the gateway as their origin, some with the scheme of WebSockets
    url = listed.url
    origin = spelled.format(url=url, ws=url.replace("http", "ws"), upper=url.upper())
    async with opened(listed, transport, codec, origin) as fan:
        await fan.enter(token=listed.token(), room=listed.room)


async def test_the_public_url_is_ours_behind_a_proxy_that_rewrites_the_host(tmp_path: Path) -> None:
    async with venue(tmp_path, **{**PRODUCTION, "public_url": "https://live.example"}) as hall:
        url = f"http://127.0.0.1:{hall.house.settings.port}"
        async with http_client(url, headers={"origin": "https://live.example", "host": "upstream-7"}) as http:
            answer = await http.get(PATHS["json"], params={"EIO": "4", "transport": "polling"})
    assert (answer.status_code, answer.headers["access-control-allow-origin"]) == (200, "https://live.example")


@pytest.mark.parametrize("asked", ["traceparent, x-request-id", "authorization", "content-type"])
async def test_a_listed_page_may_send_credentials_and_the_headers_it_asks_for(listed: Venue, asked: str) -> None:
    # `withCredentials` for the cookie of a balancer, `traceparent` by a tracer: without these there was no connection
    preflight = {
        "origin": OWN_PAGE,
        "access-control-request-method": "GET",
        "access-control-request-headers": asked,
    }
    async with http_client(listed.url, headers=preflight) as http:
        answer = await http.request("OPTIONS", PATHS["json"], params={"EIO": "4", "transport": "polling"})
    assert answer.status_code == 204
    assert answer.headers["access-control-allow-headers"] == asked
    assert answer.headers["access-control-allow-credentials"] == "true"
    async with http_client(listed.url, headers={"origin": OWN_PAGE}) as http:
        opened = await http.get(PATHS["json"], params={"EIO": "4", "transport": "polling"})
    assert opened.headers["access-control-allow-credentials"] == "true"


async def test_in_demo_mode_any_page_may_ask_but_without_credentials(tmp_path: Path) -> None:
    async with venue(tmp_path) as hall, http_client(hall.url, headers={"origin": "https://any.example"}) as http:
        answer = await http.get(PATHS["json"], params={"EIO": "4", "transport": "polling"})
    assert answer.headers["access-control-allow-origin"] == "https://any.example"
    assert "access-control-allow-credentials" not in answer.headers


async def test_a_foreign_page_cannot_read_what_polling_answers_nor_ask_with_cookies(listed: Venue) -> None:
    async with http_client(listed.url, headers={"origin": OWN_PAGE}) as http:
        answer = await http.get(PATHS["json"], params={"EIO": "4", "transport": "polling"})
    assert answer.headers["access-control-allow-origin"] == OWN_PAGE
    assert "set-cookie" not in answer.headers
    preflight = {"origin": "https://evil.example", "access-control-request-method": "POST"}
    async with http_client(listed.url, headers=preflight) as http:
        refused = await http.request("OPTIONS", PATHS["json"], params={"EIO": "4", "transport": "polling"})
    assert refused.status_code == 403
    assert "access-control-allow-origin" not in refused.headers


@pytest.mark.parametrize("listed", [[], ""])
async def test_an_empty_list_does_not_switch_the_check_off(listed: object, tmp_path: Path) -> None:
    settings = Settings.load(**{**PRODUCTION, "data_dir": tmp_path, "allowed_origins": listed})
    assert not settings.origins.allow("https://evil.example", "live.example")
    assert settings.origins.allow("https://live.example", "live.example")


async def test_every_origin_is_for_demo_mode_only() -> None:
    with pytest.raises(ValidationError, match="demo mode"):
        Settings.load(**{**PRODUCTION, "allowed_origins": ["*"]})
    assert Settings.load(Mode.DEMO).allowed_origins == ["*"]
