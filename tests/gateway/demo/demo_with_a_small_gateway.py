"""Runs the demo's supervision, with a gateway that only opens its port. Arguments: a data folder, two ports.

Prints `ready` when the demo greets, `drained` when the gateway was told to stop and did.
"""

import asyncio
import signal
import sys
from pathlib import Path

from gateway.demo.demo import run_demo
from gateway.setup.preflight import CommandError, load_settings
from gateway.setup.settings import Mode, Settings


async def serve(settings: Settings) -> None:
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    server = await asyncio.start_server(lambda _, writer: writer.close(), settings.host, settings.port)
    async with server:
        await stop.wait()
    print("drained", flush=True)


def main() -> int:
    folder, port, sandbox_port = sys.argv[1:]
    settings = load_settings(Mode.DEMO, data_dir=Path(folder), port=int(port), sandbox_port=int(sandbox_port))
    try:
        asyncio.run(run_demo(settings, serve, lambda: print("ready", flush=True)))
    except CommandError as error:
        print(error, file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
