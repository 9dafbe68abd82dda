"""One process on a shared port, started by the supervisor: `python -m gateway.house NUMBER FOLDER LINE LISTENER...`.

The last three are descriptors. Everything else comes from LIVEROOM_* settings.
"""

import sys
from pathlib import Path

from gateway.house.server import serve
from gateway.node.sibling import Worker
from gateway.setup import loop, preflight
from gateway.setup.preflight import CommandError

EXPECTED_FAILURE = 2


def main() -> int:
    """Serve as one process of a node, and return the exit status. The supervisor prints what went wrong."""
    number, folder, line, *listeners = sys.argv[1:]
    settings = preflight.load_settings()
    worker = Worker.inherited(settings.node, int(number), Path(folder), int(line), [int(one) for one in listeners])
    try:
        loop.run(serve(settings, loaded=loop.tame_garbage_collection, worker=worker))
    except CommandError as error:
        worker.refused(str(error))
        return EXPECTED_FAILURE
    return 0


if __name__ == "__main__":
    sys.exit(main())
