"""The features of a gateway, and what they add up to."""

from collections.abc import Mapping, Sequence
from typing import Any

from fastapi import APIRouter

from gateway.api.callers import ApiDependencies
from gateway.contract.link import OF_THE_CONNECTION
from gateway.contract.rows import ServerEvent, link
from gateway.features.audit import feature as audit
from gateway.features.chat import feature as chat
from gateway.features.course import feature as course
from gateway.features.gifts import feature as gifts
from gateway.features.moderation import feature as moderation
from gateway.features.names import feature as names
from gateway.features.orders import feature as orders
from gateway.features.polls import feature as polls
from gateway.features.roles import feature as roles
from gateway.features.sales import feature as sales
from gateway.features.session import feature as session
from gateway.features.stage import feature as stage
from gateway.features.streams import feature as streams
from gateway.features.welcome import You, welcome_with
from gateway.replica.feature import AnyCommand
from gateway.replica.news import Book, State
from gateway.replica.replica import ROOM_NEWS
from gateway.replica.welcome import greeting_of
from rooms.gateways import Present, SaidApart, SeatsTaken, Sought

FEATURES = (
    course.FEATURE,
    chat.FEATURE,
    moderation.FEATURE,
    gifts.FEATURE,
    stage.FEATURE,
    streams.FEATURE,
    sales.FEATURE,
    orders.FEATURE,
    roles.FEATURE,
    names.FEATURE,
    session.FEATURE,
    audit.FEATURE,
    polls.FEATURE,
)
"""One line each. The order is that of the pages which list their rows."""

WELCOME = link(
    "welcome",
    welcome_with(row for feature in FEATURES for row in feature.news if isinstance(row, State) and row.hello),
)

SERVER_EVENTS: tuple[ServerEvent[Any], ...] = (
    WELCOME,
    *OF_THE_CONNECTION,
    *(event for feature in FEATURES for event in feature.events),
)
"""Every event that a gateway sends. One that is not here does not exist."""

COMMANDS: tuple[AnyCommand, ...] = tuple(command for feature in FEATURES for command in feature.commands)
VIEWER_COMMANDS = tuple(command for command in COMMANDS if command.roles is None)
CONSOLE_COMMANDS = tuple(command for command in COMMANDS if command.roles is not None)
SHARED_COMMANDS = tuple(command.name for command in VIEWER_COMMANDS if command.is_shared)
"""Viewer commands a console may send too."""
BY_NAME: Mapping[str, AnyCommand] = {command.name: command for command in COMMANDS}

BETWEEN_GATEWAYS = (SeatsTaken, Sought, Present, SaidApart)
"""News of one gateway to the others, which no feature hears."""
BOOK = Book((row for feature in FEATURES for row in feature.news), core=(*ROOM_NEWS, *BETWEEN_GATEWAYS))
LOADS = tuple(feature.load for feature in FEATURES if feature.load is not None)
GREETING = greeting_of(WELCOME, You, (part for feature in FEATURES for part in feature.parts))


def routers_of(deps: ApiDependencies) -> Sequence[APIRouter]:
    """The routes of every feature that has any, served with `deps`."""
    return [routes(deps) for feature in FEATURES for routes in feature.routes]
