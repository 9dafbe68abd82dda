"""The whole evening as one fan, a stranger and a host live it, on every codec and transport."""

import time
from pathlib import Path
from typing import Any

import pytest
import socketio.exceptions

from tests.integration.clients import Client, client, connected
from tests.integration.running import Liveroom, liveroom
from tests.store import postgresql

WITHIN_SECONDS = 1.0


@pytest.mark.parametrize("codec", ["json", "msgpack"])
@pytest.mark.parametrize("transport", ["websocket", "polling", "upgrade"])
async def test_a_fan_walks_from_the_foyer_to_the_show_and_back(tmp_path: Path, codec: str, transport: str) -> None:
    await walk(tmp_path, codec, transport)


async def test_the_same_evening_on_postgresql(tmp_path: Path) -> None:
    with postgresql.fresh() as url:
        await walk(tmp_path, "json", "websocket", database_url=url)


async def walk(folder: Path, codec: str, transport: str, **settings: Any) -> None:
    async with liveroom(folder, **settings) as house:
        show = await house.show()
        products = {product["tier"]: product["id"] for product in show["products"]}
        fan_token, host_token = await house.login("fan"), await house.login("host", "host")
        wire = {"codec": codec, "transport": transport}
        async with (
            connected(house.url, token=fan_token, room=show["room"], **wire) as fan,
            connected(house.url, "/console", token=host_token, room=show["room"], **wire) as host,
        ):
            welcome = await fan.wait("welcome")
            assert fan.heard[0][0] == "welcome"
            assert (welcome["you"]["tier"], welcome["streams"], welcome["room"]["phase"]) == ("none", [], "presale")
            assert (await fan.send("danmaku", {"text": "hello?"}))["error"]["code"] == "TICKET_REQUIRED"

            order = await house.order(fan_token, show["show"], products["main"], "walk-1")
            countdown = await fan.wait("countdown", lambda one: one["kind"] == "order")
            assert countdown["scope"] == "me"
            await house.cashier(order["pay_url"])
            paid_at = time.monotonic()
            tier = await fan.wait("tier", lambda one: one["tier"] == "main")
            assert time.monotonic() - paid_at <= WITHIN_SECONDS
            assert tier["reason"] == "purchase"
            sales = await host.wait("sales", lambda one: any(product["sold"] == 1 for product in one["products"]))
            assert sales["version"] > 0

            for phase in ("doors", "live"):
                assert (await host.send("show:phase", {"phase": phase}))["ok"]
            tier = await fan.wait("tier", lambda one: "stream:main" in one["permissions"])
            assert [grant["stream"] for grant in tier["streams"]] == ["main"]
            assert (await house.http.get(tier["streams"][0]["url"])).status_code == 200

            assert (await fan.send("danmaku", {"text": "安可"}))["ok"]
            said = await host.wait("danmaku")
            assert (said["items"][0]["text"], said["items"][0]["user"]) == ("安可", "fan")
            await _gives_and_comes_on_stage(fan, host)
            await _a_stranger_is_refused_with_the_offer(house, show, wire)

            asked_at = time.monotonic()
            refund = await house.refund(fan_token, order["order"])
            assert refund.status_code == 202, refund.text
            tier = await fan.wait("tier", lambda one: one["reason"] == "refund")
            assert time.monotonic() - asked_at <= WITHIN_SECONDS
            assert (tier["tier"], tier["streams"]) == ("none", [])
            assert (await fan.send("danmaku", {"text": "still here"}))["error"]["code"] == "TICKET_REQUIRED"
            await fan.wait("cohost", lambda one: one["state"] == "idle" and one.get("reason") == "rights_ended")
            assert not fan.disconnected.is_set()


async def _gives_and_comes_on_stage(fan: Client, host: Client) -> None:
    gift = {"gift": "rose", "count": 3, "key": "walk-gift-1"}
    first = await fan.send("gift", gift)
    assert first["data"]["wallet"]["credits"] == 97
    assert (await fan.send("gift", gift))["data"] == first["data"]
    assert (await fan.send("gift", {**gift, "count": 4}))["error"]["code"] == "IDEMPOTENCY_REUSED"
    await host.wait("gift", lambda one: one["items"][0]["credits"] == 3)
    assert len(host.all("gift")) == 1

    assert (await fan.send("cohost:request", {"message": "let me sing"}))["data"]["state"] == "requested"
    queue = await host.wait("cohost:queue", lambda one: one["items"])
    assert queue["items"][0]["user"] == "fan"
    assert (await host.send("cohost:approve", {"user": "fan"}))["ok"]
    on_stage = await fan.wait("cohost", lambda one: one["state"] == "on_stage")
    assert on_stage["grant"]["right"] == "publish"


async def _a_stranger_is_refused_with_the_offer(house: Liveroom, show: dict[str, Any], wire: dict[str, str]) -> None:
    token = await house.login("stranger")
    async with client(house.url, **wire) as stranger:
        with pytest.raises(socketio.exceptions.ConnectionError):
            await stranger.connect(token=token, room=show["room"])
        assert stranger.refusal["message"] == "TICKET_REQUIRED"
        data = stranger.refusal["data"]
        assert (data["code"], data["retryable"], data["show"]) == ("TICKET_REQUIRED", False, show["show"])
        assert {product["tier"] for product in data["products"]} == {"main", "vip"}
        assert stranger.all("welcome") == []
