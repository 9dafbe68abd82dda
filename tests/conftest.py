"""What every suite may ask for."""

import re
from collections.abc import Generator
from types import ModuleType
from typing import Any

import hypothesis
import pytest

from gateway.setup.settings import DEMO_SECRETS
from tests.store import homes

hypothesis.settings.register_profile(
    "busy", deadline=None, suppress_health_check=[hypothesis.HealthCheck.too_slow]
)  # how long one example takes says how busy the machine is; what is to be fast has a row of the benchmarks
hypothesis.settings.load_profile("busy")


@pytest.fixture(params=homes.HOMES)
def home(request: pytest.FixtureRequest) -> str:
    """Which database: whoever asks for it runs once on each."""
    return str(request.param)


TOKEN_IN_A_LOG = re.compile(r"eyJ[\w-]{10,}\.[\w-]{10,}\.[\w-]{10,}")
"""A signed token. Whatever this process writes to stderr or logs during a test is searched for one."""


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """A test that passes fails all the same where a token, or a secret of the demo, stood in the log."""
    report = yield
    if report.passed and call.when == "teardown":
        told = [text for _when, kind, text in item._report_sections if kind in ("stderr", "log")]
        found = [text for text in told if TOKEN_IN_A_LOG.search(text) or any(secret in text for secret in DEMO_SECRETS)]
        if found:
            report.outcome = "failed"
            report.longrepr = f"a token or a secret stands in the log of {item.nodeid}:\n{found[0][:2000]}"
    return report


SERVERS = frozenset({"tests.redis_server", "tests.store.postgresql", "tests.store.postgresql_process"})
"""Whoever imports from one of these starts a server."""

_left = pytest.StashKey[int]()


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--quick", action="store_true", help="only what needs neither PostgreSQL nor Redis")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """With `--quick`, leave out the tests that start a server; the summary says how many these are."""
    if not config.getoption("quick"):
        return
    left = [item for item in items if _starts_a_server(item)]
    items[:] = [item for item in items if item not in set(left)]
    config.hook.pytest_deselected(items=left)
    config.stash[_left] = len(left)
    if hasattr(config, "workeroutput"):  # a process of pytest-xdist: its summary is written by another one
        config.workeroutput["left"] = len(left)


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any, error: object) -> None:  # noqa: ARG001 - the names are pytest-xdist's
    """Take over what a process of pytest-xdist left out: each of them collects the same tests."""
    left = getattr(node, "workeroutput", {}).get("left")
    if left is not None:
        node.config.stash[_left] = left


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    if config.getoption("quick"):
        left = config.stash.get(_left, 0)
        terminalreporter.write_line(
            f"quick: on SQLite and the in-process broker. {left} tests of these folders need PostgreSQL or Redis; "
            "they and all other folders are left to `make test`."
        )


def _starts_a_server(item: pytest.Item) -> bool:
    fixtures = getattr(item, "fixturenames", ())
    chosen = getattr(getattr(item, "callspec", None), "params", {}).values()
    module = getattr(item, "module", None)
    imported = {
        value.__name__ if isinstance(value, ModuleType) else getattr(value, "__module__", "")
        for value in vars(module).values()
    }
    return "redis_url" in fixtures or homes.POSTGRESQL in chosen or not SERVERS.isdisjoint(imported)
