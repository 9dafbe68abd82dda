from tests.contracts.replica_suite import Evening


async def _retract(now: Evening) -> None:
    await now.do("retract", {"id": await now.say("never mind")})


async def _pin(now: Evening) -> None:
    await now.do("pin", {"id": await now.say("encore!")})


async def _unpin(now: Evening) -> None:
    said = await now.say("encore!")
    await now.do("pin", {"id": said})
    await now.do("unpin", {"id": said})


EXAMPLES = {
    "danmaku": lambda now: now.say("hello"),
    "retract": _retract,
    "pin": _pin,
    "unpin": _unpin,
    "announce": lambda now: now.do("announce", {"text": "five minutes"}),
}
