from tests.contracts.replica_suite import FAN, Evening


async def _ask(now: Evening) -> None:
    await now.do("cohost:request", {"message": "let me sing"}, FAN)


async def _after_asking(now: Evening, name: str, by: str = "host") -> None:
    await _ask(now)
    if by == "host":
        await now.do(name, {"user": FAN})
    else:
        await now.do(name, by=FAN)


async def _leave(now: Evening) -> None:
    await _after_asking(now, "cohost:approve")
    await now.do("cohost:leave", by=FAN)


async def _remove(now: Evening) -> None:
    await _after_asking(now, "cohost:approve")
    await now.do("cohost:remove", {"user": FAN})


async def _invite(now: Evening) -> None:
    await now.come_in(FAN)
    await now.do("cohost:invite", {"user": FAN})


async def _accept(now: Evening) -> None:
    await _invite(now)
    await now.do("cohost:accept", by=FAN)


async def _end_with_somebody_on_stage(now: Evening) -> None:
    await _after_asking(now, "cohost:approve")
    await now.do("show:phase", {"phase": "ended"})


EXAMPLES = {
    "cohost:request": _ask,
    "cohost:cancel": lambda now: _after_asking(now, "cohost:cancel", "fan"),
    "cohost:approve": lambda now: _after_asking(now, "cohost:approve"),
    "cohost:reject": lambda now: _after_asking(now, "cohost:reject"),
    "cohost:leave": _leave,
    "cohost:remove": _remove,
    "cohost:invite": _invite,
    "cohost:accept": _accept,
    "a show that ends with somebody on stage": _end_with_somebody_on_stage,
}
