"""Fresh grants of streams, asked for by whoever watches."""

from auth.denials import Code, Denied
from gateway.contract import shared
from gateway.contract.rows import errors, viewer_command
from gateway.replica.act import Act
from gateway.replica.reading import is_banned


def refresh_streams(act: Act, request: shared.Nothing) -> shared.Streams | Denied:
    """Fresh grants for what the ticket is worth now."""
    if is_banned(act.room.replica, act.user):
        return Denied(Code.BANNED)
    return shared.Streams(act.grants())


COMMANDS = (
    viewer_command(
        "streams:refresh",
        shared.Nothing,
        shared.Streams,
        errors(Code.FORBIDDEN, Code.BANNED),
        refresh_streams,
        is_shared=True,
    ),
)
