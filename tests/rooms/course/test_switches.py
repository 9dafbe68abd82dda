"""Switches flip by name; panic only narrows."""

from hypothesis import given
from hypothesis import strategies as st

from auth.situation import MAX_SLOW_MS, Scale, Switches
from rooms.course.switches import PANIC, PANIC_SLOW_MS, SwitchChanges, flip, panic

ORDER = [Scale.OFF, Scale.VIP, Scale.TICKET, Scale.EVERYONE]
SCALES = st.sampled_from(Scale)
SWITCHES = st.builds(
    Switches, chat=SCALES, gifts=SCALES, cohost=SCALES, likes=SCALES, slow_ms=st.integers(0, MAX_SLOW_MS)
)


def test_only_named_switches_change() -> None:
    before = Switches(chat=Scale.OFF, slow_ms=9)
    assert flip(before, SwitchChanges(links=False, slow_ms=0)) == Switches(chat=Scale.OFF, slow_ms=0, links=False)
    assert flip(before, SwitchChanges()) == before


@given(SWITCHES)
def test_panic_narrows_and_never_widens(before: Switches) -> None:
    after = panic(before)
    for name in ("chat", "gifts", "cohost"):
        scale = getattr(after, name)
        assert ORDER.index(scale) <= ORDER.index(getattr(before, name))
        assert ORDER.index(scale) <= ORDER.index(Scale.TICKET)
    assert after.slow_ms >= max(before.slow_ms, PANIC_SLOW_MS)
    assert not after.links
    assert panic(after) == after


def test_panic_on_open_switches_is_the_panic_setting() -> None:
    wide = Switches(chat=Scale.EVERYONE, gifts=Scale.EVERYONE, cohost=Scale.EVERYONE)
    assert panic(wide) == flip(wide, PANIC)
