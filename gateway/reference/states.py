"""State machines as diagrams and rights as tables: docs/states.md, generated from the tables the code runs on."""

from collections.abc import Iterable, Sequence
from enum import StrEnum

from auth import door
from auth.denials import Denied
from auth.door import Surface
from auth.identity import Role, Tier
from auth.permissions import Permission, permissions
from auth.situation import Access, Phase, Scale, Switches
from gateway.reference import facts, vocabulary
from gateway.reference.facts import Edge, Machine
from gateway.reference.markdown import NOTICE, code, table


def states() -> str:
    """The whole page."""
    parts = [
        NOTICE,
        "# States and rights",
        "What a client may send, and what it is answered, stands in [contract.md](contract.md).",
        *(part for machine in facts.machines() for part in _machine(machine)),
        "## Who gets through the door",
        (
            "The answer to CONNECT. Whoever is admitted below the tier that the chat takes stands in the foyer: the "
            "room, its countdowns and counters and what to buy, no stream, nothing to send."
        ),
        *(part for access in Access for part in (f"### A show that is {access.value}", _door(access))),
        "Sockets that are inside when the phase changes stay, except: " + _expulsions() + ".",
        "## What a ticket is worth",
        "With every switch of the room at its default:",
        *(part for access in Access for part in (f"### Rights in a show that is {access.value}", _rights(access))),
        "## What a switch takes away",
        (
            "`chat`, `gifts`, `cohost` and `likes` take one of these; they narrow what the table above allows to those "
            "inside, and never let anybody in. Staff are exempt."
        ),
        table(("switch at", "least tier that may"), [(code(scale.value), _least_tier(scale)) for scale in Scale]),
    ]
    return "\n\n".join(parts) + "\n"


def diagram(edges: Iterable[Edge], states_in_order: type[StrEnum]) -> str:
    """A mermaid state diagram. It begins at the first state and ends at those that nothing leaves."""
    names = [state.value for state in states_in_order]
    known = list(edges)
    last = [name for name in names if not any(edge.at == name for edge in known)]
    lines = [
        f"[*] --> {names[0]}",
        *(f"{edge.at} --> {edge.to}" + (f": {edge.event}" if edge.event else "") for edge in known),
        *(f"{name} --> [*]" for name in last),
    ]
    return "\n".join(["```mermaid", "stateDiagram-v2", *(f"    {line}" for line in lines), "```"])


def _machine(machine: Machine) -> Iterable[str]:
    yield f"## {machine.name}"
    yield machine.promise
    yield diagram(machine.edges, machine.states)
    yield from (meanings for kind in (machine.states, machine.events) if kind and (meanings := _meanings(kind)))


def _meanings(kind: type[StrEnum]) -> str:
    docs = vocabulary.part_promises(kind)
    return "\n".join(f"* `{each.value}`: {docs[each.name]}" for each in kind if each.name in docs)


def _door(access: Access) -> str:
    head = ("phase", *(f"tier {code(tier.value)}" for tier in Tier), "moderator", "host, operator", "console")
    return table(head, (_door_row(access, phase) for phase in Phase))


def _door_row(access: Access, phase: Phase) -> Sequence[str]:
    def answer(role: Role, tier: Tier, surface: Surface = Surface.LIVE) -> str:
        denied = door.enter(role, tier, access, phase, surface)
        if isinstance(denied, Denied):
            return code(denied.code.value)
        may_read = Permission.CHAT_READ in permissions(role, tier, access, phase, Switches())
        return "inside" if may_read else "foyer"

    console = {role.value: door.enter(role, Tier.NONE, access, phase, Surface.CONSOLE) for role in Role}
    return (
        code(phase.value),
        *(answer(Role.VIEWER, tier) for tier in Tier),
        answer(Role.MODERATOR, Tier.NONE),
        answer(Role.HOST, Tier.NONE),
        ", ".join(name for name, denied in console.items() if denied is None) or "nobody",
    )


def _expulsions() -> str:
    ends = (
        f"{code(phase.value)} ends those of `{surface.value}` with {code(end.value)}"
        for phase in Phase
        for surface in Surface
        if (end := door.expelled_by(phase, surface)) is not None
    )
    return ", ".join(ends)


def _rights(access: Access) -> str:
    def cell(role: Role, tier: Tier, phase: Phase) -> str:
        held = permissions(role, tier, access, phase, Switches())
        if held == frozenset(Permission):
            return "everything"
        return ", ".join(code(each.value) for each in Permission if each in held) or "nothing"

    head = ("phase", *(f"tier {code(tier.value)}" for tier in Tier), "staff")
    return table(
        head,
        (
            (
                code(phase.value),
                *(cell(Role.VIEWER, tier, phase) for tier in Tier),
                cell(Role.HOST, Tier.NONE, phase),
            )
            for phase in Phase
        ),
    )


def _least_tier(scale: Scale) -> str:
    """The least tier that the scale lets speak where nothing else stands in the way."""
    switches = Switches(chat=scale)
    may = [
        tier for tier in Tier if Permission.DANMAKU in permissions(Role.VIEWER, tier, Access.OPEN, Phase.LIVE, switches)
    ]
    return code(may[0].value) if may else "nobody"
