from tests.contracts.replica_suite import FAN, HOST, Evening

QUESTION = {"question": "Encore?", "options": ["yes", "no"]}


async def _ask(now: Evening) -> str:
    made: str = (await now.do("poll:ask", QUESTION)).id
    return made


async def _vote(now: Evening) -> str:
    poll = await _ask(now)
    await now.do("poll:vote", {"poll": poll, "option": 0}, FAN)
    await now.do("poll:vote", {"poll": poll, "option": 1}, FAN)
    await now.do("poll:vote", {"poll": poll, "option": 1}, HOST)
    return poll


async def _end(now: Evening) -> None:
    await now.do("poll:end", {"poll": await _vote(now)})


EXAMPLES = {"poll:ask": _ask, "poll:vote": _vote, "poll:end": _end}
