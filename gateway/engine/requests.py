"""Parses an HTTP request to the engine and checks its origin. Pure."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Final
from urllib.parse import parse_qsl

from gateway.setup.origins import Origins

VERSION: Final = "4"
MAX_QUERY_FIELDS: Final = 16
USUAL_QUERY_BYTES: Final = 64


@dataclass(frozen=True, slots=True)
class Refusal:
    """An HTTP status for a request that cannot be served, with an error number that official clients know."""

    status: int
    code: int
    message: str

    def body(self) -> bytes:
        """The refusal as JSON."""
        return json.dumps({"code": self.code, "message": self.message}, separators=(",", ":")).encode()


UNKNOWN_TRANSPORT: Final = Refusal(400, 0, "Transport unknown")
GOING_AWAY: Final = Refusal(503, 3, "This gateway is about to end: try another")
UNKNOWN_SESSION: Final = Refusal(400, 1, "Session ID unknown")
BAD_METHOD: Final = Refusal(400, 2, "Bad handshake method")
BAD_REQUEST: Final = Refusal(400, 3, "Bad request")
BAD_ORIGIN: Final = Refusal(403, 4, "This is not an accepted origin")
BAD_VERSION: Final = Refusal(400, 5, "Unsupported protocol version")
TOO_LARGE: Final = Refusal(413, 3, "Payload too large")
TOO_MANY_REQUESTS: Final = Refusal(429, 3, "Too much was sent in too short a time")


@dataclass(frozen=True, slots=True)
class Handshake:
    """The HTTP request that opens a session. It is kept only until the application was told of the new socket."""

    address: str
    """The address of the peer, as trusted proxies forward it."""
    path: str
    query: Mapping[str, str]
    headers: Sequence[tuple[bytes, bytes]]
    """The header names are in lower case."""

    def header(self, name: bytes) -> str | None:
        """The first value of a header."""
        return next((value.decode("latin-1") for key, value in self.headers if key == name), None)


def read_query(query: bytes) -> Mapping[str, str]:
    """The first value of each field of a query string; empty for malformed or overlong ones."""
    return _read_known(query) if b"sid=" not in query and len(query) <= USUAL_QUERY_BYTES else _read(query)


def _read(query: bytes) -> Mapping[str, str]:
    try:
        fields = parse_qsl(query.decode("ascii"), keep_blank_values=True, max_num_fields=MAX_QUERY_FIELDS)
    except ValueError:
        return {}
    return dict(reversed(fields))


_read_known = lru_cache(maxsize=64)(_read)
"""A cached parser: all clients that open a session send the same query."""


def refusal_of(handshake: Handshake, transport: str, method: str, origins: Origins) -> Refusal | None:
    """The refusal that follows from the request alone, before any session is looked up; None when it is valid."""
    query = handshake.query
    if not origins.allow(handshake.header(b"origin"), handshake.header(b"host")):
        return BAD_ORIGIN
    if query.get("transport") != transport:
        return UNKNOWN_TRANSPORT if query.get("transport") not in ("polling", "websocket") else BAD_REQUEST
    if "sid" not in query and query.get("EIO") != VERSION:
        return BAD_VERSION
    if method not in ("GET", "POST") or ("sid" not in query and method != "GET"):
        return BAD_METHOD
    return None
