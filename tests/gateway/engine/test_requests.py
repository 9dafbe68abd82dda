"""What a request asks for, and why it is refused: tables."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.engine import requests
from gateway.engine.requests import Handshake, Refusal, read_query, refusal_of
from gateway.setup.origins import Origins

HOST = "live.example"
OWN = f"https://{HOST}"
OTHER = "https://evil.example"


@pytest.mark.parametrize(
    ("query", "fields"),
    [
        (b"", {}),
        (b"EIO=4&transport=websocket", {"EIO": "4", "transport": "websocket"}),
        (b"EIO=4&EIO=3", {"EIO": "4"}),
        (b"sid=", {"sid": ""}),
        (b"sid", {"sid": ""}),
        (b"a=%E5%BC%B9", {"a": "弹"}),
        (b"a=b=c&&=", {"a": "b=c", "": ""}),
        (b"t=1&" + b"&".join(b"f%d=1" % number for number in range(20)), {}),
        (b"sid=\xff", {}),
    ],
)
def test_a_query_is_its_fields_the_first_of_each_and_none_where_there_are_too_many(
    query: bytes, fields: dict[str, str]
) -> None:
    assert read_query(query) == fields


@given(st.binary(max_size=200))
def test_no_query_raises(query: bytes) -> None:
    assert len(read_query(query)) <= requests.MAX_QUERY_FIELDS


def handshake(query: str, origin: str | None = None) -> Handshake:
    headers = [(b"host", HOST.encode())] + ([(b"origin", origin.encode())] if origin is not None else [])
    return Handshake("127.0.0.1", "/socket.io/", read_query(query.encode()), headers)


@pytest.mark.parametrize(
    ("method", "query", "transport", "refusal"),
    [
        ("GET", "EIO=4&transport=polling", "polling", None),
        ("GET", "EIO=4&transport=websocket", "websocket", None),
        ("GET", "EIO=4&transport=polling&sid=x", "polling", None),
        ("POST", "EIO=4&transport=polling&sid=x", "polling", None),
        ("GET", "transport=polling&sid=x", "polling", None),
        ("POST", "EIO=4&transport=polling", "polling", requests.BAD_METHOD),
        ("PUT", "EIO=4&transport=polling&sid=x", "polling", requests.BAD_METHOD),
        ("DELETE", "EIO=4&transport=polling&sid=x", "polling", requests.BAD_METHOD),
        ("", "EIO=4&transport=polling", "polling", requests.BAD_METHOD),
        ("GET", "EIO=3&transport=polling", "polling", requests.BAD_VERSION),
        ("GET", "transport=polling", "polling", requests.BAD_VERSION),
        ("GET", "EIO=44&transport=polling", "polling", requests.BAD_VERSION),
        ("GET", "EIO=4", "polling", requests.UNKNOWN_TRANSPORT),
        ("GET", "EIO=4&transport=", "polling", requests.UNKNOWN_TRANSPORT),
        ("GET", "EIO=4&transport=carrier-pigeon", "polling", requests.UNKNOWN_TRANSPORT),
        ("GET", "", "websocket", requests.UNKNOWN_TRANSPORT),
        ("GET", "EIO=4&transport=websocket", "polling", requests.BAD_REQUEST),
        ("GET", "EIO=4&transport=polling", "websocket", requests.BAD_REQUEST),
    ],
)
def test_a_request_is_served_or_refused_for_its_first_fault(
    method: str, query: str, transport: str, refusal: Refusal | None
) -> None:
    assert refusal_of(handshake(query), transport, method, Origins()) == refusal
    assert refusal_of(handshake(query, OWN), transport, method, Origins()) == refusal


@pytest.mark.parametrize("query", ["EIO=4&transport=polling", "", "EIO=4&transport=polling&sid=x"])
@pytest.mark.parametrize("method", ["GET", "POST", "PUT"])
def test_a_foreign_page_learns_nothing_but_that(method: str, query: str) -> None:
    assert refusal_of(handshake(query, OTHER), "polling", method, Origins()) is requests.BAD_ORIGIN


def test_a_refusal_is_told_in_numbers_that_official_clients_know() -> None:
    assert json.loads(requests.UNKNOWN_SESSION.body()) == {"code": 1, "message": "Session ID unknown"}


def test_the_first_of_several_headers_counts() -> None:
    made = Handshake("", "", {}, [(b"origin", b"https://a"), (b"origin", b"https://b"), (b"x", b"\xff")])
    assert made.header(b"origin") == "https://a"
    assert made.header(b"x") == "\xff"
    assert made.header(b"none") is None
