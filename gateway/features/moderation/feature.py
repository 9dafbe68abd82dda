"""Mutes, bans, kicks, and what the staff did."""

from gateway.features.moderation import wire
from gateway.features.moderation.commands import COMMANDS
from gateway.features.moderation.news import NEWS, PARTS, load
from gateway.replica.feature import Feature

FEATURE = Feature(
    events=(wire.AUDIT,),
    commands=COMMANDS,
    news=NEWS,
    load=load,
    parts=PARTS,
)
