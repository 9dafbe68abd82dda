"""The permission table, cell by cell.

The expectation is written a second time here, as the grid of contract.md with one letter per right, so
that the code is held against the text and not against itself:
  m stream:main   v stream:vip   r chat:read   d danmaku   g gift   l like   c cohost
"""

from itertools import product

import pytest
from msgspec import convert

from auth.identity import Role, Tier
from auth.permissions import Permission, permissions, reading_floor
from auth.situation import Access, Phase, Switches

LETTERS = {
    "m": Permission.STREAM_MAIN,
    "v": Permission.STREAM_VIP,
    "r": Permission.CHAT_READ,
    "d": Permission.DANMAKU,
    "g": Permission.GIFT,
    "l": Permission.LIKE,
    "c": Permission.COHOST,
}

# What a viewer has when every switch stands on `everyone`.
WIDE_OPEN = """
            ticketed                    | open
phase       none  lobby  main    vip    | none    lobby   main    vip
draft       -     -      -       -      | -       -       -       -
presale     -     -      -       -      | -       -       -       -
doors       -     -      rdglc   rdglc  | -       -       rdglc   rdglc
live        -     -      mrdglc  mvrdglc| mrdglc  mrdglc  mrdglc  mvrdglc
paused      -     -      mrdgl   mvrdgl | mrdgl   mrdgl   mrdgl   mvrdgl
ended       -     -      -       -      | -       -       -       -
replay      -     -      mrd     mvrd   | mr      r       mrd     mvrd
cancelled   -     -      -       -      | -       -       -       -
"""

STAFF = {
    "draft": "mvrdglc",
    "presale": "mvrdglc",
    "doors": "mvrdglc",
    "live": "mvrdglc",
    "paused": "mvrdglc",
    "ended": "r",
    "replay": "mvrdglc",
    "cancelled": "-",
}

# Which tiers a switch lets through.
SCALES = {"off": "", "vip": "vip", "ticket": "main vip", "everyone": "none lobby main vip"}
SWITCHED = {"d": "chat", "g": "gifts", "c": "cohost", "l": "likes"}


def grid() -> dict[tuple[str, str, str], str]:
    cells = {}
    for line in WIDE_OPEN.strip().splitlines()[2:]:
        phase, *rest = line.replace("|", " ").split()
        for (access, tier), letters in zip(
            product(("ticketed", "open"), ("none", "lobby", "main", "vip")), rest, strict=True
        ):
            cells[phase, access, tier] = letters.strip("-")
    return cells


GRID = grid()
DEFAULTS = {"chat": "ticket", "gifts": "ticket", "cohost": "ticket", "likes": "everyone"}
SETTINGS = [
    DEFAULTS,
    *(dict.fromkeys(DEFAULTS, scale) for scale in SCALES),
    *({**DEFAULTS, name: scale} for name in DEFAULTS for scale in SCALES),
]


def switches(setting: dict[str, str]) -> Switches:
    return convert(setting, Switches)


def letters_of(found: frozenset[Permission]) -> str:
    return "".join(letter for letter, permission in LETTERS.items() if permission in found)


def expected(phase: str, access: str, tier: str, setting: dict[str, str]) -> str:
    return "".join(
        letter
        for letter in LETTERS
        if letter in GRID[phase, access, tier]
        and (letter not in SWITCHED or tier in SCALES[setting[SWITCHED[letter]]].split())
    )


@pytest.mark.parametrize("phase", list(Phase))
@pytest.mark.parametrize("access", list(Access))
@pytest.mark.parametrize("tier", list(Tier))
def test_a_viewer_has_what_the_cell_says_under_every_setting_of_every_switch(
    phase: Phase, access: Access, tier: Tier
) -> None:
    for setting in SETTINGS:
        found = permissions(Role.VIEWER, tier, access, phase, switches(setting))
        assert letters_of(found) == expected(phase.value, access.value, tier.value, setting), setting


@pytest.mark.parametrize("phase", list(Phase))
@pytest.mark.parametrize("role", [Role.MODERATOR, Role.HOST, Role.OPERATOR])
def test_staff_are_above_tiers_and_switches(phase: Phase, role: Role) -> None:
    for access, tier, setting in product(Access, Tier, SETTINGS):
        found = permissions(role, tier, access, phase, switches(setting))
        assert letters_of(found) == STAFF[phase.value].strip("-")


def test_default_switches_give_the_plain_table_of_the_contract() -> None:
    def live(tier: Tier, access: Access) -> str:
        return letters_of(permissions(Role.VIEWER, tier, access, Phase.LIVE, Switches()))

    assert live(Tier.NONE, Access.TICKETED) == ""
    assert live(Tier.NONE, Access.OPEN) == "mrl"
    assert live(Tier.LOBBY, Access.OPEN) == "mrl"
    assert live(Tier.MAIN, Access.TICKETED) == "mrdglc"
    assert live(Tier.VIP, Access.TICKETED) == "mvrdglc"


@pytest.mark.parametrize(("phase", "access", "tier"), list(product(Phase, Access, Tier)))
def test_the_reading_floor_says_exactly_who_reads(phase: Phase, access: Access, tier: Tier) -> None:
    floor = reading_floor(access, phase)
    reads = Permission.CHAT_READ in permissions(Role.VIEWER, tier, access, phase, Switches())
    assert reads == (floor is not None and tier >= floor)


def test_a_better_tier_never_has_less_except_a_balance_due_at_a_replay() -> None:
    for phase, access, setting in product(Phase, Access, SETTINGS):
        rights = [permissions(Role.VIEWER, tier, access, phase, switches(setting)) for tier in Tier]
        for (low, less), more in zip(zip(Tier, rights, strict=False), rights[1:], strict=False):
            if low is Tier.NONE and phase is Phase.REPLAY:
                continue  # lobby is refused there, see the door
            assert less <= more
