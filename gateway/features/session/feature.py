"""How long a socket may stay, and tokens that are taken back."""

from gateway.features.session.commands import COMMANDS
from gateway.features.session.routes import token_routes
from gateway.replica.feature import Feature

FEATURE = Feature(
    commands=COMMANDS,
    routes=(token_routes,),
)
