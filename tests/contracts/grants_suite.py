"""What every adapter of stream grants promises. A test file of an adapter inherits it and gives `grants`."""

from urllib.parse import urlsplit

from auth.denials import Code, Denied
from auth.grants import Grant, GrantClaims, StreamGrants
from auth.identity import RoomId, UserId

NOW_MS = 1_800_000_000_000
FAN = UserId("fan-1")
ROOM = RoomId("room-1")


def shown(grant: Grant) -> str:
    return urlsplit(grant.url).path


class GrantsSuite:
    def test_a_grant_is_worth_what_it_names(self, grants: StreamGrants) -> None:
        grant = grants.play(FAN, ROOM, "vip", NOW_MS)
        assert (grant.stream, grant.right) == ("vip", "play")
        assert grants.verify(shown(grant), NOW_MS) == GrantClaims(FAN, ROOM, "vip", "play", grant.expires_ms)

    def test_publishing_is_a_right_of_its_own(self, grants: StreamGrants) -> None:
        grant = grants.publish(FAN, ROOM, NOW_MS)
        assert grant.right == "publish"
        found = grants.verify(shown(grant), NOW_MS)
        assert isinstance(found, GrantClaims)
        assert (found.viewer, found.room, found.right) == (FAN, ROOM, "publish")

    def test_it_ends_at_its_moment(self, grants: StreamGrants) -> None:
        grant = grants.play(FAN, ROOM, "main", NOW_MS)
        assert grant.expires_ms > NOW_MS
        assert isinstance(grants.verify(shown(grant), grant.expires_ms - 1), GrantClaims)
        assert grants.verify(shown(grant), grant.expires_ms) == Denied(Code.TOKEN_EXPIRED)

    def test_what_it_never_made_is_invalid(self, grants: StreamGrants) -> None:
        for path in ("", "/", "/hls", "nonsense", "/hls//room-1/main/index.m3u8", "/x" * 5000):
            assert grants.verify(path, NOW_MS) == Denied(Code.TOKEN_INVALID)
