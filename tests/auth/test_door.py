"""Who gets through the door, cell by cell, against the table of contract.md written out again."""

from itertools import product

import pytest

from auth.denials import Code
from auth.door import Surface, enter, expelled_by
from auth.identity import Role, Tier
from auth.situation import Access, Phase

CODES = {
    "in": None,
    "T": Code.TICKET_REQUIRED,
    "B": Code.BALANCE_DUE,
    "F": Code.FORBIDDEN,
    "E": Code.ROOM_ENDED,
    "C": Code.ROOM_CANCELLED,
}

VIEWERS = """
            ticketed               | open
phase       none  lobby  main  vip | none  lobby  main  vip
draft       F     F      F     F   | F     F      F     F
presale     in    in     in    in  | in    in     in    in
doors       in    in     in    in  | in    in     in    in
live        T     B      in    in  | in    in     in    in
paused      T     B      in    in  | in    in     in    in
ended       E     E      E     E   | E     E      E     E
replay      T     B      in    in  | in    B      in    in
cancelled   C     C      C     C   | C     C      C     C
"""

STAFF = """
            /live                        | /console
phase       viewer moderator host operator viewer moderator host operator
draft       F      F         in   in       F      F         in   in
presale     in     in        in   in       F      in        in   in
doors       in     in        in   in       F      in        in   in
live        -      in        in   in       F      in        in   in
paused      -      in        in   in       F      in        in   in
ended       E      E         E    E        F      in        in   in
replay      -      in        in   in       F      in        in   in
cancelled   C      C         C    C        C      C         C    C
"""

SENT_OUT = {
    (Phase.ENDED, Surface.LIVE): Code.ROOM_ENDED,
    (Phase.CANCELLED, Surface.LIVE): Code.ROOM_CANCELLED,
    (Phase.CANCELLED, Surface.CONSOLE): Code.ROOM_CANCELLED,
}


def rows(table: str) -> dict[str, list[str]]:
    lines = [line.replace("|", " ").split() for line in table.strip().splitlines()[2:]]
    return {phase: cells for phase, *cells in lines}


def code_of(role: Role, tier: Tier, access: Access, phase: Phase, surface: Surface) -> Code | None:
    denied = enter(role, tier, access, phase, surface)
    return denied.code if denied else None


@pytest.mark.parametrize("phase", list(Phase))
def test_viewers_meet_the_cell_of_their_tier(phase: Phase) -> None:
    cells = rows(VIEWERS)[phase.value]
    for (access, tier), cell in zip(
        product((Access.TICKETED, Access.OPEN), (Tier.NONE, Tier.LOBBY, Tier.MAIN, Tier.VIP)), cells, strict=True
    ):
        assert code_of(Role.VIEWER, tier, access, phase, Surface.LIVE) is CODES[cell], (access, tier)


@pytest.mark.parametrize("phase", list(Phase))
def test_roles_meet_their_cell_whatever_their_ticket(phase: Phase) -> None:
    cells = rows(STAFF)[phase.value]
    surfaces_and_roles = product(
        (Surface.LIVE, Surface.CONSOLE), (Role.VIEWER, Role.MODERATOR, Role.HOST, Role.OPERATOR)
    )
    for (surface, role), cell in zip(surfaces_and_roles, cells, strict=True):
        if cell == "-":
            continue  # decided by the tier, see above
        for tier, access in product(Tier, Access):
            assert code_of(role, tier, access, phase, surface) is CODES[cell], (surface, role, tier, access)


@pytest.mark.parametrize(("phase", "surface"), list(product(Phase, Surface)))
def test_only_an_end_or_a_cancellation_sends_sockets_out(phase: Phase, surface: Surface) -> None:
    assert expelled_by(phase, surface) is SENT_OUT.get((phase, surface))
