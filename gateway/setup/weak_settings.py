"""Values that a setting must not have in production, each told in a sentence that names the setting. Pure."""

import ipaddress
from collections.abc import Iterable, Mapping, Sequence
from typing import Final
from urllib.parse import urlsplit

from gateway.setup.origins import canonical

LEAST_SECRET_BYTES: Final = 32
LEAST_DISTINCT_CHARS: Final = 10
"""Of a secret: 32 random hexadecimal digits have 14 on average, and fewer than ten about once in a million."""
WIDEST_PROXIES: Final = {4: 8, 6: 16}
"""Shortest prefix of a network of proxies, by IP version: a wider one trusts strangers."""
LOOPBACK: Final = ("127.0.0.1", "::1", "localhost")


def secret_flaws(secrets: Mapping[str, Sequence[str]], of_the_demo: Iterable[str]) -> list[str]:
    """Secrets that everybody knows, that can be guessed, or that serve two purposes; by name of the setting."""
    known, flaws = frozenset(of_the_demo), []
    for name, values in secrets.items():
        if not known.isdisjoint(values):
            flaws.append(f"{name} has a secret of the demo: set your own, at least 32 random bytes")
        if any(_is_guessable(value) for value in values):
            flaws.append(f"{name} has a secret that can be guessed: set at least 32 random bytes")
    names = list(secrets)
    for number, name in enumerate(names):
        flaws += [
            f"{name} and {other} share a secret: whoever may know one could forge the other"
            for other in names[number + 1 :]
            if not set(secrets[name]).isdisjoint(secrets[other])
        ]
    return flaws


def _is_guessable(secret: str) -> bool:
    return len(set(secret)) < LEAST_DISTINCT_CHARS or any(
        secret == (secret[:period] * len(secret))[: len(secret)] for period in range(1, len(secret) // 2 + 1)
    )


def proxy_flaw(proxy: str) -> str | None:
    """Why an entry of LIVEROOM_TRUSTED_PROXIES cannot be meant; None for an address or a network of one house."""
    try:
        network = ipaddress.ip_network(proxy)
    except ValueError:
        if proxy == "*":
            return "LIVEROOM_TRUSTED_PROXIES=* believes everybody's X-Forwarded-For: name the addresses of your proxies"
        return f"LIVEROOM_TRUSTED_PROXIES: {proxy} is no address and no network, such as 10.0.0.7 or 10.0.0.0/24"
    if network.prefixlen < WIDEST_PROXIES[network.version]:
        return f"LIVEROOM_TRUSTED_PROXIES: {proxy} trusts strangers: name the addresses of your proxies"
    return None


def keys_url_flaw(url: str) -> str | None:
    """Why keys must not be fetched from there: whoever can change them on the way mints tokens."""
    parsed = urlsplit(url)
    if parsed.scheme == "https" or (parsed.scheme == "http" and parsed.hostname in LOOPBACK):
        return None
    return "LIVEROOM_JWT_JWKS_URL has to be https: whoever changes the keys on their way can mint tokens"


def public_url_flaw(url: str) -> str | None:
    """Why browsers cannot reach us there: it has to be http(s), host and port, and nothing behind."""
    if not url.lower().startswith(("https://", "http://")):
        return f"LIVEROOM_PUBLIC_URL: {url} does not begin with https:// (or http://)"
    try:
        canonical(url)
    except ValueError as error:
        return (
            f"LIVEROOM_PUBLIC_URL: {url} {error}. Pages, sockets and stream grants stand at the root of a host: give "
            "the gateway a host name of its own"
        )
    return None


def origin_flaw(origin: str) -> str | None:
    """Why an entry of LIVEROOM_ALLOWED_ORIGINS can never match what a browser sends."""
    try:
        canonical(origin)
    except ValueError as error:
        return f"LIVEROOM_ALLOWED_ORIGINS: {origin} {error}"
    return None
