"""The host asks everybody, everybody sees it counted, and whoever comes later, too.

On two gateways: test_polls_on_two_gateways.py.
"""

from typing import Any

import pytest

from tests.integration.clients import Client
from tests.integration.evening import denied, done, evening
from tests.integration.running import Liveroom

pytestmark = pytest.mark.asyncio(loop_scope="package")

ENCORE = {"question": "Encore?", "options": ["yes", "no"]}


async def counted(socket: Client, *votes: int) -> dict[str, Any]:
    """Wait until a socket sees the newest poll counted so."""
    told = await socket.wait("polls", lambda told: _counts(told) == list(votes))
    poll: dict[str, Any] = told["items"][-1]
    return poll


def _counts(told: dict[str, Any]) -> list[int]:
    return [option["votes"] for option in told["items"][-1]["options"]] if told["items"] else []


async def test_a_question_is_asked_answered_and_over(house: Liveroom) -> None:
    async with evening(house) as show:
        fan, other = await show.fan("mei"), await show.fan("li")
        assert "vote" in (await fan.wait("welcome"))["you"]["permissions"]
        poll = (await done(show.host, "poll:ask", ENCORE))["id"]
        assert (await counted(fan, 0, 0))["question"] == "Encore?"
        assert await done(fan, "poll:vote", {"poll": poll, "option": 0}) == {"poll": poll, "option": 0}
        await done(other, "poll:vote", {"poll": poll, "option": 0})
        await counted(show.host, 2, 0)
        await done(fan, "poll:vote", {"poll": poll, "option": 1})
        for socket in (fan, other, show.host):
            await counted(socket, 1, 1)
        await done(show.host, "poll:end", {"poll": poll})
        ended = await fan.wait("polls", lambda told: told["items"][-1]["ended_ms"] is not None)
        assert _counts(ended) == [1, 1]
        assert (await denied(fan, "poll:vote", {"poll": poll, "option": 0}))["code"] == "POLL_ENDED"


async def test_who_comes_later_is_welcomed_with_the_poll(house: Liveroom) -> None:
    async with evening(house) as show:
        fan = await show.fan("mei")
        poll = (await done(show.host, "poll:ask", ENCORE))["id"]
        await done(fan, "poll:vote", {"poll": poll, "option": 1})
        late = await (await show.fan("li")).wait("welcome")
        assert _counts(late["polls"]) == [0, 1]
        console = await (await show.enter("host", "/console")).wait("welcome")
        assert _counts(console["polls"]) == [0, 1]


async def test_who_votes_needs_what_the_switch_asks_for(house: Liveroom) -> None:
    async with evening(house) as show:
        fan = await show.fan("mei")
        poll = (await done(show.host, "poll:ask", ENCORE))["id"]
        await show.switch(polls="vip")
        refused = await denied(fan, "poll:vote", {"poll": poll, "option": 0})
        assert (refused["code"], refused["needs"]) == ("TICKET_REQUIRED", "vip")
        assert [product["id"] for product in refused["products"]] == [show.products["vip"]]
        await show.switch(polls="off")
        assert (await denied(fan, "poll:vote", {"poll": poll, "option": 0}))["code"] == "CLOSED"
        await show.switch(polls="everyone")
        await done(fan, "poll:vote", {"poll": poll, "option": 0})
        await counted(fan, 1, 0)


async def test_bad_input_has_a_code_and_changes_nothing(house: Liveroom) -> None:
    async with evening(house) as show:
        fan, host = await show.fan("mei"), show.host
        for payload, code in (
            ({"question": "Encore?", "options": ["yes"]}, "BAD_REQUEST"),
            ({"question": "Encore?", "options": ["yes", "Yes"]}, "BAD_REQUEST"),
            ({"question": " ", "options": ["yes", "no"]}, "TEXT_EMPTY"),
            ({"question": "x" * 121, "options": ["yes", "no"]}, "TEXT_TOO_LONG"),
        ):
            assert (await denied(host, "poll:ask", payload))["code"] == code
        assert (await denied(host, "poll:end", {"poll": "none"}))["code"] == "NOT_FOUND"
        poll = (await done(host, "poll:ask", ENCORE))["id"]
        assert (await denied(host, "poll:ask", ENCORE)) | {"retryable": False} == {
            "code": "POLL_OPEN",
            "retryable": False,
            "poll": poll,
        }
        votes: list[tuple[dict[str, object], str]] = [
            ({"poll": poll, "option": 2}, "BAD_REQUEST"),
            ({"poll": poll, "option": -1}, "BAD_REQUEST"),
            ({"poll": "none", "option": 0}, "NOT_FOUND"),
        ]
        for vote, code in votes:
            assert (await denied(fan, "poll:vote", vote))["code"] == code
        assert (await denied(fan, "poll:ask", ENCORE))["code"] == "BAD_REQUEST"  # no command of viewers
        await done(fan, "poll:vote", {"poll": poll, "option": 0})
        await counted(fan, 1, 0)


async def test_moderators_ask_nothing(house: Liveroom) -> None:
    async with evening(house) as show:
        await show.role("mo", "moderator")
        moderator = await show.enter("mo", "/console")
        assert (await denied(moderator, "poll:ask", ENCORE))["code"] == "FORBIDDEN"


async def test_the_staff_reads_results_and_takes_them_along(house: Liveroom) -> None:
    async with evening(house) as show:
        fan = await show.fan("mei")
        poll = (await done(show.host, "poll:ask", ENCORE))["id"]
        await done(fan, "poll:vote", {"poll": poll, "option": 0})
        path, staff = f"/api/v1/shows/{show.show}/polls", {"authorization": f"Bearer {show.operator_token}"}
        kept = (await house.http.get(path, headers=staff)).json()["polls"]
        assert [(one["id"], one["options"][0]["votes"], one["ended_ms"]) for one in kept] == [(poll, 1, None)]
        table = await house.http.get(f"{path}.csv", headers=staff)
        assert table.headers["content-type"] == "text/csv; charset=utf-8"
        assert table.text.splitlines()[1].startswith("Encore?,yes,1,")
        stranger = {"authorization": f"Bearer {show.token('mei')}"}
        assert (await house.http.get(f"{path}.csv", headers=stranger)).status_code == 403
        assert (await house.http.get("/api/v1/shows/none/polls.csv", headers=staff)).status_code == 404
