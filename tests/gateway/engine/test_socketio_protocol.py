"""Socket.IO v5, rule by rule: https://github.com/socketio/socket.io/blob/main/docs/socket.io-protocol/v5-current.md

python-socketio speaks it; here it is held to the text on our engine, where both have to agree on bad packets,
deadlines, attachments and order.
"""

import asyncio
import json
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
import pytest_asyncio

from tests import protocol_app
from tests.gateway.engine.peers import DEADLINE_SECONDS, Line, Poller, line, poller, probed

pytestmark = pytest.mark.asyncio(loop_scope="module")

PATH = "/socket.io/"
LATE_SECONDS = 2.0
"""How much later than promised a deadline may be noticed on a busy machine."""
ONE = '{"_placeholder":true,"num":0}'
TWO = f'{ONE},{{"_placeholder":true,"num":1}}'

NO_PACKETS: dict[str, list[str | bytes]] = {
    "an unknown type": ["4abc"],
    "a type beyond the last": ["47"],
    "no type at all": ["4"],
    "no payload": ["42"],
    "an empty payload": ["42[]"],
    "a payload that is no list": ["42{}"],
    "half a payload": ['42["message"'],
    "an ack number that is none": ['42abc["message-with-ack",1]'],
    "an error that only servers say": ['44{"message":"no"}'],
    "an attachment that nothing announced": [b"\x01\x02"],
    "a placeholder without its attachment": ['451-["message",{"_placeholder":true,"num":5}]', b"\x01"],
    "a placeholder with a number that is none": ['451-["message",{"_placeholder":true,"num":"0"}]', b"\x01"],
    "more attachments than anybody sends": [f'499999999999-["message",{ONE}]'],
}
LET_PASS: dict[str, list[str | bytes]] = {
    "a payload that is text": ['42"message"'],
    "an ack without a payload": ["431"],
    "an ack whose payload is no list": ["431{}"],
    "a second CONNECT": ["40"],
    "text where an attachment belongs": [f'451-["unheard-of",{ONE}]', '42["message"]'],
    "a placeholder below the first": ['451-["unheard-of",{"_placeholder":true,"num":-1}]', b"\x01"],
}
"""What python-socketio is less strict about than the text."""


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def url() -> AsyncIterator[str]:
    async with protocol_app.running("socketio") as where:
        yield where


async def connect(opened: Line, namespace: str = "", auth: str = "") -> str:
    """CONNECT, be let in, hear `auth`; the sid."""
    await opened.say(f"40{namespace}{auth}")
    first, second = await opened.hear_all(2)
    assert isinstance(first, str)
    assert first.startswith(f"40{namespace}{{"), first
    fields = json.loads(first.removeprefix(f"40{namespace}"))
    assert list(fields) == ["sid"]
    assert second == f'42{namespace}["auth",{auth or "{}"}]'
    sid: str = fields["sid"]
    return sid


@asynccontextmanager
async def guest(url: str) -> AsyncIterator[Line]:
    """A WebSocket that is let into the main namespace."""
    async with line(url, PATH) as opened:
        await connect(opened)
        yield opened


async def polled(session: Poller, *packets: str) -> str:
    """CONNECT by polling; the sid."""
    await session.say("40", *packets)
    first, second = await session.hear_all(2)
    assert second == '42["auth",{}]'
    sid: str = json.loads(first[2:])["sid"]
    return sid


async def says_and_hears(opened: Line, said: list[Any], expected: list[Any]) -> None:
    await opened.say(*said)
    assert await opened.hear_all(len(expected)) == expected


# ---- CONNECT ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("namespace", ["", "/custom,"])
@pytest.mark.parametrize("auth", ["", '{"token":"123"}'])
async def test_connect_is_answered_with_a_sid_and_the_payload_reaches_the_application(
    url: str, namespace: str, auth: str
) -> None:
    async with line(url, PATH) as opened:
        assert await connect(opened, namespace, auth)


async def test_the_comma_behind_a_namespace_may_be_missing_where_nothing_follows(url: str) -> None:
    async with line(url, PATH) as opened:
        await opened.say("40/custom")
        answer = await opened.hear()
        assert isinstance(answer, str)
        assert answer.startswith('40/custom,{"sid":')


async def test_connect_works_over_polling(url: str) -> None:
    async with poller(url, PATH) as session:
        assert await polled(session) != session.sid


async def test_every_namespace_of_a_socket_has_a_sid_of_its_own(url: str) -> None:
    async with line(url, PATH) as opened:
        sids = {await connect(opened), await connect(opened, "/custom,")}
        await says_and_hears(opened, ['42["message",1]'], ['42["message-back",1]'])
        await says_and_hears(opened, ['42/custom,["message",2]'], ['42/custom,["message-back",2]'])
    assert len(sids) == 2


async def test_nothing_of_engineio_is_told_by_a_sid_of_socketio(url: str) -> None:
    async with poller(url, PATH) as session:
        sid = await polled(session)
        answer = await session.http.get(PATH, params={"EIO": "4", "transport": "polling", "sid": sid})
        assert answer.status_code == 400


async def test_an_unknown_namespace_is_refused_and_another_may_be_tried(url: str) -> None:
    async with line(url, PATH) as opened:
        await says_and_hears(opened, ["40/random"], ['44/random,{"message":"Invalid namespace"}'])
        await says_and_hears(opened, ['40/random,{"token":"123"}'], ['44/random,{"message":"Invalid namespace"}'])
        await connect(opened)


@pytest.mark.parametrize("first", ["41", '42["message"]', '42/custom,["message"]', "430[]", "4abc", b"\x01"])
async def test_a_socket_whose_first_packet_is_no_connect_is_closed(url: str, first: str | bytes) -> None:
    async with line(url, PATH) as opened:
        await opened.say(first)
        assert await opened.until_closed() == []


async def test_a_socket_that_never_connects_is_closed_in_time(url: str) -> None:
    began = time.monotonic()
    async with line(url, PATH) as opened:
        assert await opened.until_closed() == []
        assert time.monotonic() - began > protocol_app.CONNECT_SECONDS - 0.05
        assert time.monotonic() - began < protocol_app.CONNECT_SECONDS + LATE_SECONDS


async def test_a_polling_session_that_never_connects_is_closed_in_time(url: str) -> None:
    began = time.monotonic()
    async with poller(url, PATH) as session:
        while (answer := await session.poll()).text == "2":
            pong = await session.post("3")
            has_ended = time.monotonic() - began > protocol_app.CONNECT_SECONDS - 0.05
            assert (pong.status_code, pong.text) == (200, "ok") or (pong.status_code == 400 and has_ended)
        assert time.monotonic() - began < protocol_app.CONNECT_SECONDS + LATE_SECONDS
        assert answer.status_code == 400 or answer.text in {"1", "6"}
        assert (await session.poll()).status_code == 400


async def test_a_socket_that_has_connected_may_be_silent_for_longer(url: str) -> None:
    async with guest(url) as opened:
        until = time.monotonic() + protocol_app.CONNECT_SECONDS + 0.3
        while time.monotonic() < until:
            assert await opened.next() == "2"
            await opened.say("3")
        await says_and_hears(opened, ['42["message"]'], ['42["message-back"]'])


# ---- events and acks -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "arguments",
    ["", ',1,"2",{"3":[true]}', ",null,[],{},-1.5", ',"安可 🎤"', ',"a,b/[c]\\u001e\\""', "," + "[" * 9 + "]" * 9],
)
async def test_an_event_is_said_back(url: str, arguments: str) -> None:
    async with guest(url) as opened:
        await opened.say(f'42["message"{arguments}]')
        answer = await opened.hear()
        assert isinstance(answer, str)
        assert answer.startswith('42["message-back"')
        assert json.loads(answer[2:])[1:] == json.loads(f'["message"{arguments}]')[1:]


async def test_events_keep_their_order(url: str) -> None:
    async with guest(url) as opened:
        said = [f'42["message",{number}]' for number in range(200)]
        await says_and_hears(opened, said, [f'42["message-back",{number}]' for number in range(200)])


@pytest.mark.parametrize("transport", ["websocket", "polling"])
async def test_events_that_come_at_once_are_all_answered_in_order(transport: str) -> None:
    said = [f'42["message",{number}]' for number in range(1000)]
    expected = [f'42["message-back",{number}]' for number in range(1000)]
    # a server of its own: whoever polls only after the POST would hear a ping too late to answer it in 0.2 s
    async with protocol_app.running("socketio", pong_seconds=DEADLINE_SECONDS) as url:
        if transport == "websocket":
            async with guest(url) as opened:
                await says_and_hears(opened, said, expected)
        else:
            async with poller(url, PATH) as session:
                await polled(session)
                await session.say(*said)
                assert await session.hear_all(1000) == expected


async def test_events_and_acks_keep_their_order_among_each_other(url: str) -> None:
    async with guest(url) as opened:
        said, expected = [], []
        for number in range(50):
            said += [f'42["message",{number}]', f'42{number}["message-with-ack",{number}]']
            expected += [f'42["message-back",{number}]', f"43{number}[{number}]"]
        await says_and_hears(opened, said, expected)


async def test_an_event_that_nobody_handles_is_no_fault(url: str) -> None:
    async with guest(url) as opened:
        await says_and_hears(opened, ['42["unheard-of",1]', '42["message"]'], ['42["message-back"]'])


@pytest.mark.parametrize("number", [0, 1, 456, 2**53 - 1])
@pytest.mark.parametrize("namespace", ["", "/custom,"])
async def test_an_event_with_a_number_is_acknowledged_under_it(url: str, namespace: str, number: int) -> None:
    async with line(url, PATH) as opened:
        await connect(opened, namespace)
        said = f'42{namespace}{number}["message-with-ack",1,"2",{{"3":[false]}}]'
        await says_and_hears(opened, [said], [f'43{namespace}{number}[1,"2",{{"3":[false]}}]'])


async def test_an_ack_may_be_empty(url: str) -> None:
    async with guest(url) as opened:
        await says_and_hears(opened, ['427["message-with-ack"]'], ["437[]"])


@pytest.mark.parametrize("namespace", ["", "/custom,"])
async def test_the_server_hears_the_ack_it_asked_for(url: str, namespace: str) -> None:
    async with line(url, PATH) as opened:
        await connect(opened, namespace)
        await opened.say(f'42{namespace}["ask","why"]')
        question = await opened.hear()
        assert isinstance(question, str)
        head, _, asked = question.partition("[")
        assert asked == '"question","why"]'
        number = int(head.removeprefix(f"42{namespace}"))
        await says_and_hears(
            opened,
            [f'43{namespace}{number}["because",{{"of":[1]}}]'],
            [f'42{namespace}["answered","because",{{"of":[1]}}]'],
        )
        # the same ack once more, and one that nobody asked for, are nobody's
        await says_and_hears(
            opened,
            [f"43{namespace}{number}[]", f"43{namespace}999[]", f'42{namespace}["message"]'],
            [f'42{namespace}["message-back"]'],
        )


async def test_events_and_acks_travel_by_polling_too(url: str) -> None:
    async with poller(url, PATH) as session:
        await polled(session)
        await session.say('42["message",1]', '420["message-with-ack",2]', f'451-["message",{ONE}]', "bAwQ=")
        expected = ['42["message-back",1]', "430[2]", f'451-["message-back",{ONE}]', "bAwQ="]
        assert await session.hear_all(4) == expected


async def test_an_upgrade_between_events_loses_none(url: str) -> None:
    async with poller(url, PATH) as session:
        await polled(session)
        await session.say(*[f'42["message",{number}]' for number in range(20)])
        async with probed(url, session) as opened:
            await opened.say("5", *[f'42["message",{number}]' for number in range(20, 40)])
            assert await opened.hear_all(40) == [f'42["message-back",{number}]' for number in range(40)]


# ---- attachments -----------------------------------------------------------------------------------


async def test_a_binary_event_is_put_together_and_said_back(url: str) -> None:
    async with guest(url) as opened:
        said = [f'452-["message",{TWO}]', b"\x01\x02\x03", b"\x04\x05\x06"]
        await says_and_hears(opened, said, [f'452-["message-back",{TWO}]', b"\x01\x02\x03", b"\x04\x05\x06"])


async def test_attachments_may_stand_anywhere_and_be_empty(url: str) -> None:
    async with line(url, PATH) as opened:
        await connect(opened, "/custom,")
        nested = f'{{"a":[1,{{"b":{ONE}}}]}},"text",{{"_placeholder":true,"num":1}}'
        said = [f'452-/custom,["message",{nested}]', b"", b"\xff\x00"]
        await says_and_hears(opened, said, [f'452-/custom,["message-back",{nested}]', b"", b"\xff\x00"])


async def test_a_binary_event_with_a_number_is_acknowledged_in_binary(url: str) -> None:
    async with guest(url) as opened:
        said = [f'452-789["message-with-ack",{TWO}]', b"\x01", b"\x02"]
        await says_and_hears(opened, said, [f"462-789[{TWO}]", b"\x01", b"\x02"])


async def test_the_server_hears_a_binary_ack(url: str) -> None:
    async with guest(url) as opened:
        await opened.say('42["ask"]')
        question = await opened.hear()
        assert isinstance(question, str)
        number = question.removeprefix("42").partition("[")[0]
        said = [f'461-{number}["bar",{ONE}]', b"\x01\x02\x03\x04"]
        await says_and_hears(opened, said, [f'451-["answered","bar",{ONE}]', b"\x01\x02\x03\x04"])


async def test_a_heartbeat_may_come_between_an_event_and_its_attachment(url: str) -> None:
    async with guest(url) as opened:
        await opened.say(f'451-["message",{ONE}]')
        assert await opened.next() == "2"
        await opened.say("3", b"\x07")
        assert await opened.hear_all(2) == [f'451-["message-back",{ONE}]', b"\x07"]


# ---- DISCONNECT ------------------------------------------------------------------------------------


async def test_a_namespace_can_be_left_and_the_other_stays(url: str) -> None:
    async with line(url, PATH) as opened:
        await connect(opened)
        await connect(opened, "/custom,")
        await opened.say("41/custom,", '42/custom,["message",1]')
        await says_and_hears(opened, ['42["message",2]'], ['42["message-back",2]'])


async def test_a_socket_that_left_its_last_namespace_lives_on_and_may_return(url: str) -> None:
    async with line(url, PATH) as opened:
        before = await connect(opened)
        await opened.say("41")
        assert await opened.next() == "2"
        await opened.say("3")
        assert await connect(opened) != before


async def test_the_server_can_end_one_namespace(url: str) -> None:
    async with line(url, PATH) as opened:
        await connect(opened)
        await connect(opened, "/custom,")
        await says_and_hears(opened, ['42/custom,["leave"]'], ["41/custom,"])
        await says_and_hears(opened, ['42["message",2]'], ['42["message-back",2]'])


async def test_a_closed_socket_has_left_its_namespaces(url: str) -> None:
    async with guest(url) as stays:
        async with guest(url) as leaves:
            await leaves.say("1")
            assert await leaves.until_closed() == []
        await says_and_hears(stays, ['42["message"]'], ['42["message-back"]'])


# ---- what is no packet -----------------------------------------------------------------------------


@pytest.mark.parametrize("said", NO_PACKETS.values(), ids=NO_PACKETS.keys())
async def test_what_is_no_packet_closes_the_socket(url: str, said: list[str | bytes]) -> None:
    async with guest(url) as opened:
        await opened.say(*said)
        assert [heard for heard in await opened.until_closed() if not str(heard).startswith("41")] == []


@pytest.mark.parametrize("said", LET_PASS.values(), ids=LET_PASS.keys())
async def test_what_is_let_pass_does_no_harm(url: str, said: list[str | bytes]) -> None:
    async with guest(url) as opened:
        await opened.say(*said, '42["message"]')
        heard = await opened.hear()
        assert heard in {'42["message-back"]', '44"Unable to connect"'}
        if heard != '42["message-back"]':
            assert await opened.hear() == '42["message-back"]'


async def test_what_is_no_packet_closes_a_polling_session(url: str) -> None:
    async with poller(url, PATH) as session:
        await polled(session)
        await session.post("4abc")
        async with asyncio.timeout(DEADLINE_SECONDS):
            while (await session.poll()).status_code == 200:
                pass


async def test_a_bad_socket_leaves_the_others_alone(url: str) -> None:
    async with guest(url) as stays:
        for said in NO_PACKETS.values():
            async with guest(url) as errs:
                await errs.say(*said)
                await errs.until_closed()
            await says_and_hears(stays, ['42["message"]'], ['42["message-back"]'])
