"""What ships in deploy/ names only what is there: settings, files, units, limits in step with each other."""

import configparser
import re
import shutil
import subprocess
from pathlib import Path
from secrets import token_urlsafe
from typing import Any

import pytest
import yaml  # type: ignore[import-untyped]
from redis import Redis
from redis.exceptions import NoPermissionError

from gateway.setup.preflight import CommandError, load_settings
from gateway.setup.settings import Duty, Mode, Settings
from tests import redis_server
from tests.deploy.street import DEPLOY, PLACES, ROOT, ShippedRedis

UNITS = sorted((DEPLOY / "systemd").glob("*.service"))
AFTER_THE_DRAIN_SECONDS = 10
"""As docs/operating.md says: what a supervisor waits beyond LIVEROOM_DRAIN_SECONDS before it kills."""
OF_THE_TESTS = {"LIVEROOM_TEST_POSTGRES_URL", "LIVEROOM_TEST_REDIS_URL"}


def compose() -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load((DEPLOY / "compose.yaml").read_text("utf-8"))
    return found


def ours() -> dict[str, dict[str, Any]]:
    """The services that run the image of the Dockerfile."""
    return {name: service for name, service in compose()["services"].items() if "build" in service}


def instructions() -> list[tuple[str, str]]:
    """Of the Dockerfile, with continued lines in one."""
    text = re.sub(r"^#.*\n", "", (DEPLOY / "Dockerfile").read_text("utf-8"), flags=re.MULTILINE).replace("\\\n", " ")
    parted = (line.partition(" ") for line in text.splitlines() if line.strip())
    return [(word, " ".join(rest.split())) for word, _, rest in parted]


def seconds(span: str) -> int:
    return int(span.removesuffix("s"))


@pytest.mark.parametrize(
    "file",
    [file for file in sorted(DEPLOY.rglob("*")) if file.is_file()],
    ids=lambda file: str(file.relative_to(DEPLOY)),
)
def test_every_setting_named_exists(file: Path) -> None:
    known = {f"LIVEROOM_{name.upper()}" for name in Settings.model_fields}
    assert set(re.findall(r"\bLIVEROOM_[A-Z_]+\b", file.read_text("utf-8"))) <= known


# ---- the image


def test_the_image_is_made_of_files_that_are_there_and_let_in() -> None:
    let_in = [line[1:] for line in (ROOT / ".dockerignore").read_text("utf-8").splitlines() if line.startswith("!")]
    copied = [
        part for word, rest in instructions() if word == "COPY" and "--from" not in rest for part in rest.split()[:-1]
    ]
    assert {"auth", "gateway", "presale", "pubsub", "rooms", "store"} <= set(copied)
    for name in copied:
        assert (ROOT / name).exists(), name
        assert any(name == allowed or name.startswith(f"{allowed}/") for allowed in let_in), f"{name}: .dockerignore"


def test_the_image_runs_as_nobody_in_particular_and_ends_as_it_is_asked_to() -> None:
    said = dict(instructions())
    assert re.fullmatch(r"(?!0)\d+:(?!0)\d+", said["USER"])
    assert said["STOPSIGNAL"] == "SIGTERM"
    assert "/readyz" in said["HEALTHCHECK"]
    assert "--require-hashes" in str(instructions())
    assert not [rest for word, rest in instructions() if word in {"ENV", "ARG"} and "SECRET" in rest]


def test_images_are_of_a_version() -> None:
    bases = [rest.split()[0] for word, rest in instructions() if word == "FROM"]
    images = [service["image"] for service in compose()["services"].values()]
    for image in [*bases, *images]:
        assert re.search(r":\d+\.\d+(\.\d+)?(-[a-z-]+)?(@sha256:[0-9a-f]{64})?$", image), image


# ---- compose


def test_compose_starts_every_role_once_the_schema_is_there() -> None:
    services = ours()
    assert services["migrate"]["command"] == ["migrate"]
    serving = {name: service for name, service in services.items() if name != "migrate"}
    roles = [service["environment"]["LIVEROOM_ROLE"] for service in serving.values()]
    assert sorted(roles) == sorted([Duty.GATEWAY, Duty.GATEWAY, Duty.PRESALE, Duty.WORKER])
    for service in serving.values():
        assert service["depends_on"]["migrate"] == {"condition": "service_completed_successfully"}
        assert service["depends_on"]["redis"] == {"condition": "service_healthy"}


def test_compose_kills_nobody_before_the_drain_is_over() -> None:
    for name, service in ours().items():
        drain = float(service["environment"]["LIVEROOM_DRAIN_SECONDS"])
        assert seconds(service["stop_grace_period"]) > drain + AFTER_THE_DRAIN_SECONDS, name


def test_every_container_has_bounds() -> None:
    for name, service in compose()["services"].items():
        assert "mem_limit" in service, name
        assert service["logging"]["options"]["max-size"], name
    for name, service in ours().items():
        assert service["read_only"] is True, name
        assert service["cap_drop"] == ["ALL"], name


def test_files_that_compose_lends_are_there() -> None:
    for service in compose()["services"].values():
        for volume in service.get("volumes", []):
            source = volume.split(":")[0]
            assert not source.startswith(".") or (DEPLOY / source).is_file(), source


def test_compose_knows_the_addresses_that_nginx_is_told() -> None:
    services = compose()["services"]
    address = {name: service["networks"]["house"]["ipv4_address"] for name, service in services.items()}
    assert len(set(address.values())) == len(address)
    upstreams = (DEPLOY / "upstreams.conf").read_text("utf-8")
    for name, place in PLACES.items():
        upstreams = upstreams.replace(place, f"{address.get(name) or address[f'gateway-{name}']}:8000")
    assert (DEPLOY / "compose" / "upstreams.conf").read_text("utf-8") == upstreams, "deploy/upstreams.conf has changed"
    nodes = {service["environment"].get("LIVEROOM_NODE") for service in ours().values()} - {None}
    assert nodes == set(re.findall(r'"~\^(\w+)\\\."', upstreams))
    for service in ours().values():
        environment = service["environment"]
        assert environment["LIVEROOM_TRUSTED_PROXIES"] == address["nginx"]
        assert f"@{address['postgres']}/" in environment["LIVEROOM_DATABASE_URL"]
        assert f"@{address['redis']}:" in environment["LIVEROOM_REDIS_URL"]


def test_compose_refuses_to_start_before_the_secrets_are_filled_in() -> None:
    text = (DEPLOY / "compose.yaml").read_text("utf-8")
    needed = set(re.findall(r"\$\{(\w+):\?", text))
    optional = set(re.findall(r"\$\{(\w+):-", text))
    lines = (DEPLOY / "example.env").read_text("utf-8").splitlines()
    offered = dict(line.split("=", 1) for line in lines if line and not line.startswith("#"))
    assert set(offered) == needed | optional
    assert set(offered.values()) == {""}, "nothing in it may be taken for a secret"
    assert {"POSTGRES_PASSWORD", "REDIS_PASSWORD", "LIVEROOM_WIRE_SECRETS", "LIVEROOM_JWT_SECRETS"} <= needed


def filled_in(name: str) -> str:
    """What an operator puts into deploy/.env."""
    known = {"LIVEROOM_PUBLIC_URL": "https://live.example", "LIVEROOM_ALLOWED_ORIGINS": "https://platform.example"}
    return known.get(name) or token_urlsafe(48)


def test_what_compose_sets_is_taken_by_every_role(monkeypatch: pytest.MonkeyPatch) -> None:
    for service in ours().values():
        with monkeypatch.context() as patch:
            for name, value in service["environment"].items():
                patch.setenv(name, re.sub(r"\$\{(\w+)[^}]*\}", lambda found: filled_in(found[1]), value))
            settings = load_settings()
            assert settings.redis_url
            patch.setenv("LIVEROOM_WIRE_SECRETS", "short")
            with pytest.raises(CommandError, match="LIVEROOM_WIRE_SECRETS"):
                load_settings()


def test_redis_has_room_beyond_what_it_may_fill_and_never_evicts() -> None:
    said = dict(line.split(" ", 1) for line in (DEPLOY / "redis.conf").read_text("utf-8").splitlines() if " " in line)
    assert said["maxmemory-policy"] == "noeviction"
    limit = compose()["services"]["redis"]["mem_limit"]
    assert int(limit.removesuffix("m")) > int(said["maxmemory"].removesuffix("mb"))


@pytest.mark.parametrize("place", redis_server.programs())
def test_every_redis_of_the_tests_takes_its_configuration(place: str) -> None:
    server = ShippedRedis(redis_server.programs()[place])
    try:
        server.start()
        with Redis.from_url(server.url) as wire:
            assert wire.ping()
            with pytest.raises(NoPermissionError):
                wire.flushall()
            with pytest.raises(NoPermissionError):
                wire.set("another:key", "1")
    finally:
        server.close()


# ---- nginx


def test_what_nginx_lets_pass_is_what_a_gateway_takes() -> None:
    text = re.sub(r"#.*", "", (DEPLOY / "nginx.conf").read_text("utf-8"))
    said = dict(re.findall(r"^\s*(client_\w+|large_\w+)\s+([^;]+);", text, re.MULTILINE))
    settings = Settings.load(Mode.TEST)
    buffers, size = said["large_client_header_buffers"].split()
    assert int(buffers) * kibibytes(size) == settings.header_bytes
    assert seconds(said["client_header_timeout"]) == settings.header_seconds
    assert seconds(said["client_body_timeout"]) == settings.body_seconds
    assert (
        kibibytes(said["client_max_body_size"]) == settings.packet_bytes == kibibytes(said["client_body_buffer_size"])
    )
    sockets = text[text.index("location ~ ^/socket") : text.index("location @first_poll")]
    (patience,) = re.findall(r"proxy_read_timeout (\w+);", sockets)
    assert seconds(patience) > settings.ping_interval_seconds + settings.ping_timeout_seconds
    assert "proxy_buffering off;" in sockets


def kibibytes(size: str) -> int:
    return int(size.removesuffix("k")) * 1024


# ---- systemd


def unit(file: Path) -> configparser.ConfigParser:
    class Several(dict[str, Any]):
        """A key that is given twice has both values, as systemd has it."""

        def __setitem__(self, key: str, value: Any) -> None:
            if isinstance(value, list) and key in self:
                self[key].extend(value)
            else:
                super().__setitem__(key, value)

    parser = configparser.ConfigParser(strict=False, dict_type=Several, interpolation=None)
    parser.optionxform = str  # type: ignore[assignment,method-assign]  # names as they are written
    parser.read_string(file.read_text("utf-8"))
    return parser


def test_every_role_has_a_unit() -> None:
    roles = {re.findall(r"LIVEROOM_ROLE=(\w+)", file.read_text("utf-8"))[0] for file in UNITS}
    assert roles == {Duty.GATEWAY, Duty.PRESALE, Duty.WORKER}


@pytest.mark.parametrize("file", UNITS, ids=lambda file: file.name)
def test_a_unit_is_hardened_and_kills_nobody_before_the_drain_is_over(file: Path) -> None:
    service = unit(file)["Service"]
    drain = Settings.model_fields["drain_seconds"].default
    assert float(service["TimeoutStopSec"]) > drain + AFTER_THE_DRAIN_SECONDS
    assert int(service["LimitNOFILE"]) >= 65_536
    assert service["EnvironmentFile"] == "/etc/liveroom/liveroom.env"
    assert service["User"] not in {"", "root"}
    for name in ("NoNewPrivileges", "ProtectHome", "PrivateTmp", "PrivateDevices", "ProtectKernelTunables"):
        assert service[name] == "yes", name
    assert service["ProtectSystem"] == "strict"


def test_systemd_takes_the_units(tmp_path: Path) -> None:
    """Where there is one to ask; the test above holds what must not be lost."""
    systemd = shutil.which("systemd-analyze")
    if systemd is None:
        return
    files = []
    for file in UNITS:
        text = re.sub(r"^(ExecStart=)\S+", r"\1/bin/true", file.read_text("utf-8"), flags=re.MULTILINE)
        copy = tmp_path / file.name.replace("@.", "@8001.")
        copy.write_text(text.replace("WorkingDirectory=/opt/liveroom", "WorkingDirectory=/"), "utf-8")
        files.append(copy)
    verified = subprocess.run([systemd, "verify", "--man=no", *files], check=False, capture_output=True, text=True)
    complaints = [line for line in verified.stderr.splitlines() if str(tmp_path) in line]
    assert (verified.returncode, complaints) == (0, [])
