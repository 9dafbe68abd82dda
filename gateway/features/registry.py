"""All commands: what the features add up to."""

from collections.abc import Mapping
from typing import Any

from gateway.contract.rows import Command
from gateway.features.chat import commands as chat
from gateway.features.course import commands as course
from gateway.features.gifts import commands as gifts
from gateway.features.moderation import commands as moderation
from gateway.features.names import commands as names
from gateway.features.session import commands as session
from gateway.features.stage import commands as stage
from gateway.features.streams import commands as streams
from gateway.replica.act import Act

AnyCommand = Command[Act, Any, Any]

COMMANDS: tuple[AnyCommand, ...] = (
    *chat.COMMANDS,
    *gifts.COMMANDS,
    *stage.COMMANDS,
    *streams.COMMANDS,
    *session.COMMANDS,
    *course.COMMANDS,
    *moderation.COMMANDS,
    *names.COMMANDS,
)
VIEWER_COMMANDS = tuple(command for command in COMMANDS if command.roles is None)
CONSOLE_COMMANDS = tuple(command for command in COMMANDS if command.roles is not None)
SHARED_COMMANDS = tuple(command.name for command in VIEWER_COMMANDS if command.is_shared)
"""Viewer commands a console may send too."""
BY_NAME: Mapping[str, AnyCommand] = {command.name: command for command in COMMANDS}
