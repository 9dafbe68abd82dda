"""Names that are kept for the staff of a show."""

from auth.denials import Denied
from gateway.contract.rows import HOSTS, console_command, errors
from gateway.features.names import wire
from gateway.replica.act import Act
from rooms.names import names_sql


async def set_names(act: Act, request: wire.SetNames) -> wire.Names | Denied:
    """Keep names for the staff of the show."""
    async with act.means.db.write() as uow:
        changed = await names_sql.set_official(uow, act.room.id, request.names, act.user)
    return changed if isinstance(changed, Denied) else wire.Names(changed.official, changed.version)


COMMANDS = (console_command("names:set", wire.SetNames, wire.Names, errors(), set_names, roles=HOSTS),)
