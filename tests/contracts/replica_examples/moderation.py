from tests.contracts.replica_suite import FAN, Evening


async def _unmute(now: Evening) -> None:
    await now.do("mute", {"user": FAN})
    await now.do("unmute", {"user": FAN})


async def _unban(now: Evening) -> None:
    await now.do("ban", {"user": FAN})
    await now.do("unban", {"user": FAN})


async def _mute_longer(now: Evening) -> None:
    await now.do("mute", {"user": FAN, "minutes": 1})
    await now.do("mute", {"user": FAN, "minutes": 90})


EXAMPLES = {
    "mute": lambda now: now.do("mute", {"user": FAN, "minutes": 5}),
    "a mute that is made longer": _mute_longer,
    "unmute": _unmute,
    "ban": lambda now: now.do("ban", {"user": FAN}),
    "unban": _unban,
    "kick": lambda now: now.do("kick", {"user": FAN}),
}
