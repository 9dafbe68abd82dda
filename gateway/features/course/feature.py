"""How the evening goes: phases, switches, countdowns."""

from gateway.contract import events
from gateway.features.course.commands import COMMANDS
from gateway.features.course.news import NEWS, PARTS, load
from gateway.replica.feature import Feature

FEATURE = Feature(
    events=(events.ROOM, events.COUNTDOWN),
    commands=COMMANDS,
    news=NEWS,
    load=load,
    parts=PARTS,
)
