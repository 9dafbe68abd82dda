"""The events that a gateway sends, by the names that its code knows them by."""

from typing import Any

from gateway.contract import shapes
from gateway.contract.rows import ServerEvent, console, history, link, personal, state

WELCOME = link("welcome", shapes.Welcome)
DANMAKU = history("danmaku", shapes.Danmaku, may_be_shed=True)
GIFT = history("gift", shapes.Gift)
RETRACT = history("retract", shapes.Retract)
ROOM = state("room", shapes.Room)
STAGE = state("stage", shapes.Stage)
PINS = state("pins", shapes.Pins)
COUNTDOWN = state("countdown", shapes.Countdown)
SALES = state("sales", shapes.Sales)
LEADERBOARD = state("leaderboard", shapes.Leaderboard)
PRESENCE = state("presence", shapes.Presence)
LIKE = state("like", shapes.Like)
TIER = personal("tier", shapes.TierChange)
ORDER = personal("order", shapes.Order)
WALLET = personal("wallet", shapes.Wallet)
INBOX = personal("inbox", shapes.Inbox)
COHOST = personal("cohost", shapes.Cohost)
STREAMS = personal("streams", shapes.Streams)
ADMISSION = personal("admission", shapes.Admission)
POSITION = link("position", shapes.RoomPosition, is_whole=True)
DEGRADED = link("degraded", shapes.Degraded)
TOKEN_EXPIRING = link("token:expiring", shapes.TokenExpiring)
DRAINING = link("draining", shapes.Draining)
BYE = link("bye", shapes.Bye)
AUDIT = console("audit", shapes.Audit, is_whole=False)
REVENUE = console("revenue", shapes.Revenue)
COHOST_QUEUE = console("cohost:queue", shapes.CohostQueue)
NAMES = console("names", shapes.Names)
HEALTH = console("health", shapes.Health)

OF_THE_CONNECTION: tuple[ServerEvent[Any], ...] = (
    WELCOME,
    PRESENCE,
    TIER,
    ADMISSION,
    POSITION,
    DEGRADED,
    TOKEN_EXPIRING,
    DRAINING,
    BYE,
    HEALTH,
)
"""Those that no feature tells."""
