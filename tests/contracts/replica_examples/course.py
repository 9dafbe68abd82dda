from tests.contracts.replica_suite import HOUR_MS, Evening


def _in_an_hour(now: Evening) -> int:
    return now.house.clock() + HOUR_MS


async def _clear(now: Evening) -> None:
    made = await now.do("countdown:set", {"target_ms": _in_an_hour(now), "label": "encore"})
    await now.do("countdown:clear", {"id": made.id})


async def _move_the_show(now: Evening) -> None:
    await now.do("countdown:set", {"kind": "show", "target_ms": _in_an_hour(now)})


EXAMPLES = {
    "show:phase": lambda now: now.do("show:phase", {"phase": "paused"}),
    "room:switches": lambda now: now.do("room:switches", {"slow_ms": 5000, "sales_left": False}),
    "panic": lambda now: now.do("panic"),
    "countdown:set": lambda now: now.do("countdown:set", {"target_ms": _in_an_hour(now), "label": "encore"}),
    "countdown:clear": _clear,
    "the schedule's own countdown": _move_the_show,
    "the end of a show": lambda now: now.do("show:phase", {"phase": "ended"}),
}
