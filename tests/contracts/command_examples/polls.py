from typing import Any

from tests.integration.clients import Client
from tests.integration.evening import done

VALID: dict[str, dict[str, object]] = {
    "poll:ask": {"question": "Encore?", "options": ["yes", "no"]},
    "poll:end": {"poll": "a-poll"},
    "poll:vote": {"poll": "a-poll", "option": 1},
}
KINDS = {"question": "text", "options": "options", "poll": "id", "option": "int"}
ILL_TYPED: dict[str, list[Any]] = {
    "options": [
        7,
        True,
        {},
        "yes",
        [],
        ["yes"],
        ["yes", 7],
        ["yes", None],
        ["yes", ["no"]],
        ["yes", "n" * 961],
        list("abcdefg"),
    ],
}
TOO_LONG = {("poll:ask", "question"): 2881}


async def be_heard(host: Client, fan: Client) -> None:
    poll = await done(host, "poll:ask", {"question": "Encore?", "options": ["yes", "no"]})
    await done(fan, "poll:vote", {"poll": poll["id"], "option": 0})
