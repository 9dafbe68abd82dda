"""Redis for the tests of this folder: the one that is named, or else every one that the machine has."""

import os
from collections.abc import Iterator
from contextlib import closing

import pytest

from tests.redis_server import URL, RedisServer, programs

PLACES = ["url"] if URL in os.environ else list(programs())


@pytest.fixture(scope="session", params=PLACES)
def redis_url(request: pytest.FixtureRequest) -> Iterator[str]:
    """A server that the tests share; they use prefixes of their own."""
    if request.param == "url":
        yield os.environ[URL]
        return
    with closing(RedisServer(programs()[request.param])) as server:
        server.start()
        yield server.url
