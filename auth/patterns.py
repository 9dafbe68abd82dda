"""The only importer of the `regex` library: Unicode properties and graphemes, which `re` lacks; it ships no types."""

from collections.abc import Callable, Iterator
from typing import Any, Protocol, cast

import regex

_library: Any = regex


class Match(Protocol):
    """One match."""

    def group(self, name: int | str = 0) -> str: ...
    def start(self, name: int | str = 0) -> int: ...
    def end(self) -> int: ...


class Pattern(Protocol):
    """A compiled pattern; methods as in `re`."""

    def match(self, string: str) -> Match | None: ...
    def search(self, string: str, pos: int = 0) -> Match | None: ...
    def sub(self, repl: str | Callable[[Match], str], string: str) -> str: ...
    def findall(self, string: str) -> list[str]: ...
    def finditer(self, string: str) -> Iterator[Match]: ...


def pattern(text: str, *, ignore_case: bool = False) -> Pattern:
    """Compile once, at import. Patterns must not backtrack without bound: their input is hostile."""
    return cast("Pattern", _library.compile(text, _library.IGNORECASE if ignore_case else 0))
