"""Whatever goes wrong in an evening, no line of the log holds a token, a key, a user id, a name or a danmaku."""

import re
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from auth.tokens import mint
from gateway.replica.news import Book
from gateway.setup import clock
from tests.integration.clients import client
from tests.integration.evening import evening
from tests.integration.running import liveroom

USER, NAME = "user-canary-7f3a", "Name Canary Zh"
KEY, SAID = "key-canary-91bc", "canary-said-this"
CANARIES = re.compile(r"canary|eyJ[\w-]{8,}\.[\w-]{8,}|bearer ", re.IGNORECASE)
EXPECTED = {"callback.refused", "api.failed", "socket.handler_failed", "room.publication_failed"}
"""Events that the test provokes; one that is missing would prove nothing."""


async def test_nothing_personal_is_logged_when_everything_fails(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    async with liveroom(tmp_path, log_format="json") as house, evening(house) as show:
        settings = house.settings
        token = mint(
            settings.jwt_secrets[0],
            USER,
            NAME,
            settings.jwt_issuer,
            settings.jwt_audience,
            clock.now_ms(),
            3_600_000,
            clock.new_id(),
        )
        show.tokens[USER] = token
        bearer = {"authorization": f"Bearer {token}"}
        order = await house.buy(token, show.show, show.products["main"], KEY)
        await house.http.post("/pay/sandbox/notify", content=b"canary", headers={"webhook-id": KEY})
        await house.http.post(f"/pay/{'A' * 7_000}/notify", content=b"canary")
        fan = await show.enter(USER)
        if not _holds(fan):
            await fan.wait("tier", lambda told: told["tier"] == "main")
        assert (await fan.send("danmaku", {"text": SAID}))["ok"]
        for bad in (f"{token}x", "eyJhbGciOiJub25lIn0.eyJzdWIiOiJjYW5hcnkifQ.", "canary"):
            async with client(house.url) as knocking:
                await knocking.refused(token=bad, room=show.room)
        monkeypatch.setattr(Book, "decode", _broken)
        assert (await fan.send("danmaku", {"text": SAID}))["ok"], "accepted; its publication cannot be read"
        with closing(sqlite3.connect(tmp_path / "liveroom.sqlite", timeout=60)) as database:
            for table in ("orders", "entitlements", "roles"):
                database.execute(f"ALTER TABLE {table} RENAME TO {table}_away")
            database.commit()
            await fan.send("gift", {"gift": "rose", "key": f"{KEY}-gift"})
            body = {"show": show.show, "items": [{"product": show.products["vip"]}], "provider": "sandbox"}
            failed = await house.http.post(
                "/api/v1/orders", headers={**bearer, "idempotency-key": f"{KEY}-2"}, json=body
            )
            assert failed.status_code == 500
            await house.http.get(f"/api/v1/orders/{order['order']}", headers=bearer)
            role = f"/api/v1/shows/{show.show}/roles/{USER}/moderator"
            await house.http.put(role, headers={"authorization": f"Bearer {show.operator_token}"})
            for table in ("orders", "entitlements", "roles"):
                database.execute(f"ALTER TABLE {table}_away RENAME TO {table}")
            database.commit()
    written = capfd.readouterr().err
    assert {event for event in EXPECTED if f'"{event}"' in written} == EXPECTED
    assert [line for line in written.splitlines() if CANARIES.search(line)] == []
    assert max(len(line) for line in written.splitlines()) < 12_000


def _holds(fan: Any) -> bool:
    return any(event == "welcome" and data["you"]["tier"] == "main" for event, data in fan.heard)


def _broken(_book: Book, _body: bytes) -> None:
    raise ValueError("no event of ours")
