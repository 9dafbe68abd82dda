import pytest
from hypothesis import given
from hypothesis import strategies as st

from auth.denials import Code, Denied
from auth.grants import GrantClaims, StreamGrants
from auth.grants_hls import HlsGrants
from auth.identity import RoomId, UserId
from tests.auth.signing import OTHER_SECRET, SECRET
from tests.contracts.grants_suite import FAN, NOW_MS, ROOM, GrantsSuite, shown

GRANTS = HlsGrants([SECRET])
INVALID = Denied(Code.TOKEN_INVALID)


class TestHlsGrants(GrantsSuite):
    @pytest.fixture
    def grants(self) -> StreamGrants:
        return GRANTS


def test_the_token_stands_in_the_path_so_that_segments_inherit_it() -> None:
    path = shown(GRANTS.play(FAN, ROOM, "main", NOW_MS))
    prefix, token, rest = path[: len("/hls/")], path.split("/")[2], path.split("/", 3)[3]
    assert (prefix, rest) == ("/hls/", "room-1/main/index.m3u8")
    assert token.replace("-", "").replace("_", "").isalnum()
    for segment in ("seg-00001.ts", "720p/seg-1.m4s"):
        assert isinstance(GRANTS.verify(path.replace("index.m3u8", segment), NOW_MS), GrantClaims)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("/main/", "/vip/"),
        ("/room-1/", "/room-2/"),
        ("index.m3u8", ""),
        ("/index.m3u8", ""),
        ("index.m3u8", "../vip/seg.ts"),
        ("index.m3u8", "..%2Fvip%2Fseg.ts"),
        ("index.m3u8", "%2e%2e/vip/seg.ts"),
        ("index.m3u8", "%252e%252e/vip/seg.ts"),
        ("index.m3u8", "..\\vip\\seg.ts"),
        ("/hls/", "/ingest/"),
        ("/hls/", "hls/"),
    ],
)
def test_another_place_than_the_granted_one_is_invalid(old: str, new: str) -> None:
    path = shown(GRANTS.play(FAN, ROOM, "main", NOW_MS))
    assert GRANTS.verify(path.replace(old, new, 1), NOW_MS) == INVALID


def test_a_play_grant_publishes_nothing() -> None:
    token = shown(GRANTS.play(FAN, ROOM, "cohost", NOW_MS)).split("/")[2]
    assert GRANTS.verify(f"/ingest/{token}/{ROOM}/{FAN}", NOW_MS) == INVALID


def test_nobody_publishes_as_somebody_else() -> None:
    path = shown(GRANTS.publish(FAN, ROOM, NOW_MS))
    assert path.endswith("/room-1/fan-1")
    assert GRANTS.verify(path.replace("fan-1", "fan-2"), NOW_MS) == INVALID


@given(st.integers(min_value=0), st.sampled_from("ABCxyz019-_="))
def test_a_token_with_any_character_changed_is_invalid(at: int, char: str) -> None:
    path = shown(GRANTS.play(FAN, ROOM, "main", NOW_MS))
    token = path.split("/")[2]
    at %= len(token)
    changed = token[:at] + char + token[at + 1 :]
    if changed != token:
        found = GRANTS.verify(path.replace(token, changed), NOW_MS)
        assert found == INVALID


def test_two_secrets_are_active_while_one_is_rotated_out() -> None:
    old, both, new = HlsGrants([SECRET]), HlsGrants([OTHER_SECRET, SECRET]), HlsGrants([OTHER_SECRET])
    signed_before = shown(old.play(FAN, ROOM, "main", NOW_MS))
    signed_now = shown(both.play(FAN, ROOM, "main", NOW_MS))
    assert isinstance(both.verify(signed_before, NOW_MS), GrantClaims)
    assert isinstance(new.verify(signed_now, NOW_MS), GrantClaims)
    assert new.verify(signed_before, NOW_MS) == INVALID


@pytest.mark.parametrize("name", ["用户", "a/b", "a b?c#d", "100%", "auth0|1"])
def test_ids_of_any_spelling_survive_the_path(name: str) -> None:
    for path in (
        shown(GRANTS.publish(UserId(name), RoomId(name), NOW_MS)),
        shown(GRANTS.play(UserId(name), RoomId(name), "main", NOW_MS)),
    ):
        found = GRANTS.verify(path, NOW_MS)
        assert isinstance(found, GrantClaims)
        assert (found.viewer, found.room) == (name, name)


def test_lifetime_and_base_url_are_settings() -> None:
    grant = HlsGrants([SECRET], lifetime_seconds=30, base_url="https://media.example/").play(FAN, ROOM, "main", NOW_MS)
    assert grant.expires_ms == NOW_MS + 30_000
    assert grant.url.startswith("https://media.example/hls/")


@pytest.mark.parametrize("secrets", [[], [SECRET] * 3, ["short"]])
def test_secrets_are_one_or_two_and_long(secrets: list[str]) -> None:
    with pytest.raises(ValueError, match="secret"):
        HlsGrants(secrets)
