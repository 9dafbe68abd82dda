"""Who asks to come on stage, who is invited, who is on it."""

from gateway.features.stage import wire
from gateway.features.stage.commands import COMMANDS
from gateway.features.stage.news import NEWS, PARTS, load
from gateway.replica.feature import Feature

FEATURE = Feature(
    events=(wire.STAGE, wire.COHOST, wire.COHOST_QUEUE),
    commands=COMMANDS,
    news=NEWS,
    load=load,
    parts=PARTS,
)
