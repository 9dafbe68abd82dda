"""What only demo and test have: the login and the shows that visitors find."""

import jwt
import pytest

from auth.tokens import display_name
from tests.integration.evening import evening
from tests.integration.running import Liveroom

pytestmark = pytest.mark.asyncio(loop_scope="package")


async def test_a_show_that_somebody_puts_on_is_not_the_one_visitors_are_sent_to(house: Liveroom) -> None:
    # `liveroom rehearse` against a demo: visitors were sent to the rehearsal's show, the newest in presale
    before = await house.show()
    async with evening(house, "presale") as show:
        assert show.show != before["show"]
        assert await house.show() == before


async def test_a_login_gives_the_asked_role_and_takes_the_others(house: Liveroom) -> None:
    async def roles(show: str) -> set[tuple[str, str]]:
        bearer = {"authorization": f"Bearer {await house.login('olga', 'operator')}"}
        held = (await house.http.get(f"/api/v1/shows/{show}/roles", headers=bearer)).json()["roles"]
        return {(one["role"], one["scope"]) for one in held if one["user"] == "many-hats"}

    show = (await house.show())["show"]
    for role, expected in (
        ("host", {("host", "show")}),
        ("operator", {("operator", "everywhere")}),
        ("moderator", {("moderator", "show")}),
        ("viewer", set()),
    ):
        await house.login("many-hats", role)
        assert await roles(show) == expected


async def test_a_family_may_log_in_under_its_emoji_and_is_shown_so(house: Liveroom) -> None:
    # "The request was not understood": the joiners within the emoji were taken for a disguise
    family = "Chen 👨\u200d👩\u200d👧"
    answer = await house.http.post("/demo/login", json={"user": family, "role": "viewer"})
    assert answer.status_code == 200, answer.text
    claims = jwt.decode(answer.json()["token"], options={"verify_signature": False})
    assert display_name(claims["sub"]) == claims["sub"] == family
    for hidden in ("Chen\u200d", "\u202eChen", "Ch\u200ben"):
        refused = await house.http.post("/demo/login", json={"user": hidden, "role": "viewer"})
        assert refused.json()["error"]["field"] == "user"
