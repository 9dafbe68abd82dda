"""Gifts, likes, credits and the most generous fans."""

from gateway.contract import events
from gateway.features.gifts.commands import COMMANDS
from gateway.features.gifts.news import NEWS, PARTS, load
from gateway.replica.feature import Feature

FEATURE = Feature(
    events=(events.GIFT, events.LEADERBOARD, events.LIKE, events.WALLET),
    commands=COMMANDS,
    news=NEWS,
    load=load,
    parts=PARTS,
)
