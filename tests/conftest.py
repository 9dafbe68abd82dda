"""What every suite may ask for."""

import re
from collections.abc import Generator

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
