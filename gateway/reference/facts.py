"""Codes, rates and state machines from the tables of the code, as plain rows for the printers of pages."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import TypeVar

from auth.denials import RETRYABLE, Code
from auth.situation import Phase
from gateway.api.refusals import STATUSES
from gateway.contract.rows import FAREWELLS, REFUSALS, RateClass
from gateway.reference import vocabulary
from gateway.reference.listing import CONSOLE_COMMANDS, VIEWER_COMMANDS
from gateway.replica.feature import AnyCommand
from gateway.setup.settings import Settings
from presale.orders import orders
from rooms.course import phases
from rooms.stage import stage

State = TypeVar("State", bound=StrEnum)
Event = TypeVar("Event", bound=StrEnum)

_BUDGETS: Mapping[RateClass, Sequence[str]] = {
    RateClass.ANY: ("packets_per_second", "packets_burst"),
    RateClass.DANMAKU: ("danmaku_per_second", "danmaku_burst"),
    RateClass.GIFT: ("gifts_per_second",),
    RateClass.COHOST: ("cohost_every_seconds",),
    RateClass.LIKE: ("likes_per_second", "likes_burst"),
}
"""The settings that make up each budget."""


@dataclass(frozen=True, slots=True)
class CodeFact:
    """A code, where it is met and what it means."""

    code: Code
    retryable: bool
    status: int
    """The status of HTTP answers."""
    met: tuple[str, ...]
    """Where clients meet it: `connect`, `bye`, `ack`; `HTTP` where nowhere else."""
    meaning: str


@dataclass(frozen=True, slots=True)
class RateFact:
    """A setting that is part of a budget."""

    budget: RateClass
    setting: str
    default: object
    meaning: str


@dataclass(frozen=True, slots=True, order=True)
class Edge:
    """A step of a state machine; without an event it is a command of somebody who may."""

    at: str
    to: str
    event: str = ""


@dataclass(frozen=True, slots=True)
class Machine:
    """A state machine. It begins at its first state and ends at those that nothing leaves."""

    name: str
    promise: str
    states: type[StrEnum]
    edges: tuple[Edge, ...]
    """Sorted by the state they leave, then by the state they reach."""
    events: type[StrEnum] | None = None


def codes() -> list[CodeFact]:
    """Every code, in the order of its table."""
    return [
        CodeFact(each, each in RETRYABLE, STATUSES[each], _met(each), vocabulary.part_promises(Code)[each.name])
        for each in Code
    ]


def rates() -> list[RateFact]:
    """Every setting of every budget, as it is by default."""
    return [
        RateFact(budget, f"LIVEROOM_{name.upper()}", field.default, field.description or "")
        for budget, names in _BUDGETS.items()
        for name in names
        for field in (Settings.model_fields[name],)
    ]


def machines() -> list[Machine]:
    """A show, an order, and a viewer and the stage."""
    show = (Edge(at.value, to.value) for at, targets in phases.TRANSITIONS.items() for to in targets)
    return [
        Machine(
            "A show",
            "Hosts and operators move it with `show:phase`. There are no other ways.",
            Phase,
            _in_order(show, Phase),
        ),
        Machine(
            "An order",
            "Only `paid` gives rights.",
            orders.OrderState,
            _in_order(_labelled(orders.TRANSITIONS), orders.OrderState),
            orders.OrderEvent,
        ),
        Machine(
            "A viewer and the stage",
            "One state per viewer and room. `end` is what happens when the right to be on stage is gone. Ways towards "
            "the stage are open in the phases `doors` and `live` only, ways back always.",
            stage.StageState,
            _in_order(_labelled(stage.TRANSITIONS), stage.StageState),
        ),
    ]


def meaning(command: AnyCommand) -> str:
    """What the payload says of itself, or the handler where several commands share a payload."""
    sharing = [each for each in (*VIEWER_COMMANDS, *CONSOLE_COMMANDS) if each.payload is command.payload]
    return vocabulary.promise(command.payload) if len(sharing) == 1 else (command.answer.__doc__ or "")


def _met(each: Code) -> tuple[str, ...]:
    commands = (*VIEWER_COMMANDS, *CONSOLE_COMMANDS)
    places = {
        "connect": each in REFUSALS,
        "bye": each in FAREWELLS,
        "ack": any(each in command.errors for command in commands),
    }
    return tuple(place for place, is_met in places.items() if is_met) or ("HTTP",)


def _labelled(transitions: Mapping[tuple[State, Event], State]) -> Iterable[Edge]:
    return (Edge(at.value, to.value, event.value) for (at, event), to in transitions.items())


def _in_order(edges: Iterable[Edge], states: type[StrEnum]) -> tuple[Edge, ...]:
    names = [state.value for state in states]
    return tuple(sorted(set(edges), key=lambda edge: (names.index(edge.at), names.index(edge.to), edge.event)))
