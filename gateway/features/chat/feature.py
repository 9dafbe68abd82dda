"""Danmaku, what of them is taken back, and pins."""

from gateway.contract import events
from gateway.features.chat.commands import COMMANDS
from gateway.features.chat.news import NEWS, load
from gateway.replica.feature import Feature

FEATURE = Feature(
    events=(events.DANMAKU, events.RETRACT, events.PINS),
    commands=COMMANDS,
    news=NEWS,
    load=load,
)
