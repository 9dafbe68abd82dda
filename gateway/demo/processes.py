"""The demo's second process: starts the sandbox payment provider, watches it, and ends it by its id."""

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Final

from gateway.setup.preflight import CommandError
from gateway.setup.settings import Settings

START_SECONDS: Final = 20.0
END_SECONDS: Final = 5.0


class Sandbox:
    """The running provider."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process

    async def ended(self) -> CommandError:
        """Wait until the process ends unasked, and answer the sentence to print."""
        status = await self._process.wait()
        return CommandError(
            f"the sandbox payment provider ended with status {status}, and the demo with it; its own words stand above."
        )


@asynccontextmanager
async def sandbox(settings: Settings) -> AsyncIterator[Sandbox]:
    """The provider, listening, for as long as the block runs.

    It has a process group of its own, so that Ctrl-C does not reach it before the gateway has drained. It ends by
    itself
    when this process is killed.
    """
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *("-m", "presale.sandbox"),
        *("--port", str(settings.sandbox_port)),
        *("--data", str(settings.data_dir / "sandbox.sqlite")),
        *("--notify", f"{settings.local_url}/pay/sandbox/notify"),
        *("--public-url", settings.sandbox_url),
        "--stop-with-parent",
        env={
            **os.environ,
            "LIVEROOM_MODE": settings.mode.value,
            "LIVEROOM_SANDBOX_SECRETS": ",".join(settings.sandbox_secrets),
        },
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        start_new_session=True,
    )
    running = Sandbox(process)
    try:
        await _listening(process, running)
        yield running
    finally:
        await _end(process)


async def _listening(process: asyncio.subprocess.Process, running: Sandbox) -> None:
    """Return when the provider has printed its first line, which it does once it listens."""
    assert process.stdout is not None
    try:
        first_line = await asyncio.wait_for(process.stdout.readline(), START_SECONDS)
    except TimeoutError:
        raise CommandError(f"the sandbox payment provider did not start within {START_SECONDS:.0f} seconds.") from None
    if not first_line:
        raise await running.ended()


async def _end(process: asyncio.subprocess.Process) -> None:
    """Send SIGTERM, and SIGKILL after a timeout; returns when the process has ended."""
    for number in (signal.SIGTERM, signal.SIGKILL):
        if process.returncode is not None:
            return
        with suppress(ProcessLookupError):
            process.send_signal(number)
        with suppress(TimeoutError):
            await asyncio.wait_for(process.wait(), END_SECONDS)
