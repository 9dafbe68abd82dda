"""What operators and platforms rely on: health, metrics, and keys of the platform's own."""

import asyncio
import json
import secrets
import sqlite3
import time
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from gateway import __version__
from tests.auth.signing import SIGNERS, Signer, signer
from tests.integration.clients import client, connected
from tests.integration.evening import denied, done, evening
from tests.integration.running import Liveroom, liveroom

pytestmark = pytest.mark.asyncio(loop_scope="package")

Samples = dict[str, float]


async def metrics(house: Liveroom) -> Samples:
    """Every sample of /metrics by its name and labels."""
    answer = await house.http.get("/metrics")
    assert answer.headers["content-type"].startswith("text/plain; version=0.0.4")
    lines = [line for line in answer.text.splitlines() if line and not line.startswith("#")]
    return {name: float(value) for name, value in (line.rsplit(" ", 1) for line in lines)}


def grown(before: Samples, after: Samples, sample: str) -> float:
    return after.get(sample, 0.0) - before.get(sample, 0.0)


def claims(house: Liveroom, user: str, **changes: Any) -> dict[str, Any]:
    """What a platform would sign for a user now."""
    now = int(time.time())
    good = {
        "iss": house.settings.jwt_issuer,
        "aud": house.settings.jwt_audience,
        "sub": user,
        "iat": now,
        "exp": now + 600,
        "jti": secrets.token_hex(8),
        "name": "梅",
    }
    return {**good, **changes}


async def test_a_running_gateway_is_alive_and_ready(house: Liveroom) -> None:
    assert (await house.http.get("/livez")).json() == {"ok": True, "version": __version__}
    answer = await house.http.get("/readyz")
    assert (answer.status_code, answer.json()) == (200, {"ok": True, "reasons": []})


async def test_a_draining_gateway_is_alive_and_not_ready(tmp_path: Path) -> None:
    async with liveroom(tmp_path, drain_seconds=1.0) as house, client(house.url) as fan:
        show = await house.show()
        await fan.connect(token=await house.login("mei"), room=show["room"])
        house.stop.set()
        told = await fan.wait("draining")
        assert 0 < told["reconnect_after_ms"] <= 1_000
        answer = await house.http.get("/readyz")
        assert (answer.status_code, answer.json()) == (503, {"ok": False, "reasons": ["draining"]})
        assert (await house.http.get("/livez")).status_code == 200
        async with client(house.url) as late:
            refusal = await late.refused(token=await house.login("li"), room=show["room"])
            assert (refusal["code"], refusal["retryable"]) == ("BUSY", True)
        bye = await fan.wait("bye")
        assert (bye["code"], bye["retryable"]) == ("DRAINING", True)
        assert bye["retry_after_ms"] == told["reconnect_after_ms"]


async def test_a_gateway_that_cannot_write_says_so_and_serves_again_when_it_can(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("store.database_sql.BUSY_TIMEOUT_MS", 20)  # for a full disk, see tests/store
    async with liveroom(tmp_path) as house:
        show = await house.show()
        mei, product = await house.login("mei"), show["products"][0]["id"]
        watching = await house.login("li")
        with closing(sqlite3.connect(tmp_path / "liveroom.sqlite", isolation_level=None)) as stranger:
            stranger.execute("BEGIN IMMEDIATE")
            answer = await house.http.post(
                "/api/v1/orders",
                headers={"authorization": f"Bearer {mei}", "idempotency-key": "key-1"},
                json={"show": show["show"], "items": [{"product": product}], "provider": "sandbox"},
            )
            assert (answer.status_code, answer.json()["error"]["code"]) == (500, "INTERNAL")
            answer = await house.http.get("/readyz")
            assert (answer.status_code, answer.json()["reasons"]) == (503, ["database_not_writable"])
            assert (await house.http.get("/livez")).status_code == 200
            async with connected(house.url, token=watching, room=show["room"]) as fan:
                assert (await fan.wait("welcome"))["you"]["user"] == "li", "what only reads goes on"
            stranger.execute("COMMIT")
        async with asyncio.timeout(10):
            while (await house.http.get("/readyz")).status_code != 200:
                await asyncio.sleep(0.05)
        await house.order(mei, show["show"], product, "key-1")


async def test_the_metrics_move_with_what_happens(house: Liveroom) -> None:
    before = await metrics(house)
    async with evening(house) as show:
        fan = await show.fan("mei")
        await done(fan, "danmaku", {"text": "hello"})
        await fan.wait("danmaku")
        await denied(fan, "danmaku", {"text": ""})
        await denied(fan, "no:such:event", {})
        await show.refusal("passer-by")
        cursor = (await fan.wait("welcome"))["cursor"]
        await show.enter("mei", cursor=cursor)
        await fan.wait("bye")
        after = await metrics(house)
        for sample, by in (
            ('liveroom_commands_total{event="danmaku",result="ok"}', 1),
            ('liveroom_commands_total{event="danmaku",result="TEXT_EMPTY"}', 1),
            ('liveroom_commands_total{event="unknown",result="BAD_REQUEST"}', 1),
            ('liveroom_commands_total{event="show:phase",result="ok"}', 3),
            ('liveroom_refusals_total{code="TICKET_REQUIRED"}', 1),
            ('liveroom_byes_total{code="SEAT_TAKEN"}', 1),
            ('liveroom_recoveries_total{result="complete"}', 1),
            ('liveroom_publications_total{kind="DanmakuSaid"}', 1),
            ('liveroom_publications_total{kind="PhaseChanged"}', 3),
            ("liveroom_connect_seconds_count", 4),
        ):
            assert grown(before, after, sample) == by, sample
        for sample in (
            'liveroom_deliveries_total{event="danmaku"}',
            'liveroom_deliveries_total{event="welcome"}',
            'liveroom_deliveries_total{event="room"}',
        ):
            assert grown(before, after, sample) > 0, sample
        health = await show.host.wait("health")
        assert set(health) == {"online", "shed", "lag_ms", "waiting"}
        sockets = await metrics(house)
        assert sockets['liveroom_sockets{codec="json",namespace="/console"}'] >= 1
        assert "mei" not in str(sockets)  # nobody's name stands in a label


async def test_a_gateway_without_platform_keys_publishes_none(house: Liveroom) -> None:
    assert (await house.http.get("/.well-known/jwks.json")).json() == {"keys": []}


@pytest.mark.parametrize("algorithm", ["RS256", "ES256"])
async def test_a_platform_signs_with_its_own_key_from_a_file(
    tmp_path: Path, algorithm: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    platform = SIGNERS[algorithm]
    keys = tmp_path / "jwks.json"
    keys.write_text(json.dumps({"keys": [platform.jwk]}), "utf-8")
    monkeypatch.setenv("LIVEROOM_JWT_JWKS_FILE", str(keys))
    async with liveroom(tmp_path) as house:
        show = await house.show()
        token = platform.sign(claims(house, "mei"))
        async with connected(house.url, token=token, room=show["room"]) as fan:
            you = (await fan.wait("welcome"))["you"]
            assert (you["user"], you["name"]) == ("mei", "梅")
            main = next(product["id"] for product in show["products"] if product["tier"] == "main")
            await house.buy(token, show["show"], main, "a-key-of-the-platform")
            await fan.wait("tier", lambda told: told["tier"] == "main")
            renewed = await done(fan, "token:refresh", {"token": platform.sign(claims(house, "mei"))})
            assert renewed["expires_ms"] > 0
            other = await denied(fan, "token:refresh", {"token": platform.sign(claims(house, "li"))})
            assert other["code"] == "FORBIDDEN"

        published = (await house.http.get("/.well-known/jwks.json")).json()
        public = {name: value for name, value in platform.jwk.items() if name != "key_ops"}
        assert published == {"keys": [public]}
        await _forgeries_are_refused(house, show["room"], platform)


async def _forgeries_are_refused(house: Liveroom, room: str, platform: Signer) -> None:
    stranger = signer(platform.algorithm, platform.jwk["kid"])
    for token, code in (
        (stranger.sign(claims(house, "mei")), "TOKEN_INVALID"),  # another private key under the same kid
        (platform.sign(claims(house, "mei"), kid="unknown"), "TOKEN_INVALID"),
        (platform.sign(claims(house, "mei", aud="another gateway")), "TOKEN_INVALID"),
        (platform.sign(claims(house, "mei", exp=int(time.time()) - 60, iat=int(time.time()) - 120)), "TOKEN_EXPIRED"),
    ):
        async with client(house.url) as forger:
            assert (await forger.refused(token=token, room=room))["code"] == code
        answer = await house.http.get("/api/v1/orders", headers={"authorization": f"Bearer {token}"})
        assert answer.status_code == 401
