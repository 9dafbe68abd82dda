"""Names that viewers may not take."""

from gateway.features.names import wire
from gateway.features.names.commands import COMMANDS
from gateway.features.names.news import NEWS, load
from gateway.features.names.routes import name_routes
from gateway.replica.feature import Feature

FEATURE = Feature(
    events=(wire.NAMES,),
    commands=COMMANDS,
    news=NEWS,
    load=load,
    routes=(name_routes,),
)
