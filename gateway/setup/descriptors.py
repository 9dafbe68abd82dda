"""The file descriptors of this process: each connection needs one, and without a free one nobody can connect."""

import os
import resource

RESERVED_PARTS = 4
"""Idle connections, and sockets without a verified token, each take at most one in this many descriptors."""


def raise_limit() -> int:
    """Raise the soft limit to the hard limit; answers the new limit."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != hard:
        try:
            resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
        except (OSError, ValueError):  # some systems allow less than they say
            return soft
    return hard if hard != resource.RLIM_INFINITY else limit()


def limit() -> int:
    """The current limit."""
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return soft if soft != resource.RLIM_INFINITY else 2**20


def used() -> int:
    """An estimate of the descriptors in use: all below the lowest free one are taken."""
    try:
        lowest = os.open(os.devnull, os.O_RDONLY)
    except OSError:
        return limit()
    os.close(lowest)
    return lowest


def for_strangers() -> int:
    """How many sockets of one encoding may lack a verified token, over all addresses."""
    return max(1, limit() // RESERVED_PARTS)


def for_idle(wanted: int) -> int:
    """How many idle connections there may be: the configured number, within the limit."""
    return max(1, min(wanted, limit() // RESERVED_PARTS))
