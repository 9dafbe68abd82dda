"""Checks which pages may connect: origins in one canonical form, compared with what a client sends. Pure."""

import ipaddress
import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from typing import Final, Self
from urllib.parse import urlsplit

import idna

Headers = list[tuple[bytes, bytes]]
"""The headers of an HTTP answer: names in lower case, and values."""

ANY: Final = "*"
FILES: Final = "file://"
"""The origin that web views of apps send for pages loaded from files: the only one without a host."""
MAX_ORIGIN_CHARS: Final = 512
"""A bound longer than any host name with its scheme and port."""

_WEB_SCHEMES: Final = {"ws": "http", "wss": "https"}
"""Native WebSocket libraries send the URL that they connect to as their origin."""
_DEFAULT_PORTS: Final = {"http": 80, "https": 443}
_HOST: Final = re.compile(r"[a-z0-9_]([a-z0-9_.-]*[a-z0-9_])?\.?")
_LOCAL: Final = ("localhost", "127.0.0.1", "[::1]")


def canonical(text: str) -> str:
    """An origin as browsers send it: lower case, without the scheme's own port, without a slash at the end.

    A host without a scheme stands for https, one of this machine for http. `ws` and `wss` are `http` and `https`. Other
    schemes are kept: pages inside an app come from places like `capacitor://localhost`. ValueError says in half a
    sentence why no browser can ever send such an origin.
    """
    if len(text) > MAX_ORIGIN_CHARS:
        raise ValueError("is longer than an address")
    if text == "null":
        raise ValueError("is what every page without an address sends (files, sandboxed frames), and names none")
    if text.lower() in (FILES, FILES + "/"):
        return FILES
    if "*" in text:
        raise ValueError("has a wildcard: name each site")
    scheme, host, port = _parts(text)
    if port is not None and port != _DEFAULT_PORTS.get(scheme):
        return f"{scheme}://{host}:{port}"
    return f"{scheme}://{host}"


def listening_host(text: str) -> str:
    """An address or a name to listen on; of IPv6 without brackets. ValueError says why it can be none."""
    host = text.strip("[]")
    try:
        if ":" in host:
            ipaddress.IPv6Address(host)
        elif host.rpartition(".")[2].isdigit():
            ipaddress.IPv4Address(host)
        elif host:
            _host(host.lower())
    except ValueError:
        hint = "name one as 127.0.0.1, 0.0.0.0 (all), ::1 or localhost, without scheme and port"
        raise ValueError(f"{text} is no address to listen on: {hint}") from None
    return host


def _parts(text: str) -> tuple[str, str, int | None]:
    has_scheme = "://" in text
    try:
        parsed = urlsplit(text if has_scheme else f"//{text}")
        port = parsed.port
    except ValueError:
        raise ValueError("has an address or a port that is none") from None
    if parsed.username is not None or parsed.password is not None:
        raise ValueError("holds a user name")
    if parsed.path not in ("", "/") or parsed.query or parsed.fragment:
        raise ValueError("has a path: an origin is scheme, host and port alone")
    host = _host(parsed.hostname or "")
    scheme = parsed.scheme if has_scheme else "http" if host in _LOCAL else "https"
    return _WEB_SCHEMES.get(scheme, scheme), host, port


def _host(name: str) -> str:
    if ":" in name:
        try:
            return f"[{ipaddress.IPv6Address(name)}]"
        except ValueError:
            raise ValueError("has an IPv6 address that is none") from None
    if not name.isascii():
        try:
            name = idna.encode(name, uts46=True).decode()
        except idna.IDNAError:
            raise ValueError("has a host that is none") from None
    if _HOST.fullmatch(name) is None:
        raise ValueError("has no host" if not name else "has a host that is none")
    return name


@dataclass(frozen=True, slots=True)
class Origins:
    """The origins that may connect: always that of the requested host, and the named ones."""

    named: frozenset[str] = frozenset()
    """The named origins, in canonical form."""
    is_open: bool = False
    """Whether pages of any origin may connect: for demo mode."""

    @classmethod
    def of(cls, allowed: Iterable[str], *own: str) -> Self:
        """From the settings: the allowed origins, perhaps `*`, and our own URLs. ValueError as `canonical`."""
        listed = set(allowed)
        return cls(frozenset(map(canonical, (listed - {ANY}) | set(own))), is_open=ANY in listed)

    def allow(self, origin: str | None, host: str | None) -> bool:
        """Whether a page of this origin may connect; `host` is the Host header of its request.

        A request without an Origin header comes from no browser, and carries no cookie either.
        """
        return origin is None or self.is_open or self.trust(origin, host)

    def readable_by(self, origin: str | None, host: str | None) -> Headers:
        """The CORS headers that let the requesting page read the answer; none where it may not.

        Only pages of trusted origins may send credentials. We read no cookie, but a load balancer before us may.
        """
        if origin is None or not self.allow(origin, host):
            return []
        headers = [(b"access-control-allow-origin", origin.encode("latin-1")), (b"vary", b"origin")]
        if self.trust(origin, host):
            headers.append((b"access-control-allow-credentials", b"true"))
        return headers

    def trust(self, origin: str, host: str | None) -> bool:
        """Whether the origin is our own or named: its pages may send credentials too."""
        return origin in self.named or _is_trusted(origin, host, self.named)


@lru_cache(maxsize=256)
def _is_trusted(origin: str, host: str | None, named: frozenset[str]) -> bool:
    try:
        told = canonical(origin)
        if told in named:
            return True
        # the scheme is the origin's: a proxy before us may have ended TLS
        return bool(host) and told == canonical(f"{told.partition('://')[0]}://{host}")
    except ValueError:
        return False
