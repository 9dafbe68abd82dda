"""Gifts, likes, credits and the most generous fans."""

from gateway.features.gifts import wire
from gateway.features.gifts.commands import COMMANDS
from gateway.features.gifts.news import NEWS, PARTS, load
from gateway.replica.feature import Feature

FEATURE = Feature(
    events=(wire.GIFT, wire.LEADERBOARD, wire.LIKE, wire.WALLET),
    commands=COMMANDS,
    news=NEWS,
    load=load,
    parts=PARTS,
)
