"""The file descriptors of this process: each connection takes one, and without any left nobody is let in."""

import os
import resource

RESERVED_PARTS = 4
"""Idle connections, and sockets that nobody knows, take at most one part of so many each."""


def raise_limit() -> int:
    """Allow this process as many as it may have; how many that is."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != hard:
        try:
            resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
        except (OSError, ValueError):  # some systems allow less than they say
            return soft
    return hard if hard != resource.RLIM_INFINITY else limit()


def limit() -> int:
    """How many this process may have now."""
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return soft if soft != resource.RLIM_INFINITY else 2**20


def used() -> int:
    """About how many are taken: the lowest that is free has all those below it taken."""
    try:
        lowest = os.open(os.devnull, os.O_RDONLY)
    except OSError:
        return limit()
    os.close(lowest)
    return lowest


def for_strangers() -> int:
    """How many sockets of one encoding there may be whose token was not seen yet, from however many addresses."""
    return max(1, limit() // RESERVED_PARTS)


def for_idle(wanted: int) -> int:
    """How many idle connections there may be, of those that somebody wants to allow."""
    return max(1, min(wanted, limit() // RESERVED_PARTS))
