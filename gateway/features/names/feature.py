"""Names that viewers may not take."""

from gateway.contract import events
from gateway.features.names.commands import COMMANDS
from gateway.features.names.news import NEWS, load
from gateway.features.names.routes import name_routes
from gateway.replica.feature import Feature

FEATURE = Feature(
    events=(events.NAMES,),
    commands=COMMANDS,
    news=NEWS,
    load=load,
    routes=(name_routes,),
)
