"""How the evening goes: phases, switches, countdowns."""

from gateway.contract import shared
from gateway.features.course import wire
from gateway.features.course.commands import COMMANDS
from gateway.features.course.news import NEWS, PARTS, load
from gateway.replica.feature import Feature

FEATURE = Feature(
    events=(wire.ROOM, shared.COUNTDOWN),
    commands=COMMANDS,
    news=NEWS,
    load=load,
    parts=PARTS,
)
