import base64

import msgspec
import pytest
from socketio import packet as sio

from gateway.contract.codec import Codec
from gateway.contract.link import PRESENCE, Presence
from gateway.engine.frames import websocket_frame
from gateway.sockets.codec import Prepared, encode


@pytest.mark.parametrize("poll_first", [True, False])
def test_one_msgpack_frame_serves_polls_and_web_sockets_in_either_order(poll_first: bool) -> None:
    # python-engineio caches the first form it encodes: a room with one polling msgpack fan sent base64 text to
    # the WebSockets beside it, or broke the poll with a TypeError; `liveroom rehearse` met both
    frame = Prepared(PRESENCE, Presence(7)).frame(Codec.MSGPACK, "/live")
    polled, wire = (frame.polled, frame.wire) if poll_first else tuple(reversed((frame.wire, frame.polled)))
    assert isinstance(frame.payload, bytes)
    assert polled == "b" + base64.b64encode(frame.payload).decode()
    assert wire == websocket_frame(0x82, frame.payload)
    assert msgspec.msgpack.decode(frame.payload)["data"] == ["presence", {"online": 7}]
    assert frame.wire is wire, "encoded once, however many sockets there are"


def test_a_json_frame_is_the_same_for_polls_and_web_sockets() -> None:
    frame = encode(Codec.JSON, sio.EVENT, "/live", ["presence", Presence(7)])
    assert frame.polled == '42/live,["presence",{"online":7}]'
    assert frame.wire == b"\x81\x21" + frame.polled.encode()
