"""The first event of a socket has a field for each state, whichever feature it is of."""

from typing import Any

import msgspec
from msgspec import Struct

from gateway.contract.rows import state
from gateway.features.registry import BOOK
from gateway.features.welcome import Welcome, welcome_with
from gateway.reference import vocabulary
from gateway.replica.news import State


class Weather(Struct, frozen=True):
    """How it is outside."""

    degrees: int
    version: int


WEATHER: State[Any] = State(Weather, state("weather", Weather), lambda event, *_: event, hello="weather")


def test_what_version_one_had_is_welcome_as_it_was() -> None:
    assert welcome_with(BOOK.greeting[:1]) is Welcome


def test_a_state_of_a_later_feature_is_a_field_of_its_own_behind_the_others() -> None:
    grown = welcome_with([*BOOK.greeting, WEATHER])
    *before, last = msgspec.structs.fields(grown)
    first = len(Welcome.__struct_fields__)
    assert tuple(field.name for field in before[:first]) == Welcome.__struct_fields__
    assert (last.name, last.type, last.required) == ("weather", Weather, True)
    assert vocabulary.part_promises(grown) == vocabulary.part_promises(Welcome)
