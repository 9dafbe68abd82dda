"""Mutes, bans, kicks, and what the staff did."""

from gateway.contract import events
from gateway.features.moderation.commands import COMMANDS
from gateway.features.moderation.news import NEWS, PARTS, load
from gateway.replica.feature import Feature

FEATURE = Feature(
    events=(events.AUDIT,),
    commands=COMMANDS,
    news=NEWS,
    load=load,
    parts=PARTS,
)
