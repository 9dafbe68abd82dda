import pytest

from auth.console import CONSOLE_EVENTS, may
from auth.identity import Role

ANY_STAFF = (
    "mute unmute ban unban kick retract pin unpin panic cohost:approve cohost:reject cohost:invite cohost:remove"
).split()
HOSTS_ONLY = "show:phase room:switches announce names:set countdown:set countdown:clear".split()


def test_every_console_event_is_named_here() -> None:
    assert sorted(CONSOLE_EVENTS) == sorted(ANY_STAFF + HOSTS_ONLY)


@pytest.mark.parametrize("event", ANY_STAFF)
def test_moderators_moderate(event: str) -> None:
    assert [may(role, event) for role in Role] == [False, True, True, True]


@pytest.mark.parametrize("event", HOSTS_ONLY)
def test_the_show_itself_is_the_hosts(event: str) -> None:
    assert [may(role, event) for role in Role] == [False, False, True, True]


@pytest.mark.parametrize("role", list(Role))
def test_an_unknown_event_is_nobodys(role: Role) -> None:
    assert not may(role, "show:delete")
