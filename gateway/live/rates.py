"""How often a person may do things in a room, by the settings; and what others' news say that they did elsewhere.

Each gateway counts what a person does there, and what it hears that they did at others. So a rate holds over all
gateways, but for one burst at each of them within the time that news take, and after its start. Likes are counted at
each gateway alone: they travel as sums.
"""

from collections.abc import Mapping

from gateway.contract.rows import RateClass
from gateway.replica.news import AnyEvent
from gateway.setup.settings import Settings
from rooms.chat.events import DanmakuSaid
from rooms.gifts.events import GiftSent
from rooms.pace.persons import Persons
from rooms.pace.rates import Rate
from rooms.stage.events import CohostChanged
from rooms.stage.stage import StageState, request_name


def rates_of(settings: Settings) -> Mapping[str, Rate]:
    """The rate of each class that belongs to a person; what has none is as free as packets are."""
    return {
        RateClass.DANMAKU: Rate(settings.danmaku_per_second, settings.danmaku_burst),
        RateClass.GIFT: Rate(settings.gifts_per_second, max(1, int(settings.gifts_per_second))),
        RateClass.LIKE: Rate(settings.likes_per_second, settings.likes_burst),
        RateClass.COHOST: Rate(1 / settings.cohost_every_seconds, 1),
    }


def heard(persons: Persons, event: AnyEvent, at_ms: int) -> None:
    """Charge the author of what came over the broker, unless they did it at this gateway."""
    if isinstance(event, DanmakuSaid):
        if persons.heard(event.user, RateClass.DANMAKU, event.id, at_ms):
            persons.said(event.user, at_ms)
    elif isinstance(event, GiftSent):
        persons.heard(event.user, RateClass.GIFT, event.id, at_ms)
    elif isinstance(event, CohostChanged) and event.state is StageState.REQUESTED:
        persons.heard(event.user, RateClass.COHOST, request_name(event.user, event.version), at_ms)
