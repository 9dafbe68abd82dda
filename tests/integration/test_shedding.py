"""A room in which more is said than it can be told leaves the least out, and says so."""

from pathlib import Path

from tests.integration.evening import done, evening
from tests.integration.running import liveroom

NARROW = {"danmaku_per_room_per_second": 4.0, "danmaku_per_second": 50, "danmaku_burst": 50}


async def test_who_is_left_out_is_told_so_and_so_is_the_console_while_staff_and_gifts_get_through(
    tmp_path: Path,
) -> None:
    async with liveroom(tmp_path, **NARROW) as house, evening(house) as show:
        vip, main = await show.fan("mei", "vip"), await show.fan("li")
        answers = [await done(main, "danmaku", {"text": f"main {turn}"}) for turn in range(12)]
        shed = {answer["id"] for answer in answers if answer.get("shed")}
        said = {answer["id"] for answer in answers} - shed
        assert shed
        assert said
        assert "shed" not in await done(show.host, "danmaku", {"text": "host"})
        await done(vip, "gift", {"gift": "rose", "count": 1, "key": "3f0c1d8e-0000-4000-8000-000000000001"})
        last = (await done(show.host, "danmaku", {"text": "the last word"}))["id"]
        health = await show.host.wait("health", lambda told: bool(told["shed"]))
        assert health["shed"]["paid"] == len(shed)
        await vip.wait("danmaku", lambda told: told["items"][-1]["id"] == last)
        heard = {item["id"] for told in vip.all("danmaku") for item in told["items"]}
        assert said < heard
        assert not shed & heard, "left out for everybody alike"
