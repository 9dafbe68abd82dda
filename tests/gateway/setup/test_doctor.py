"""The doctor names what is wrong and the setting to change; the settings command leaves none out."""

import os
import sys
from contextlib import closing
from pathlib import Path

import msgspec
import pytest

from gateway.cli.__main__ import main
from gateway.setup import doctor
from gateway.setup.described import described
from gateway.setup.doctor import Finding, Level, examine
from gateway.setup.settings import DEMO_JWT_SECRET, Mode, Settings
from tests.ports import free_port
from tests.redis_server import RedisServer

SECRET = "q0PzvT7cXn2RmW9hJ4yLb6KsE8fGdU1a"
GRANT_SECRET = "V3nCk8wQe5ZrTj1XyPu7MbHs9LdFa2Go"


def production(**values: object) -> Settings:
    return Settings.load(
        Mode.PRODUCTION,
        **{
            "jwt_secrets": [SECRET],
            "grant_secrets": [GRANT_SECRET],
            "public_url": "https://live.example",
            "trusted_proxies": ["10.0.0.7"],
            **values,
        },
    )


def found(settings: Settings, subject: str) -> Finding:
    return next(finding for finding in doctor.judge(settings) if finding.subject == subject)


def test_a_demo_that_listens_to_the_world_is_a_failure() -> None:
    assert found(Settings.load(Mode.DEMO, host="0.0.0.0"), "mode").level is Level.FAILURE
    assert found(Settings.load(Mode.DEMO), "mode").level is Level.NOTE


def test_an_unencrypted_address_is_told_with_its_setting() -> None:
    finding = found(production(public_url="http://live.example"), "address")
    assert (finding.level, finding.change) == (Level.WARNING, "LIVEROOM_PUBLIC_URL")
    assert found(production(), "address").level is Level.OK


def test_production_without_a_provider_is_told() -> None:
    assert found(production(), "payments").level is Level.WARNING


def test_an_unreadable_file_is_a_failure(tmp_path: Path) -> None:
    assert found(production(blocked_words_file=tmp_path / "none"), "blocked words").level is Level.FAILURE
    assert found(production(jwt_jwks_file=tmp_path / "none"), "tokens").level is Level.FAILURE


def test_blocked_words_are_counted_or_the_line_is_told(tmp_path: Path) -> None:
    # the tested parser was never called: a comment blocked its own words, `word,3` blocked nothing
    file = tmp_path / "words.txt"
    for data, level, says in (
        ("\ufeff# ours\r\nbad\r\nworse,3\r\n敏感词|政治\r\n".encode(), Level.OK, "3 in force"),
        (b"bad\nworse,very\n", Level.FAILURE, "line 2: "),
        ("敏感词\n坏话\n".encode("gbk"), Level.FAILURE, "iconv -f GBK -t UTF-8"),
        (b"# nothing yet\n", Level.WARNING, "no word"),
        (b"a|\n" * 9, Level.FAILURE, "and 4 more"),
    ):
        file.write_bytes(data)
        finding = found(production(blocked_words_file=file), "blocked words")
        assert finding.level is level
        assert says in finding.says
    assert found(production(blocked_words_file=tmp_path), "blocked words").level is Level.FAILURE


async def test_a_missing_database_is_a_failure_in_production_only(tmp_path: Path) -> None:
    for settings, level in (
        (production(data_dir=tmp_path), Level.FAILURE),
        (Settings.load(Mode.DEMO, data_dir=tmp_path), Level.NOTE),
    ):
        findings = [finding async for finding in doctor.examine(settings)]
        assert next(one for one in findings if one.subject == "database").level is level


@pytest.mark.parametrize("setting", ["jwt_secrets", "grant_secrets", "sandbox_secrets"])
def test_secrets_of_the_demo_are_refused_in_production(setting: str) -> None:
    with pytest.raises(ValueError, match=f"LIVEROOM_{setting.upper()} has a secret of the demo"):
        production(**{setting: [DEMO_JWT_SECRET]})


def test_every_setting_has_a_unit_and_a_meaning() -> None:
    rows = described(os.environ)
    assert {row.name for row in rows} == {f"LIVEROOM_{name.upper()}" for name in Settings.model_fields}
    assert [row.name for row in rows if not row.unit or not row.meaning] == []


def test_secrets_are_not_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LIVEROOM_JWT_SECRETS", SECRET)
    monkeypatch.setenv("LIVEROOM_DATABASE_URL", "postgresql+asyncpg://u:hidden@host/db")
    told = msgspec.json.encode(described(os.environ)).decode()
    assert SECRET not in told
    assert "hidden" not in told


def test_the_command_exits_with_1_when_something_must_be_changed(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["liveroom", "doctor", "--json"])
    assert main() == 1  # production without any secret
    finding = msgspec.json.decode(capsys.readouterr().out)[0]
    assert (finding["level"], finding["subject"]) == ("failure", "settings")


async def wire_of(url: str) -> Finding:
    settings = Settings.load(Mode.DEMO, redis_url=url)
    [told] = [finding async for finding in examine(settings) if finding.subject == "wire"]
    return told


async def test_a_redis_that_may_forget_what_it_was_given_is_told() -> None:
    with closing(RedisServer(None, "--maxmemory-policy", "allkeys-lru")) as redis:
        redis.start()
        assert (await wire_of(redis.url)).level is Level.WARNING
    with closing(RedisServer(None, "--maxmemory-policy", "noeviction")) as redis:
        redis.start()
        assert (await wire_of(redis.url)).level is Level.OK


async def test_a_redis_that_is_not_there_is_a_failure() -> None:
    found = await wire_of(f"redis://127.0.0.1:{free_port()}")
    assert (found.level, found.change) == (Level.FAILURE, "LIVEROOM_REDIS_URL")
