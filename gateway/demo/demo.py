"""`liveroom demo`: gateway and payment provider on one machine, started and ended together."""

import asyncio
import signal
from collections.abc import Callable, Coroutine
from typing import Any, Final

from gateway.demo.processes import Sandbox, sandbox
from gateway.setup.settings import Settings

Serve = Callable[[Settings], Coroutine[Any, Any, None]]

KNOCK_SECONDS: Final = 0.05


async def run_demo(settings: Settings, serve: Serve, ready: Callable[[], None]) -> None:
    """Run the provider and the gateway until a signal; `ready` is called once the gateway accepts connections.

    Returns after SIGINT or SIGTERM with everything ended. Before the gateway accepts connections a signal
    cancels the start; afterwards `serve` handles the signals, drains and returns. CommandError when the
    provider ended on its own.
    """
    whole = asyncio.current_task()
    assert whole is not None
    state = _Start()

    def interrupt() -> None:
        if not state.accepting and not state.interrupted:
            state.interrupted = True
            whole.cancel()

    def accepting() -> None:
        state.accepting = True
        ready()

    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, interrupt)
    try:
        async with sandbox(settings) as provider:
            await _until_one_ends(settings, serve, provider, accepting)
    except asyncio.CancelledError:
        if not state.interrupted:
            raise
        whole.uncancel()


class _Start:
    """The progress of the start."""

    accepting = False
    interrupted = False


async def _until_one_ends(settings: Settings, serve: Serve, provider: Sandbox, accepting: Callable[[], None]) -> None:
    gateway = asyncio.create_task(serve(settings))
    provider_ended = asyncio.create_task(provider.ended())
    greeting = asyncio.create_task(_greet(settings, accepting))
    tasks = (gateway, provider_ended, greeting)
    try:
        await asyncio.wait({gateway, provider_ended}, return_when=asyncio.FIRST_COMPLETED)
        if not gateway.done():
            raise provider_ended.result()
        await gateway
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _greet(settings: Settings, accepting: Callable[[], None]) -> None:
    """Retry until the gateway accepts connections."""
    while True:
        try:
            _, writer = await asyncio.open_connection(settings.local_host, settings.port)
        except OSError:
            await asyncio.sleep(KNOCK_SECONDS)
        else:
            writer.close()
            accepting()
            return
