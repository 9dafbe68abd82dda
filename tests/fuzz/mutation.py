"""Turns good samples into bad ones, the same ones for the same seed."""

import random
from collections.abc import Sequence

INTERESTING = [0, 1, 2, 9, 10, 13, 30, 34, 44, 47, 57, 58, 91, 92, 93, 98, 123, 125, 126, 127, 128, 129, 255]
TOKENS = [
    b"\x1e",
    b"NaN",
    b"-Infinity",
    b"1e999",
    b"18446744073709551617",
    b"-0",
    b'"\\ud800"',
    b'"a":1,"a":2',
    b"[" * 17,
    b"]" * 17,
    b'{"a":' * 17,
    b"51-",
    b"9999999999-",
    b"/live,",
    b"/console,",
    b"/,",
    b"?x=y",
    b"99999999999999999999",
    b"_placeholder",
    b"\xef\xbb\xbf",
    b"\xed\xa0\x80",
    b"\xf0\x9f\x91\xa9",
    b"\x00",
    b"\r\n",
    b"%",
    b"%ff",
    b"\xc7\x0c\xff" + bytes(12),
    b"\xcb\x7f\xf8" + bytes(6),
    b"\xdf\xff\xff\xff\xff",
    b"\xdd\xff\xff\xff\xff",
    b"\xc6\xff\xff\xff\xff",
    b"\x91" * 17,
]
"""What has broken parsers of this kind before."""
LARGEST = 4096


class Mutator:
    """Endless samples: a member of the corpus with one to four things done to it."""

    def __init__(self, corpus: Sequence[bytes], seed: int) -> None:
        self.random = random.Random(seed)  # noqa: S311 - it is to be repeatable
        self._corpus = corpus
        self._steps = [
            self._flip,
            self._replace,
            self._insert,
            self._insert_token,
            self._delete,
            self._repeat,
            self._splice,
            self._truncate,
            self._noise,
        ]

    def sample(self) -> bytes:
        """The next one."""
        data = bytearray(self.random.choice(self._corpus))
        for _ in range(self.random.choice((0, 1, 1, 1, 2, 2, 3, 4))):
            self.random.choice(self._steps)(data)
        return bytes(data[:LARGEST])

    def pieces(self, data: bytes) -> list[bytes]:
        """The same bytes as the network may deliver them."""
        if len(data) < 2 or self.random.random() < 0.7:
            return [data]
        cut = self.random.randrange(1, len(data))
        return [data[:cut], data[cut:]]

    def _at(self, data: bytearray) -> int:
        return self.random.randrange(len(data) + 1)

    def _span(self, data: bytearray) -> slice:
        start = self._at(data)
        return slice(start, start + self.random.choice((1, 1, 2, 4, 8, 16)))

    def _flip(self, data: bytearray) -> None:
        if data:
            data[self.random.randrange(len(data))] ^= 1 << self.random.randrange(8)

    def _replace(self, data: bytearray) -> None:
        if data:
            data[self.random.randrange(len(data))] = self.random.choice(INTERESTING)

    def _insert(self, data: bytearray) -> None:
        data.insert(self._at(data), self.random.choice(INTERESTING))

    def _insert_token(self, data: bytearray) -> None:
        at = self._at(data)
        data[at:at] = self.random.choice(TOKENS)

    def _delete(self, data: bytearray) -> None:
        del data[self._span(data)]

    def _repeat(self, data: bytearray) -> None:
        span = self._span(data)
        data[span.start : span.start] = data[span] * self.random.choice((1, 1, 2, 20))

    def _splice(self, data: bytearray) -> None:
        other = self.random.choice(self._corpus)
        at = self.random.randrange(len(other) + 1)
        data[self._at(data) :] = other[at:]

    def _truncate(self, data: bytearray) -> None:
        del data[self._at(data) :]

    def _noise(self, data: bytearray) -> None:
        at = self._at(data)
        data[at:at] = self.random.randbytes(self.random.choice((1, 2, 4, 16)))
