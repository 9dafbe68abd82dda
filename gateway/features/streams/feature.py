"""Grants of streams."""

from gateway.contract import events
from gateway.features.streams.commands import COMMANDS
from gateway.replica.feature import Feature

FEATURE = Feature(
    events=(events.STREAMS,),
    commands=COMMANDS,
)
