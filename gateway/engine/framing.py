"""Where a request ends, by its head: what else is on the same connection must never be taken for a part of it."""

from collections.abc import Sequence
from typing import Any, Final

Headers = Sequence[tuple[bytes, bytes]]
"""Names in lower case."""

LENGTH: Final = b"content-length"
CODING: Final = b"transfer-encoding"
CHUNKED: Final = b"chunked"
HTTP_1_1: Final = "1.1"


def is_ambiguous(headers: Headers, version: str) -> bool:
    """Whether another reader may see the end of the body elsewhere, or none at all (RFC 9112, 6.1).

    What the parser refuses by itself (lengths that differ or are none, folded lines) is not looked at again.
    """
    codings = [value.strip().lower() for name, value in headers if name == CODING]
    if not codings:
        return False
    return codings != [CHUNKED] or version != HTTP_1_1 or any(name == LENGTH for name, _ in headers)


def announces_body(headers: Headers) -> bool:
    """Whether a body follows the head."""
    return any(name == CODING or (name == LENGTH and value.strip(b"0 \t")) for name, value in headers)


def asks_for_websocket(headers: Headers, version: str) -> bool:
    """Whether an upgrade is one that can be taken; any other is to be ignored, as if it had not been asked for."""
    protocols = [value.strip().lower() for name, value in headers if name == b"upgrade"]
    return protocols == [b"websocket"] and version == HTTP_1_1


def head_of_the_rest(method: bytes, headers: Headers, version: str) -> bytes:
    """A head behind which a parser reads the same body as behind the whole one, and asks for no upgrade."""
    lines = [name + b": " + value for name, value in headers if name in (LENGTH, CODING)]
    return b"\r\n".join([method + b" / HTTP/" + version.encode(), *lines, b"", b""])


class Onward:
    """The callbacks of a parser that begins with `head_of_the_rest`: everything behind it goes to a protocol."""

    def __init__(self, protocol: Any) -> None:
        self._protocol = protocol
        self._is_behind = False
        self.on_body = protocol.on_body
        self.on_message_complete = protocol.on_message_complete

    def on_message_begin(self) -> None:
        """The next request begins."""
        if self._is_behind:
            self._protocol.on_message_begin()

    def on_url(self, url: bytes) -> None:
        """Part of its target."""
        if self._is_behind:
            self._protocol.on_url(url)

    def on_header(self, name: bytes, value: bytes) -> None:
        """A header of it."""
        if self._is_behind:
            self._protocol.on_header(name, value)

    def on_headers_complete(self) -> None:
        """The head is read: the one that was known, or one that follows."""
        if self._is_behind:
            self._protocol.on_headers_complete()
        self._is_behind = True
