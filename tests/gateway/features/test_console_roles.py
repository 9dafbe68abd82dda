"""Which role may send which command of a console."""

import pytest

from auth.identity import Role
from gateway.contract.rows import HOSTS, STAFF
from gateway.features.registry import BY_NAME, CONSOLE_COMMANDS

ANY_STAFF = (
    "mute unmute ban unban kick retract pin unpin panic cohost:approve cohost:reject cohost:invite cohost:remove"
).split()
HOSTS_ONLY = "show:phase room:switches announce names:set countdown:set countdown:clear".split()


def may(role: Role, name: str) -> bool:
    return role in (BY_NAME[name].roles or ())


def test_every_console_command_is_of_the_whole_staff_or_of_hosts() -> None:
    # those of later features are named in tests of their own
    assert {command.roles for command in CONSOLE_COMMANDS} == {STAFF, HOSTS}
    assert {command.name for command in CONSOLE_COMMANDS} >= {*ANY_STAFF, *HOSTS_ONLY}


@pytest.mark.parametrize("name", ANY_STAFF)
def test_moderators_moderate(name: str) -> None:
    assert [may(role, name) for role in Role] == [False, True, True, True]


@pytest.mark.parametrize("name", HOSTS_ONLY)
def test_the_show_itself_is_the_hosts(name: str) -> None:
    assert [may(role, name) for role in Role] == [False, False, True, True]
