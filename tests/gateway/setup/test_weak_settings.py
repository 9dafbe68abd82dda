"""Settings that would let strangers in are refused before anything is served, each by its name."""

import base64
import hashlib
import secrets
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.setup import preflight
from gateway.setup.doctor import Finding, Level, judge
from gateway.setup.preflight import CommandError
from gateway.setup.secret_strength import is_guessable
from gateway.setup.settings import DEMO_WIRE_SECRET, Mode, Settings
from gateway.setup.weak_settings import proxy_flaws

SOUND: dict[str, Any] = {
    "jwt_secrets": [secrets.token_urlsafe(48)],
    "grant_secrets": [secrets.token_hex(16)],
    "public_url": "https://live.example",
    "trusted_proxies": ["10.0.0.7"],
}


def production(**values: object) -> Settings:
    return preflight.load_settings(Mode.PRODUCTION, **{**SOUND, **values})


def found(settings: Settings, subject: str) -> list[Finding]:
    return [finding for finding in judge(settings) if finding.subject == subject]


def test_sound_settings_are_served() -> None:
    assert found(production(), "address")[0].level is Level.OK


@pytest.mark.parametrize(
    ("values", "names"),
    [
        ({"trusted_proxies": "*"}, ["LIVEROOM_TRUSTED_PROXIES=*"]),
        ({"trusted_proxies": "10.0.0.7,0.0.0.0/0"}, ["LIVEROOM_TRUSTED_PROXIES", "0.0.0.0/0"]),
        ({"trusted_proxies": "::/0"}, ["LIVEROOM_TRUSTED_PROXIES"]),
        ({"trusted_proxies": "128.0.0.0/1"}, ["LIVEROOM_TRUSTED_PROXIES"]),
        ({"trusted_proxies": "nginx"}, ["LIVEROOM_TRUSTED_PROXIES", "nginx"]),
        ({"trusted_proxies": "10.0.0.7/24"}, ["LIVEROOM_TRUSTED_PROXIES"]),
        ({"jwt_secrets": ["a" * 32]}, ["LIVEROOM_JWT_SECRETS"]),
        ({"grant_secrets": ["change-me-" * 4]}, ["LIVEROOM_GRANT_SECRETS"]),
        ({"wire_secrets": ["0123456789abcdef" * 2]}, ["LIVEROOM_WIRE_SECRETS"]),
        ({"jwt_secrets": [SOUND["grant_secrets"][0]]}, ["LIVEROOM_JWT_SECRETS and LIVEROOM_GRANT_SECRETS"]),
        ({"jwt_secrets": ["a" * 32], "grant_secrets": ["a" * 32]}, ["LIVEROOM_JWT_SECRETS", "LIVEROOM_GRANT_SECRETS"]),
        (
            {"trusted_proxies": ",".join(f"{number}.0.0.0/8" for number in range(1, 224))},
            ["TRUSTED_PROXIES", "1.0.0.0/8"],
        ),
        ({"trusted_proxies": "8.0.0.0/8,9.0.0.0/16"}, ["LIVEROOM_TRUSTED_PROXIES: 8.0.0.0/8"]),
        ({"trusted_proxies": "::ffff:0:0/96"}, ["LIVEROOM_TRUSTED_PROXIES", "::ffff:0:0/96"]),
        ({"trusted_proxies": "2000::/4,3000::/4"}, ["LIVEROOM_TRUSTED_PROXIES"]),
        ({"jwt_secrets": ["your-256-bit-secret-goes-here-00"]}, ["LIVEROOM_JWT_SECRETS"]),
        ({"wire_secrets": [f" {DEMO_WIRE_SECRET.upper()}\t"]}, ["LIVEROOM_WIRE_SECRETS has a secret of the demo"]),
        ({"jwt_secrets": [f" {SOUND['grant_secrets'][0]} "]}, ["LIVEROOM_JWT_SECRETS and LIVEROOM_GRANT_SECRETS"]),
        ({"jwt_secrets": f"{SOUND['grant_secrets'][0].upper()},"}, ["LIVEROOM_JWT_SECRETS and LIVEROOM_GRANT_SECRETS"]),
        ({"jwt_jwks_url": "https://"}, ["LIVEROOM_JWT_JWKS_URL", "no host"]),
        ({"jwt_jwks_url": "https:///keys.json"}, ["LIVEROOM_JWT_JWKS_URL", "no host"]),
        ({"jwt_jwks_url": "https://[::1/keys"}, ["LIVEROOM_JWT_JWKS_URL", "no host"]),
        ({"jwt_jwks_url": "http://platform.example/keys"}, ["LIVEROOM_JWT_JWKS_URL"]),
        ({"sandbox_url": "http://127.0.0.1:8001"}, ["LIVEROOM_SANDBOX_URL"]),
        ({"allowed_origins": "*"}, ["LIVEROOM_ALLOWED_ORIGINS=*"]),
        ({"trusted_proxies": "*", "jwt_jwks_url": "http://a.example"}, ["TRUSTED_PROXIES", "JWKS_URL"]),
    ],
)
def test_a_weak_setting_is_refused_in_production_by_its_name(values: dict[str, object], names: list[str]) -> None:
    with pytest.raises(CommandError) as refused:
        production(**values)
    assert all(name in str(refused.value) for name in names), refused.value
    assert not any(str(secret) in str(refused.value) for secret in SOUND["jwt_secrets"] + ["a" * 32])


@pytest.mark.parametrize(
    ("setting", "value", "says"),
    [
        ("allowed_origins", "https://site.example/shop", "path"),
        ("allowed_origins", "https://*.site.example", "wildcard"),
        ("allowed_origins", "null", "names none"),
        ("public_url", "live.example", "https://"),
        ("public_url", "https://live.example/tickets", "path"),
        ("public_url", "ftp://live.example", "https://"),
        ("public_url", "https://[::1", "begin|none"),
    ],
)
@pytest.mark.parametrize("mode", [Mode.PRODUCTION, Mode.DEMO])
def test_what_cannot_work_is_refused_at_the_start(mode: Mode, setting: str, value: str, says: str) -> None:
    with pytest.raises(CommandError, match=f"LIVEROOM_{setting.upper()}: .*({says})"):
        preflight.load_settings(mode, **{**SOUND, setting: value})


@pytest.mark.parametrize(
    "proxies",
    [
        ["10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "127.0.0.0/8", "169.254.0.0/16"],
        ["fc00::/7", "fe80::/10", "::1", "fd00::/8"],
        ["::ffff:10.0.0.0/104", "::ffff:203.0.113.7"],
        ["8.0.0.0/8", "10.0.0.0/9", "2001:db8::/32"],
    ],
)
def test_networks_of_one_house_are_trusted_however_wide(proxies: list[str]) -> None:
    assert list(proxy_flaws(proxies)) == []


def test_a_secret_is_used_without_the_white_space_around_it() -> None:
    bare = SOUND["jwt_secrets"][0]
    assert production(jwt_secrets=[f" {bare}\n"]).jwt_secrets == [bare]
    assert production(jwt_secrets=f" {bare} ,").jwt_secrets == [bare]


@pytest.mark.parametrize(
    "secret",
    [
        "abcdefghijklmnopqrstuvwxyz012345",
        "zyxwvutsrqponmlkjihgfedcba987654",
        "acegikmoqsuwybdfhjlnprtvxz135790",
        "qwertyuiopasdfghjklzxcvbnm123456",
        "1qaz2wsx3edc4rfv5tgb6yhn7ujm8ik,",
        "a1b2c3d4e5f6g7h8i9j0k1l2m3n4o5p6",
        "aAbBcCdDeEfFgGhHiIjJkKlLmMnNoOpP",
        "q7Zp2mKxq7Zp2mKyq7Zp2mKzq7Zp2mKw",
        "0123456789abcdef0123456789abcdeg",
        "your-256-bit-secret-your-256-bit-secret",
        "a-string-secret-at-least-256-bits-long",
        "please-change-this-secret-in-production",
        "my-super-secret-key-for-the-live-room-gateway",
        "LiveRoomGatewaySecretKey2026Production",
        "p4ssw0rd-p4ssw0rd-p4ssw0rd-p4ssw0rd!",
        "thequickbrownfoxjumpsoverthelazydog",
        "admin123admin456admin789admin012",
    ],
)
def test_what_people_write_can_be_guessed(secret: str) -> None:
    assert is_guessable(secret)


@given(st.binary(min_size=16, max_size=16), st.binary(min_size=24, max_size=64))
def test_random_secrets_are_never_refused(few: bytes, many: bytes) -> None:
    # hypothesis likes zeros and repetitions: only what is spread evenly over all bytes stands for random ones
    few, many = (hashlib.shake_256(seed).digest(len(seed)) for seed in (few, many))
    for secret in (few.hex(), many.hex(), base64.urlsafe_b64encode(many).decode().rstrip("=")):
        assert not is_guessable(secret), secret


@pytest.mark.parametrize("secret", ["correct horse battery staple orbit lamp", "4d5f1c0e-8a3b-4f9d-9a57-2f0c1b7e6d3a"])
def test_phrases_and_uuids_are_no_placeholders(secret: str) -> None:
    assert not is_guessable(secret)


def test_keys_of_this_machine_may_come_without_encryption() -> None:
    assert production(jwt_jwks_url="http://127.0.0.1:9000/keys").jwt_jwks_url


def test_https_without_a_trusted_proxy_is_told() -> None:
    [finding] = found(production(trusted_proxies=[]), "address")
    assert (finding.level, finding.change) == (Level.WARNING, "LIVEROOM_TRUSTED_PROXIES")


@pytest.mark.parametrize(
    ("setting", "url", "subject"),
    [
        ("redis_url", "redis://cache.internal:6379/0", "wire"),
        ("database_url", "postgresql+asyncpg://liveroom@sql.internal/liveroom", "database"),
    ],
)
def test_a_neighbour_without_a_password_is_told(setting: str, url: str, subject: str) -> None:
    told = found(production(**{setting: url, "wire_secrets": [secrets.token_urlsafe(48)]}), subject)
    assert Level.WARNING in {finding.level for finding in told}
    assert (
        found(
            production(
                **{
                    setting: url.replace("cache.internal", "127.0.0.1").replace("sql.internal", "[::1]"),
                    "wire_secrets": [secrets.token_urlsafe(48)],
                }
            ),
            subject,
        )
        == []
    )


@pytest.mark.parametrize(
    "host",
    ["*", " 127.0.0.1", "256.1.1.1", "127.0.0.1:9000", "[::1]:9000", "http://127.0.0.1", "fe80::1::2", "a/b", "a b"],
)
def test_what_cannot_be_listened_on_is_refused_with_a_sentence(host: str) -> None:
    """`doctor` answered 256.1.1.1 and 127.0.0.1:9000 with a traceback; `*` listened on every address."""
    with pytest.raises(CommandError) as refused:
        preflight.load_settings(Mode.DEMO, host=host)
    assert f"LIVEROOM_HOST: {host} is no address to listen on" in str(refused.value)


@pytest.mark.parametrize(
    "host", ["", "localhost", "live_1.internal", "10.0.0.7", "::", "fe80::1%eth0", "bücher.example"]
)
def test_addresses_and_names_can_be_listened_on(host: str) -> None:
    assert Settings.load(Mode.DEMO, host=host).host == host


@pytest.mark.parametrize(
    ("host", "local", "own"),
    [
        ("::1", "http://[::1]:8000", "http://[::1]:8000"),
        ("[::1]", "http://[::1]:8000", "http://[::1]:8000"),
        ("::", "http://[::1]:8000", "http://[::1]:8000"),
        ("0.0.0.0", "http://127.0.0.1:8000", "http://127.0.0.1:8000"),
        ("127.0.0.1", "http://127.0.0.1:8000", "http://127.0.0.1:8000"),
    ],
)
def test_an_address_of_ipv6_is_written_as_a_url(host: str, local: str, own: str) -> None:
    settings = Settings.load(Mode.DEMO, host=host)
    assert (settings.local_url, settings.own_url) == (local, own)
