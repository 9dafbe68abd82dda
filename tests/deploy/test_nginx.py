"""The nginx that ships before two gateways and a box office, with official clients at its one address."""

import asyncio
import json
import re
import signal
import subprocess
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp
import httpx2
import pytest
import socketio

from tests.deploy.street import PLACES, PLATFORM, Street, command, configured, street
from tests.integration.clients import connected
from tests.integration.evening import evening
from tests.integration.running import Liveroom
from tests.ports import free_port

SECONDS = 20.0


@pytest.fixture(scope="module")
def houses() -> Iterator[Street]:
    with street() as made:
        yield made


@pytest.fixture
async def house(houses: Street) -> AsyncIterator[Liveroom]:
    """What the tests of one gateway speak to; here it is nginx that answers."""
    async with httpx2.AsyncClient(base_url=houses.url, trust_env=False, timeout=10) as http:
        yield Liveroom(houses.settings, http, asyncio.Event())


def test_what_ships_is_a_configuration(tmp_path: Path) -> None:
    configuration = configured(tmp_path / "nginx", PLACES, "127.0.0.1:8099")
    tested = subprocess.run(
        command(tmp_path / "nginx", configuration, "-t"), check=False, capture_output=True, text=True
    )
    assert "test is successful" in tested.stderr
    assert "warn" not in tested.stderr


async def handshake(http: httpx2.AsyncClient, **headers: str) -> httpx2.Response:
    return await http.get("/socket.io/", params={"EIO": "4", "transport": "polling"}, headers=headers)


async def opened(http: httpx2.AsyncClient) -> str:
    """The id of a new session."""
    answer = await handshake(http)
    assert answer.status_code == 200, answer.text
    sid: str = json.loads(answer.text.removeprefix("0"))["sid"]
    return sid


async def session(http: httpx2.AsyncClient, node: str) -> str:
    """The id of a session that this gateway holds; nginx asks one again only some time after it was gone."""
    deadline = time.monotonic() + SECONDS
    while not (sid := await opened(http)).startswith(f"{node}."):
        assert time.monotonic() < deadline, f"nginx never asked {node}"
        await asyncio.sleep(0.05)
    return sid


async def test_new_sessions_are_balanced_and_polls_reach_the_gateway_that_holds_them(house: Liveroom) -> None:
    for node in ("a", "b"):
        sid = await session(house.http, node)
        for _ in range(4):  # elsewhere it would be unknown
            said = await house.http.post(
                "/socket.io/", params={"EIO": "4", "transport": "polling", "sid": sid}, content="3"
            )
            assert (said.status_code, said.text) == (200, "ok")


@pytest.mark.parametrize("transport", ["polling", "upgrade", "websocket"])
@pytest.mark.parametrize("codec", ["json", "msgpack"])
async def test_official_clients_come_in_by_every_transport(house: Liveroom, transport: str, codec: str) -> None:
    token, show = await house.login("mei"), await house.show()
    async with connected(house.url, codec=codec, transport=transport, token=token, room=show["room"]) as fan:
        if transport == "upgrade":
            async with asyncio.timeout(SECONDS):
                while fan.sio.transport() != "websocket":
                    await asyncio.sleep(0.01)
        assert fan.sio.transport() == ("polling" if transport == "polling" else "websocket")


async def test_the_box_office_answers_and_numbers_are_nobodys_business(house: Liveroom) -> None:
    assert (await house.http.get("/api/v1/openapi.json")).status_code == 200
    assert (await house.http.get("/")).headers["content-type"].startswith("text/html")
    for path in ("/metrics", "/metrics/", "//metrics", "/%6detrics", "/docs/../metrics", "/metrics?x"):
        assert (await house.http.get(house.url + path)).status_code == 403, path


@pytest.mark.parametrize(
    "path", ["/readyz", "/readyz/", "//readyz", "/media/auth/nginx", "/media//auth/mediamtx", "/media/auth"]
)
async def test_what_only_neighbours_ask_is_closed_to_the_street(house: Liveroom, path: str) -> None:
    # 600 of 600 strangers were answered: the first tells which part is broken, the second tries grants out for free
    for method in ("GET", "POST"):
        assert (await house.http.request(method, house.url + path)).status_code == 403


async def test_pages_of_a_named_site_can_read_what_nginx_answers_itself(house: Liveroom) -> None:
    site, stranger = {"origin": PLATFORM}, {"origin": "https://stranger.example"}
    sid = await opened(house.http)
    poll = {"EIO": "4", "transport": "polling", "sid": sid}
    for path, parameters in (("/socket.io/", poll), ("/api/v1/orders", {})):
        too_big = await house.http.post(path, params=parameters, content=b"4" * 70_000, headers=site)
        assert (too_big.status_code, readers(too_big)) == (413, [PLATFORM]), path
        too_big = await house.http.post(path, params=parameters, content=b"4" * 70_000, headers=stranger)
        assert (too_big.status_code, readers(too_big)) == (413, [])
    for path in ("/api/v1/shows", "/socket.io/?EIO=4&transport=polling", "/socket.io/?EIO=4&transport=polling&sid=x"):
        proxied = await house.http.get(path, headers=site)
        assert readers(proxied) == [PLATFORM], "said by the gateway, and said once"
        assert proxied.headers.get_list("access-control-allow-credentials") == ["true"], path
    for path in ("/", "/metrics", "/livez", "/demo/show"):
        assert readers(await house.http.get(path, headers=site)) == [], path


def readers(answer: httpx2.Response) -> list[str]:
    """Whose pages may read an answer."""
    return answer.headers.get_list("access-control-allow-origin")


PREFLIGHT = {
    "origin": PLATFORM,
    "access-control-request-method": "POST",
    "access-control-request-headers": "authorization,idempotency-key,traceparent",
}


async def test_preflights_and_refusals_are_understood_while_nobody_is_behind_nginx(tmp_path: Path) -> None:
    # a page that cannot read BUSY takes it for a broken network; a preflight that gets 503 never sends the order
    nowhere, port = f"127.0.0.1:{free_port()}", free_port()
    folder = tmp_path / "nginx"
    configuration = configured(folder, dict.fromkeys(PLACES, nowhere), f"127.0.0.1:{port}")
    nginx = subprocess.Popen(command(folder, configuration), stderr=subprocess.DEVNULL)  # noqa: ASYNC220 - it returns at once
    try:
        async with httpx2.AsyncClient(base_url=f"http://127.0.0.1:{port}", trust_env=False) as http:
            await answered(http, "/metrics", {})
            for path in ("/api/v1/orders", "/socket.io/?EIO=4&transport=polling", "/socket.io-msgpack/?sid=a.0.x"):
                asked = await http.options(path, headers=PREFLIGHT)
                assert (asked.status_code, readers(asked)) == (204, [PLATFORM]), path
                assert asked.headers["access-control-allow-headers"] == PREFLIGHT["access-control-request-headers"]
                assert asked.headers["access-control-allow-credentials"] == "true"
                away = await http.get(path, headers={"origin": PLATFORM})
                assert (away.status_code, readers(away), away.headers["retry-after"]) == (503, [PLATFORM], "2"), path
                assert away.json()["error"]["code"] == "BUSY"
                stranger = await http.options(path, headers={**PREFLIGHT, "origin": "https://stranger.example"})
                assert (stranger.status_code, readers(stranger)) == (503, []), path
    finally:
        nginx.terminate()
        nginx.wait()


async def test_too_much_is_refused_before_a_gateway_hears_of_it(house: Liveroom) -> None:
    big = await house.http.post("/socket.io/", params={"EIO": "4", "transport": "polling"}, content=b"4" * 70_000)
    assert big.status_code == 413
    long = await handshake(house.http, **{"x-long": "x" * 20_000})
    assert long.status_code == 400


async def test_the_address_of_a_fan_is_what_nginx_sees_and_not_what_the_fan_says(tmp_path: Path) -> None:
    async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: %d\r\n\r\n%s" % (len(head), head))
        writer.close()

    server = await asyncio.start_server(echo, "127.0.0.1", 0)
    upstream, port = f"127.0.0.1:{server.sockets[0].getsockname()[1]}", free_port()
    folder = tmp_path / "nginx"
    configuration = configured(folder, dict.fromkeys(PLACES, upstream), f"127.0.0.1:{port}")
    nginx = subprocess.Popen(command(folder, configuration), stderr=subprocess.DEVNULL)  # noqa: ASYNC220 - it returns at once
    try:
        async with httpx2.AsyncClient(base_url=f"http://127.0.0.1:{port}", trust_env=False) as http:
            for path in ("/socket.io/?EIO=4", "/socket.io/?EIO=4&sid=a.0.x", "/api/v1/shows", "/pay/x/notify", "/"):
                head = (await answered(http, path, {"x-forwarded-for": "192.0.2.7"})).lower()
                assert re.findall(r"^x-forwarded-for: (.*)\r$", head, re.MULTILINE) == ["127.0.0.1"], path
                assert f"host: 127.0.0.1:{port}" in head
            smuggled = await answered(http, "/api/v1/shows", {"connection": "upgrade", "upgrade": "h2c"})
            assert "upgrade" not in smuggled.lower()
    finally:
        nginx.terminate()
        nginx.wait()
        server.close()


async def test_of_ipv6_a_home_has_the_rate_of_one_address_and_mapped_ipv4_that_of_ipv4(tmp_path: Path) -> None:
    folder, port = tmp_path / "nginx", free_port()
    configuration = configured(folder, dict.fromkeys(PLACES, f"127.0.0.1:{free_port()}"), f"127.0.0.1:{port}")
    with (folder / "listen.conf").open("a") as listening:  # nginx takes the header for the address of the fan
        listening.write("\nset_real_ip_from 127.0.0.1;\nreal_ip_header X-Forwarded-For;\n")
    nginx = subprocess.Popen(command(folder, configuration), stderr=subprocess.DEVNULL)  # noqa: ASYNC220 - it returns at once
    try:
        async with httpx2.AsyncClient(base_url=f"http://127.0.0.1:{port}", trust_env=False, timeout=10) as http:

            async def refusals(addresses: list[str]) -> int:
                ask = [http.get("/api/v1/shows", headers={"x-forwarded-for": address}) for address in addresses]
                return sum(answer.status_code == 429 for answer in await asyncio.gather(*ask))

            await answered(http, "/metrics", {})
            assert await refusals([f"2001:db8:1:2::{number:x}" for number in range(900)]) > 0
            assert await refusals([f"2001:db8:1:{number:x}::1" for number in range(16, 916)]) == 0
            assert await refusals(["::ffff:198.51.100.7", "198.51.100.7"] * 450) > 0
            assert await refusals([f"::ffff:10.0.{number // 250}.{number % 250}" for number in range(900)]) == 0
    finally:
        nginx.terminate()
        nginx.wait()


async def answered(http: httpx2.AsyncClient, path: str, headers: dict[str, str]) -> str:
    """What is answered once nginx has started."""
    deadline = time.monotonic() + SECONDS
    while True:
        try:
            return (await http.get(path, headers=headers)).text
        except httpx2.TransportError:
            assert time.monotonic() < deadline
            await asyncio.sleep(0.02)


async def test_a_flood_at_the_box_office_is_told_to_wait_and_sockets_do_not_notice(house: Liveroom) -> None:
    async def ask(number: int) -> httpx2.Response:
        return await house.http.get("/api/v1/openapi.json", headers={"x-number": str(number)})

    answers = await asyncio.gather(*map(ask, range(900)))
    refused = [answer for answer in answers if answer.status_code == 429]
    assert {answer.status_code for answer in answers} == {200, 429}
    assert refused[0].json()["error"] == {"code": "RATE_LIMITED", "retryable": True, "retry_after_ms": 1000}
    assert refused[0].headers["retry-after"] == "1"
    assert (await handshake(house.http)).status_code == 200


async def test_a_session_of_a_gateway_that_is_gone_is_unknown_and_not_an_error_of_the_proxy(
    house: Liveroom, houses: Street
) -> None:
    sid = await session(house.http, "b")
    houses.signal("b", signal.SIGKILL)
    houses.ended("b")
    try:
        for _ in range(5):
            for method in ("GET", "POST"):
                parameters = {"EIO": "4", "transport": "polling", "sid": sid}
                answer = await house.http.request(method, "/socket.io/", params=parameters)
                assert (answer.status_code, answer.json()["code"]) == (400, 1)
            assert (await handshake(house.http)).status_code == 200
    finally:
        houses.start("b")


async def test_newcomers_of_a_gateway_that_drains_are_let_in_by_the_other_one(house: Liveroom, houses: Street) -> None:
    await session(house.http, "b")
    token, show = await house.login("mei"), await house.show()
    async with connected(houses.address("b"), token=token, room=show["room"]) as fan:
        houses.signal("b")
        await fan.wait("draining")
        async with httpx2.AsyncClient(base_url=houses.address("b"), trust_env=False) as past_nginx:
            for path in ("/socket.io/", "/socket.io-msgpack/"):
                answer = await past_nginx.get(path, params={"EIO": "4", "transport": "polling"})
                assert answer.status_code == 503
        for transport in ("polling", "websocket"):
            async with connected(house.url, transport=transport, token=token, room=show["room"]) as newcomer:
                assert newcomer.sio.eio.sid.startswith("a.")
    assert await asyncio.to_thread(houses.ended, "b") == 0
    await asyncio.to_thread(houses.start, "b")


@dataclass
class Screen:
    """A fan with the official client, who comes back with the cursor, and every gift that was shown."""

    token: str
    room: str
    transports: list[str]
    http: aiohttp.ClientSession
    gifts: list[str] = field(default_factory=list)
    welcomes: list[dict[str, Any]] = field(default_factory=list)
    byes: list[str] = field(default_factory=list)
    cursor: str = ""

    def __post_init__(self) -> None:
        self.sio = socketio.AsyncClient(
            reconnection=True, reconnection_delay=0.1, reconnection_delay_max=0.5, http_session=self.http
        )
        self.sio.on("*", self._event, namespace="/live")

    async def enter(self, url: str) -> None:
        await self.sio.connect(url, namespaces=["/live"], transports=self.transports, auth=self._auth, wait_timeout=10)
        await eventually(lambda: len(self.welcomes) == 1, "a welcome")

    async def give(self, key: str) -> str:
        """A gift that arrives, whatever gateway is there to take it; its id."""
        deadline = time.monotonic() + SECONDS
        while True:
            try:
                ack = await self.sio.call("gift", {"gift": "rose", "key": key}, namespace="/live", timeout=2)
                if not ack["ok"] and ack["error"]["retryable"]:  # a fast machine gives more than one fan may
                    assert time.monotonic() < deadline, ack
                    await asyncio.sleep(ack["error"].get("retry_after_ms", 100) / 1000)
                    continue
                assert ack["ok"], ack
                given: str = ack["data"]["id"]
            except (TimeoutError, socketio.exceptions.SocketIOError):
                assert time.monotonic() < deadline, "the gift was never taken"
                await asyncio.sleep(0.1)
            else:
                return given

    def _auth(self) -> dict[str, str]:
        return {"token": self.token, "room": self.room, **({"cursor": self.cursor} if self.cursor else {})}

    def _event(self, event: str, data: Any = None) -> None:
        if event == "welcome":
            self.welcomes.append(data)
            for missed in data["missed"]:
                self._shown(missed["event"], missed["data"])
        elif event == "bye":
            self.byes.append(data["code"])
        else:
            self._shown(event, data)
        self.cursor = (data or {}).get("cursor") or self.cursor

    def _shown(self, event: str, data: Any) -> None:
        if event == "gift":
            self.gifts += [item["id"] for item in data["items"]]


async def eventually(condition: Callable[[], bool], what: str) -> None:
    deadline = time.monotonic() + SECONDS
    while not condition():
        assert time.monotonic() < deadline, f"waited in vain for {what}"
        await asyncio.sleep(0.02)


async def test_in_a_rolling_restart_no_viewer_loses_a_gift_or_a_right(house: Liveroom, houses: Street) -> None:
    await session(house.http, "b")
    async with evening(house) as show, AsyncExitStack() as stack:
        screens: list[Screen] = []
        for number, transports in enumerate([["websocket"], ["polling"], ["polling", "websocket"]] * 3):
            await show.ticket(f"fan-{number}")
            http = await stack.enter_async_context(aiohttp.ClientSession())
            screen = Screen(show.token(f"fan-{number}"), show.room, transports, http)
            stack.push_async_callback(screen.sio.disconnect)
            await screen.enter(house.url)
            screens.append(screen)
        held = {
            node: sum(sid.startswith(f"{node}.") for sid in (screen.sio.eio.sid for screen in screens)) for node in "ab"
        }
        assert min(held.values()) > 0, held
        given: list[str] = []
        for node in ("a", "b"):
            houses.signal(node)
            while houses.processes[node].poll() is None:
                given.append(await screens[len(given) % len(screens)].give(f"key-of-gift-{len(given)}"))
            assert houses.ended(node) == 0
            assert "Traceback" not in houses.log(node)
            await eventually(lambda: all(screen.sio.connected for screen in screens), "everybody to be back")
            given.append(await screens[0].give(f"key-of-gift-{len(given)}"))
            await asyncio.to_thread(houses.start, node)
            await session(house.http, node)
        await eventually(
            lambda: all(set(given) <= set(screen.gifts) for screen in screens), "every gift on every screen"
        )
        for screen in screens:
            assert sorted(screen.gifts) == sorted(given), "each gift once"
            assert [welcome["recovered"] for welcome in screen.welcomes[1:]] == [True] * len(screen.byes)
            assert {welcome["you"]["tier"] for welcome in screen.welcomes} == {"main"}
        assert sum(len(screen.byes) for screen in screens) >= len(screens)
    assert houses.redis.refusals() == [], "the user of deploy/redis.conf may do all that the wire does"


async def test_a_gateway_that_hangs_costs_a_newcomer_seconds_and_not_the_evening(
    house: Liveroom, houses: Street
) -> None:
    houses.signal("b", signal.SIGSTOP)
    try:
        began = time.monotonic()
        answers = await asyncio.gather(*(handshake(house.http) for _ in range(10)))
        assert [answer.status_code for answer in answers] == [200] * 10
        assert time.monotonic() - began < 9
    finally:
        houses.signal("b", signal.SIGCONT)
