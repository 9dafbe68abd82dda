"""A real sandbox provider process on loopback, and an endpoint that takes its callbacks."""

import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import httpx2
import msgspec
from ulid import ULID

from presale.payments.webhook_signature import Secret, request_content, sign
from tests.contracts.payments_suite import Received

SECRET = Secret(b"test-secret-test-secret-test-secret")
DEADLINE_SECONDS = 10.0


def now_ms() -> int:
    return time.time_ns() // 1_000_000


def new_id() -> str:
    return str(ULID())


class CallbackEndpoint:
    """Keeps every callback in the order of arrival and answers 204, or what a test scripted for a payment."""

    def __init__(self) -> None:
        self._arrived = threading.Condition()
        self._received: dict[str, list[Received]] = defaultdict(list)
        self._answers: dict[str, list[int]] = {}
        endpoint = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"]))
                status = endpoint.take(Received(dict(self.headers.items()), body))
                self.send_response(status)
                self.end_headers()

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002  the library's name
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)
        self._thread.start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}/pay/sandbox/notify"

    def answer_next(self, payment: str, *statuses: int) -> None:
        self._answers[payment] = list(statuses)

    def take(self, received: Received) -> int:
        payment: str = msgspec.json.decode(received.body)["payment"]
        with self._arrived:
            self._received[payment].append(received)
            self._arrived.notify_all()
            scripted = self._answers.get(payment)
            return scripted.pop(0) if scripted else 204

    def wait_for(self, payment: str, count: int) -> list[Received]:
        with self._arrived:
            enough = self._arrived.wait_for(lambda: len(self._received[payment]) >= count, DEADLINE_SECONDS)
            assert enough, f"{len(self._received[payment])} of {count} callbacks came"
            return self._received[payment][:count]

    def count(self, payment: str) -> int:
        with self._arrived:
            return len(self._received[payment])

    def close(self) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


class SandboxProcess:
    """One run of `python -m presale.sandbox`."""

    def __init__(self, data: Path, notify_url: str, *, port: int = 0, mode: str = "test") -> None:
        options = ["--port", str(port), "--data", str(data), "--notify", notify_url, "--retry-base-ms", "20"]
        self.process = subprocess.Popen(
            [sys.executable, "-m", "presale.sandbox", *options, "--stop-with-parent"],
            env={**os.environ, "LIVEROOM_MODE": mode, "LIVEROOM_SANDBOX_SECRETS": SECRET.decode()},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def wait_until_listening(self) -> str:
        """Its URL."""
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        found = re.search(r"http://\S+", line)
        assert found, line + self.stop()[1]
        return found[0]

    def stop(self) -> tuple[int, str]:
        """Status and what it said on stderr, after SIGTERM."""
        self.process.send_signal(signal.SIGTERM)
        return self.wait()

    def wait(self) -> tuple[int, str]:
        _, said = self.process.communicate(timeout=DEADLINE_SECONDS)
        return self.process.returncode, said


@contextmanager
def running_sandbox(data: Path, notify_url: str) -> Iterator[str]:
    """The URL of a sandbox provider that lives as long as the block."""
    sandbox = SandboxProcess(data, notify_url)
    try:
        yield sandbox.wait_until_listening()
    finally:
        if sandbox.process.poll() is None:
            sandbox.stop()


def signed_post(url: str, path: str, content: object) -> httpx2.Response:
    """A call as a merchant makes it."""
    body = msgspec.json.encode(content)
    headers = sign(
        SECRET,
        delivery=new_id(),
        timestamp_seconds=now_ms() // 1000,
        body=request_content("POST", path, body),
    )
    return httpx2.post(url + path, content=body, headers=headers, trust_env=False)


def script_faults(url: str, payment: str | None = None, **faults: object) -> None:
    """Make things go wrong with a payment, or with the next one opened."""
    assert signed_post(url, "/v1/faults", {"payment": payment, "faults": faults}).status_code == 204
