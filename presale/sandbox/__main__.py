"""`python -m presale.sandbox`: the sandbox payment provider as a process of its own.

Ends with status 0 on SIGTERM and SIGINT, 1 with one sentence when the machine is in the way (port taken, file not
writable), 2 with one sentence when it was started wrongly.
"""

import argparse
import asyncio
import contextlib
import errno
import os
import secrets
import signal
import socket
import sqlite3
import sys
import time
from collections.abc import Generator
from pathlib import Path
from typing import NoReturn
from urllib.parse import urlsplit

import uvicorn

from presale.payments.webhook_signature import Secret, parse_secrets
from presale.sandbox.app import ProviderParts, create_app
from presale.sandbox.book_sqlite import Book
from presale.sandbox.courier import Courier, CourierSettings
from store.private_files import make_file, make_folder

MODES = ("demo", "test")
KEEPALIVE_SECONDS = 75
"""Longer than its callers keep a connection that is idle: else one ends under their next request."""
DRAIN_SECONDS = 2
PARENT_CHECK_SECONDS = 1.0


def main() -> None:
    """Start as the arguments say and serve until told to stop."""
    mode = os.environ.get("LIVEROOM_MODE", "")
    if mode not in MODES:
        _stop(2, "The sandbox provider takes test money only: it starts when LIVEROOM_MODE is demo or test.")
    options = _arguments().parse_args()
    try:
        active = parse_secrets(options.secret or _environment_secrets())
    except ValueError as flaw:
        _stop(2, f"--secret or LIVEROOM_SANDBOX_SECRETS is needed: {flaw}.")
    listener = _listen(options.host, options.port)
    book = _open_book(options.data, options.merchant)
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(_serve(options, listener, book, active))


async def _serve(options: argparse.Namespace, listener: socket.socket, book: Book, active: tuple[Secret, ...]) -> None:
    port = listener.getsockname()[1]
    settings = CourierSettings(options.notify, active, options.retry_base_ms)
    app = create_app(
        ProviderParts(
            book=book,
            courier=Courier(book, settings, clock=_now_ms),
            secrets=active,
            clock=_now_ms,
            public_url=(options.public_url or f"http://{options.host}:{port}").rstrip("/"),
        )
    )
    config = uvicorn.Config(
        app,
        log_level="warning",
        access_log=False,
        lifespan="on",
        ws="none",
        timeout_keep_alive=KEEPALIVE_SECONDS,
        timeout_graceful_shutdown=DRAIN_SECONDS,
    )
    server = _Server(config)
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, server.stop)
    sys.stdout.write(f"sandbox provider (TEST MONEY) listening on http://{options.host}:{port}\n")
    sys.stdout.flush()
    watch = asyncio.create_task(_stop_with_parent(server)) if options.stop_with_parent else None
    await server.serve(sockets=[listener])
    if watch is not None:
        watch.cancel()


class _Server(uvicorn.Server):
    """A server that ends normally on a signal instead of dying of it after its shutdown."""

    def stop(self) -> None:
        self.should_exit = True

    @contextlib.contextmanager
    def capture_signals(self) -> Generator[None]:
        yield


async def _stop_with_parent(server: _Server) -> None:
    parent = os.getppid()
    while os.getppid() == parent:  # noqa: ASYNC110  the end of a parent sends no event
        await asyncio.sleep(PARENT_CHECK_SECONDS)
    server.stop()


def _arguments() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m presale.sandbox", description="A payment provider of TEST MONEY.")
    parser.add_argument("--host", default="127.0.0.1", help="address to bind; loopback unless said otherwise")
    parser.add_argument("--port", type=int, default=8001, help="0 takes a free one; the first line of output tells")
    parser.add_argument("--data", type=Path, required=True, help="SQLite file of the provider")
    parser.add_argument("--notify", required=True, type=_web_address, help="URL that takes the callbacks")
    parser.add_argument(
        "--secret",
        action="append",
        help="shared with the merchant; twice for two active ones, the signing one first; "
        "better given as LIVEROOM_SANDBOX_SECRETS, comma separated, where no process list shows it",
    )
    parser.add_argument("--merchant", default="demo-merchant", help="merchant id named in callbacks")
    parser.add_argument("--public-url", default=None, help="start of cashier addresses; http://host:port by default")
    parser.add_argument("--retry-base-ms", type=int, default=500, help="wait after the first failed callback; doubles")
    parser.add_argument("--stop-with-parent", action="store_true", help="end when the starting process is gone")
    return parser


def _environment_secrets() -> list[str]:
    return [word.strip() for word in os.environ.get("LIVEROOM_SANDBOX_SECRETS", "").split(",") if word.strip()]


def _web_address(text: str) -> str:
    if urlsplit(text).scheme not in {"http", "https"}:
        raise argparse.ArgumentTypeError("starts with http:// or https://")
    return text


def _listen(host: str, port: int) -> socket.socket:
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        listener = socket.socket(family, kind, protocol)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
    except (OSError, OverflowError) as flaw:
        reason = "it is taken by another program" if getattr(flaw, "errno", 0) == errno.EADDRINUSE else str(flaw)
        _stop(1, f"The sandbox provider cannot listen on {host}:{port}: {reason} (LIVEROOM_SANDBOX_PORT moves it).")
    return listener


def _open_book(path: Path, merchant: str) -> Book:
    try:
        make_folder(path.parent)
        make_file(path)
        return Book(path, clock=_now_ms, new_id=lambda: secrets.token_urlsafe(18), merchant=merchant)
    except (OSError, sqlite3.Error) as flaw:
        _stop(1, f"The sandbox provider cannot write its file {path}: {flaw}.")


def _stop(status: int, sentence: str) -> NoReturn:
    sys.stderr.write(sentence + "\n")
    raise SystemExit(status)


def _now_ms() -> int:
    return time.time_ns() // 1_000_000


if __name__ == "__main__":
    main()
