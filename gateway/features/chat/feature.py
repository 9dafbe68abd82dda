"""Danmaku, what of them is taken back, and pins."""

from gateway.features.chat import wire
from gateway.features.chat.commands import COMMANDS
from gateway.features.chat.news import NEWS, load
from gateway.replica.feature import Feature

FEATURE = Feature(
    events=(wire.DANMAKU, wire.RETRACT, wire.PINS),
    commands=COMMANDS,
    news=NEWS,
    load=load,
)
