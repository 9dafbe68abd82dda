"""Under which names people are shown in a room."""

import pytest

from auth.identity import UserId
from rooms.names.names import alias
from tests.integration.evening import Evening, done, evening
from tests.integration.running import Liveroom

pytestmark = pytest.mark.asyncio(loop_scope="package")


async def shown(show: Evening, user: str) -> tuple[str, str]:
    """The name in the welcome of a fan, and the one beside what they say; whoever comes back has a ticket already."""
    fan = await (show.enter(user) if user in show.tokens else show.fan(user))
    said = await done(fan, "danmaku", {"text": f"it is me, {user}"})
    told = await show.host.wait("danmaku", lambda one: any(item["id"] == said["id"] for item in one["items"]))
    return (await fan.wait("welcome"))["you"]["name"], next(
        item["name"] for item in told["items"] if item["id"] == said["id"]
    )


async def test_no_viewer_is_shown_as_the_host_or_under_an_official_name(house: Liveroom) -> None:
    async with evening(house) as show:
        fake_host, fake_star = "НOST", "🅰urоra★"  # the first letter and the o are Cyrillic
        assert await shown(show, fake_host) == (alias(UserId(fake_host)),) * 2
        assert await shown(show, fake_star) == (fake_star, fake_star)
        kept = await done(show.host, "names:set", {"names": ["Aurora", " aurora "]})
        assert kept["names"] == ["aurora"]
        assert (await show.host.wait("names", lambda one: one["version"] == kept["version"]))["names"] == ["aurora"]
        assert await shown(show, "Aurora") == (alias(UserId("Aurora")),) * 2
        assert (await shown(show, fake_star))[1] == alias(UserId(fake_star))
        assert await shown(show, "Aurora's fan") == ("Aurora's fan",) * 2


async def test_the_lists_of_the_api_and_of_the_console_are_one(house: Liveroom) -> None:
    async with evening(house) as show:
        bearer = {"authorization": f"Bearer {house.token('host')}"}
        path = f"/api/v1/shows/{show.show}/names"
        assert (await house.http.get(path, headers=bearer)).json()["hosts"] == ["host"]
        set_by_api = await house.http.put(path, headers=bearer, json={"names": ["极光官方"]})
        assert set_by_api.json() == {"show": show.show, "names": ["极光官方"], "hosts": ["host"]}
        await show.host.wait("names", lambda one: one["names"] == ["极光官方"])
        assert (await shown(show, "極光·官方"))[1] == alias(UserId("極光·官方"))
        bad = await house.http.put(path, headers=bearer, json={"names": ["\u202e"]})
        assert bad.json()["error"]["field"] == "names"


async def test_a_family_and_a_persian_name_are_shown_as_they_are(house: Liveroom) -> None:
    async with evening(house) as show:
        for name in ("👨\u200d👩\u200d👧", "می\u200cخواهم", "فاطمة"):
            assert await shown(show, name) == (name, name)
