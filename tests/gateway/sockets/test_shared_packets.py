import msgspec
import pytest
from socketio import packet as sio

from gateway.contract.shapes import Presence
from gateway.sockets.codec import Codec, Prepared, encode


@pytest.mark.parametrize("poll_first", [True, False])
def test_one_msgpack_frame_serves_polls_and_web_sockets_in_either_order(poll_first: bool) -> None:
    # python-engineio caches the first form it encodes: a room with one polling msgpack fan sent base64 text to
    # the WebSockets beside it, or broke the poll with a TypeError; `liveroom rehearse` met both
    frame = Prepared("presence", Presence(7)).frame(Codec.MSGPACK, "/live")
    forms = {b64: frame.encode(b64) for b64 in (poll_first, not poll_first)}
    assert isinstance(forms[False], bytes)
    assert forms[True].startswith("b")
    assert msgspec.msgpack.decode(forms[False])["data"] == ["presence", {"online": 7}]
    assert frame.encode(b64=False) is forms[False], "encoded once, however many sockets there are"


def test_a_json_frame_is_the_same_for_polls_and_web_sockets() -> None:
    frame = encode(Codec.JSON, sio.EVENT, "/live", ["presence", Presence(7)])
    assert frame.encode(b64=True) == frame.encode(b64=False) == '42/live,["presence",{"online":7}]'
