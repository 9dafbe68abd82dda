"""Questions to everybody, one vote per person, counted live."""

from gateway.features.polls import wire
from gateway.features.polls.commands import COMMANDS
from gateway.features.polls.news import NEWS, load
from gateway.features.polls.routes import poll_routes
from gateway.replica.feature import Feature

FEATURE = Feature(events=(wire.POLLS,), commands=COMMANDS, news=NEWS, load=load, routes=(poll_routes,))
