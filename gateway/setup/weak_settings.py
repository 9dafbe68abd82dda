"""Values that a setting must not have in production; one sentence each, which names the setting. Pure."""

import ipaddress
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Final
from urllib.parse import urlsplit

from gateway.setup.origins import canonical
from gateway.setup.secret_strength import is_guessable, plain

LEAST_SECRET_BYTES: Final = 32
MOST_PROXIES: Final = {4: 2**24, 6: 2**112}
"""How many public addresses the trusted networks may hold in all, by IP version; larger networks hold strangers."""
OF_ONE_HOUSE: Final = (
    *map(ipaddress.ip_network, ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "127.0.0.0/8", "169.254.0.0/16")),
    *map(ipaddress.ip_network, ("fc00::/7", "fe80::/10", "::1/128")),
)
"""Private, loopback and link-local networks: no request from the internet comes from them."""
MAPPED: Final = ipaddress.IPv6Network("::ffff:0:0/96")
"""The IPv6 network of IPv4-mapped addresses."""
MOST_NAMED: Final = 4
"""How many networks one sentence names."""
LOOPBACK: Final = ("127.0.0.1", "::1", "localhost")


def secret_flaws(secrets: Mapping[str, Sequence[str]], of_the_demo: Iterable[str]) -> list[str]:
    """Secrets that are published, guessable or used for two purposes; by name of the setting."""
    known, flaws = list(of_the_demo), []
    for name, values in secrets.items():
        if _share(known, values):
            flaws.append(f"{name} has a secret of the demo: set your own, at least 32 random bytes")
        if any(is_guessable(value) for value in values):
            flaws.append(f"{name} has a secret that can be guessed: set at least 32 random bytes")
    names = list(secrets)
    for number, name in enumerate(names):
        flaws += [
            f"{name} and {other} share a secret: whoever may know one could forge the other"
            for other in names[number + 1 :]
            if _share(secrets[name], secrets[other])
        ]
    return flaws


def _share(some: Iterable[str], others: Iterable[str]) -> bool:
    """Whether a secret of one list equals or contains one of the other, whatever its spelling."""
    pairs = [(plain(one), plain(other)) for one in some for other in others]
    return any(one in other or other in one for one, other in pairs if one and other)


Network = ipaddress.IPv4Network | ipaddress.IPv6Network


def proxy_flaws(proxies: Iterable[str]) -> Iterator[str]:
    """Why LIVEROOM_TRUSTED_PROXIES cannot be meant; empty for addresses and private networks."""
    public: dict[Network, str] = {}
    for proxy in proxies:
        try:
            network = _unmapped(ipaddress.ip_network(proxy))
        except ValueError:
            if proxy == "*":
                yield "LIVEROOM_TRUSTED_PROXIES=* believes everybody: name the addresses of your proxies"
            else:
                yield f"LIVEROOM_TRUSTED_PROXIES: {proxy} is no address and no network, such as 10.0.0.7 or 10.0.0.0/24"
        else:
            if _strangers_in(network):
                public[network] = proxy
    for version, most in MOST_PROXIES.items():
        of_version = [network for network in public if network.version == version]
        apart: Iterable[Network] = ipaddress.collapse_addresses(of_version)  # type: ignore[type-var]  # one version
        if sum(map(_strangers_in, apart)) > most:
            widest = sorted(of_version, key=lambda network: network.prefixlen)
            named = ", ".join(public[network] for network in widest[:MOST_NAMED])
            yield f"LIVEROOM_TRUSTED_PROXIES: {named} trusts strangers: name the addresses of your proxies"


def _unmapped(network: Network) -> Network:
    """The IPv4 network of an IPv4-mapped one; any other unchanged."""
    if not isinstance(network, ipaddress.IPv6Network) or not network.subnet_of(MAPPED):
        return network
    first = int(network.network_address) - int(MAPPED.network_address)
    return ipaddress.IPv4Network((first, network.prefixlen - MAPPED.prefixlen))


def _strangers_in(network: Network) -> int:
    """How many addresses of a network are public."""
    inside = [house for house in OF_ONE_HOUSE if house.version == network.version and house.overlaps(network)]
    return network.num_addresses - sum(min(house.num_addresses, network.num_addresses) for house in inside)


def keys_url_flaw(url: str) -> str | None:
    """Why keys must not be fetched from this URL: whoever can change them on the way can mint tokens."""
    try:
        parsed = urlsplit(url)
        scheme, host, _ = parsed.scheme, parsed.hostname, parsed.port
    except ValueError:
        scheme, host = "", None
    if not host or any(one.isspace() for one in url):
        return f"LIVEROOM_JWT_JWKS_URL: {url} names no host"
    if scheme == "https" or (scheme == "http" and host in LOOPBACK):
        return None
    return "LIVEROOM_JWT_JWKS_URL has to be https: whoever changes the keys on their way can mint tokens"


def public_url_flaw(url: str) -> str | None:
    """Why browsers cannot use this URL: it must be http(s), host and port, and nothing more."""
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
