"""Every command with the function that answers it: what the features add up to."""

from collections.abc import Mapping
from functools import partial
from typing import Any

from gateway.contract.registry import CONSOLE_COMMANDS, VIEWER_COMMANDS
from gateway.features import console, viewer
from gateway.features.means import Means
from gateway.features.stage import commands as stage
from gateway.live.commands import Row

HANDLERS: Mapping[str, Any] = {**viewer.HANDLERS, **console.HANDLERS, **stage.HANDLERS}


def rows(means: Means) -> dict[str, Row]:
    """The commands by name, their handlers supplied with what they work with."""
    return {
        command.name: Row(
            command,
            partial(HANDLERS[command.name], means),
            partial(viewer.KNOWN[command.name], means) if command.name in viewer.KNOWN else None,
        )
        for command in (*VIEWER_COMMANDS, *CONSOLE_COMMANDS)
    }
