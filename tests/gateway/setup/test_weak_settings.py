"""Settings that would let strangers in are refused before anything is served, each by its name."""

import secrets
from typing import Any

import pytest

from gateway.setup import preflight
from gateway.setup.doctor import Finding, Level, judge
from gateway.setup.preflight import CommandError
from gateway.setup.settings import Mode, Settings

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
