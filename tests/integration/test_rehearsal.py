"""A small rehearsal against a whole gateway, with nothing wrong and with something planted."""

import asyncio
import io
import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from msgspec import Struct, structs
from rich.console import Console

from gateway.demo.playground import TICKETED
from gateway.features.chat.wire import RETRACT, Danmaku, Retract
from gateway.features.gifts.wire import GIFT, Gift
from gateway.features.sales.wire import Sales
from gateway.live.room import LiveRoom
from gateway.rehearsal.rehearse import Wishes, rehearse
from gateway.rehearsal.report import Report
from gateway.replica.orders import Order, Say
from gateway.replica.replica import Replica
from gateway.sockets.codec import Prepared
from tests.integration.running import liveroom
from tests.ports import free_port

FANS = 20
SECONDS = 4.0
SETTLE_SECONDS = 3.0
PATIENT_MS = 10_000
"""Speed is not what these tests are about: the machine may be busy with others."""

History = Danmaku | Gift | Retract


async def played(url: str) -> Report:
    wishes = Wishes(url, FANS, SECONDS, seed=7, rights_within_ms=PATIENT_MS, settle_seconds=SETTLE_SECONDS)
    return await rehearse(wishes, Console(file=io.StringIO()))


def failed(report: Report) -> set[str]:
    return {check.name for check in report.checks if not check.holds}


def told(report: Report) -> str:
    return "\n".join(f"{check.name}: {check.observed} {check.examples}" for check in report.checks if not check.holds)


async def command(*arguments: str) -> tuple[int, str, str]:
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *("-m", "gateway.cli", "rehearse", *arguments),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    out, err = await process.communicate()
    assert process.returncode is not None
    return process.returncode, out.decode(), err.decode()


async def test_a_crowd_finds_nothing_and_leaves_the_house_as_it_was(tmp_path: Path) -> None:
    async with liveroom(tmp_path) as house:
        before = await house.show()
        arguments = ("--fans", str(FANS), "--seconds", str(SECONDS), "--rights-within-ms", str(PATIENT_MS))
        status, out, err = await command("--url", house.url, *arguments, "--seed", "7", "--json")
        assert (status, json.loads(out)["passed"]) == (0, True), out + err
        report = json.loads(out)
        assert all(check["holds"] for check in report["checks"])
        assert (report["fans"], report["seed"]) == (FANS, 7)
        assert report["figures"]["orders_paid"] > 0
        assert "live" in err, "progress goes elsewhere than the document"
        assert await house.show() == before, "the rehearsal's show is not the one the pages sell"
        shows = (await house.http.get("/api/v1/shows")).json()["shows"]
        rehearsed = next(show for show in shows if show["show"] == report["show"])
        assert (rehearsed["phase"], rehearsed["title"]) == ("ended", "Rehearsal")
        assert {show["title"] for show in shows} >= {TICKETED}
        # a second one, in the same house
        again = await played(house.url)
        assert again.passed, told(again)
        staff = (
            await house.http.get(
                f"/api/v1/shows/{again.show}/roles",
                headers={"authorization": f"Bearer {await house.login('olga', 'operator')}"},
            )
        ).json()["roles"]
        assert [role["user"] for role in staff] == ["olga"], "the crowd's host and operator gave their roles back"


def gift_delivered_twice(patch: pytest.MonkeyPatch) -> None:
    carry_out = LiveRoom._carry_out

    def twice(room: LiveRoom, order: Order) -> None:
        for _ in range(2 if isinstance(order, Say) and order.event is GIFT else 1):
            carry_out(room, order)

    patch.setattr(LiveRoom, "_carry_out", twice)


def retraction_lost(patch: pytest.MonkeyPatch) -> None:
    carry_out = LiveRoom._carry_out

    def forgetful(room: LiveRoom, order: Order) -> None:
        if not (isinstance(order, Say) and order.event is RETRACT):
            carry_out(room, order)

    patch.setattr(LiveRoom, "_carry_out", forgetful)


def sales_off_by_one(patch: pytest.MonkeyPatch) -> None:
    shown = Replica.shown

    def one_more(replica: Replica, news: type, *options: Any) -> Struct:
        told = shown(replica, news, *options)
        if not isinstance(told, Sales):
            return told
        first, *others = told.products
        return structs.replace(told, products=[structs.replace(first, sold=first.sold + 1), *others])

    patch.setattr(Replica, "shown", one_more)


def stranger_gets_danmaku(patch: pytest.MonkeyPatch) -> None:
    carry_out = LiveRoom._carry_out

    def to_all(room: LiveRoom, order: Order) -> None:
        if not isinstance(order, Say):
            carry_out(room, order)
            return
        prepared = Prepared(order.event, order.event.payload([order.item], room.cursor()))
        for member in room.members():
            member.send(prepared, room.position.offset)

    patch.setattr(LiveRoom, "_carry_out", to_all)


@pytest.mark.parametrize(
    ("plant", "expected"),
    [
        (gift_delivered_twice, {"gifts.once", "history.twice"}),
        (retraction_lost, {"history.stored", "history.accepted"}),
        (sales_off_by_one, {"sales.screens"}),
        (stranger_gets_danmaku, {"rights.history"}),
    ],
)
async def test_a_fault_of_the_server_is_found(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    plant: Callable[[pytest.MonkeyPatch], None],
    expected: set[str],
) -> None:
    plant(monkeypatch)
    async with liveroom(tmp_path) as house:
        if plant is sales_off_by_one:
            arguments = ("--fans", str(FANS), "--seconds", str(SECONDS), "--rights-within-ms", str(PATIENT_MS))
            status, out, _ = await command("--url", house.url, *arguments)
            assert status == 1
            assert "Failed:" in out
            assert "sales.screens" in out
        else:
            report = await played(house.url)
            assert not report.passed
            assert expected <= failed(report), told(report)


async def test_what_is_no_playground_is_told_in_one_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    status, out, err = await command("--url", f"http://127.0.0.1:{free_port()}")
    assert (status, out, err.count("\n")) == (2, "", 1)
    assert "nothing answers" in err
    status, _, err = await command("--url", "127.0.0.1:8000")
    assert (status, err.count("\n")) == (2, 1)
    monkeypatch.setattr("gateway.house.app.playground_routes", lambda *_: [])
    async with liveroom(tmp_path) as house:
        status, out, err = await command("--url", house.url)
    assert (status, out, err.count("\n")) == (2, "", 1)
    assert "no demo or test server" in err
