"""Grants of streams."""

from gateway.contract import shared
from gateway.features.streams.commands import COMMANDS
from gateway.replica.feature import Feature

FEATURE = Feature(
    events=(shared.STREAMS,),
    commands=COMMANDS,
)
