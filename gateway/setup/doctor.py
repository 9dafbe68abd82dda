"""Checks what is configured, reachable and insecure: every finding names the setting to change."""

import asyncio
import os
import resource
import shutil
from collections.abc import AsyncIterator
from enum import StrEnum
from pathlib import Path
from urllib.parse import urlsplit

import httpx2
from msgspec import Struct

from auth.keys_http import JwksSource
from gateway.setup import preflight
from gateway.setup.settings import Mode, Settings
from gateway.setup.weak_settings import LOOPBACK
from pubsub.link import BrokerAwayError
from pubsub.topology_redis import ask_redis
from store.private_files import is_open_to_others

LEAST_FREE_BYTES = 2**30
LEAST_OPEN_FILES = 10_000
PROBE_SECONDS = 3.0
LEAST_REDIS = (7,)


class Level(StrEnum):
    """The severity of a finding."""

    OK = "ok"
    NOTE = "note"
    WARNING = "warning"
    FAILURE = "failure"


class Finding(Struct, frozen=True):
    """The result of one check."""

    level: Level
    subject: str
    says: str
    change: str = ""
    """What to do about it; empty where nothing need be done."""


async def examine(settings: Settings) -> AsyncIterator[Finding]:
    """Run all checks, the cheap ones first. Changes nothing; contacts only what the settings name."""
    for finding in judge(settings):
        yield finding
    yield _folder(settings.data_dir)
    yield _open_files(resource.getrlimit(resource.RLIMIT_NOFILE)[0])
    yield await _database(settings)
    yield await _wire(settings)
    if settings.jwt_jwks_url:
        yield await _keys(settings)
    if settings.sandbox_url:
        yield await _sandbox(settings)
    yield await _server(settings)


def judge(settings: Settings) -> list[Finding]:
    """The findings that follow from the settings alone."""
    findings = [_mode(settings), _tokens(settings), _origins(settings), _address(settings), *_neighbours(settings)]
    if not settings.is_playground and not settings.sandbox_url:
        findings.append(
            Finding(
                Level.WARNING, "payments", "no provider is configured: nothing can be sold", "see docs/operating.md"
            )
        )
    if settings.blocked_words_file is not None:
        findings.append(_blocked_words(settings.blocked_words_file))
    if not settings.web_dir.is_dir():
        findings.append(Finding(Level.NOTE, "pages", "the web demo is not built", "`make build`, or LIVEROOM_WEB_DIR"))
    return findings


def _blocked_words(file: Path) -> Finding:
    try:
        words = preflight.blocked_words(file)
    except preflight.CommandError as error:
        return Finding(Level.FAILURE, "blocked words", str(error), "LIVEROOM_BLOCKED_WORDS_FILE")
    if not len(words):
        return Finding(Level.WARNING, "blocked words", f"no word stands in {file}", "LIVEROOM_BLOCKED_WORDS_FILE")
    return Finding(Level.OK, "blocked words", f"{len(words)} in force")


def _mode(settings: Settings) -> Finding:
    if not settings.is_playground:
        return Finding(Level.OK, "mode", "production")
    if settings.host not in LOOPBACK:
        return Finding(
            Level.FAILURE,
            "mode",
            f"{settings.mode} lets anybody log in as anybody, and listens on {settings.host}",
            "LIVEROOM_MODE=production, or LIVEROOM_HOST=127.0.0.1",
        )
    return Finding(Level.NOTE, "mode", f"{settings.mode}: play money, anybody may log in as anybody")


def _tokens(settings: Settings) -> Finding:
    sources = []
    if settings.jwt_secrets:
        sources.append(f"{len(settings.jwt_secrets)} shared secret(s)")
    if settings.jwt_jwks_url:
        sources.append("keys by URL")
    if settings.jwt_jwks_file:
        if not settings.jwt_jwks_file.is_file():
            return Finding(Level.FAILURE, "tokens", "the key file cannot be read", "LIVEROOM_JWT_JWKS_FILE")
        sources.append("keys from a file")
    return Finding(Level.OK, "tokens", f"{', '.join(sources)}; issuer {settings.jwt_issuer}")


def _origins(settings: Settings) -> Finding:
    if settings.origins.is_open:
        return Finding(Level.NOTE, "origins", "any page may open sockets")
    if not settings.allowed_origins:
        return Finding(Level.OK, "origins", "pages of this server only", "LIVEROOM_ALLOWED_ORIGINS for other sites")
    plain = [origin for origin in settings.allowed_origins if origin.startswith("http://")]
    if plain and not settings.is_playground:
        return Finding(Level.WARNING, "origins", f"{plain[0]} is not https", "LIVEROOM_ALLOWED_ORIGINS")
    return Finding(Level.OK, "origins", ", ".join(settings.allowed_origins))


def _address(settings: Settings) -> Finding:
    if settings.is_playground:
        return Finding(Level.OK, "address", settings.own_url)
    if not settings.own_url.startswith("https://"):
        return Finding(
            Level.WARNING, "address", f"fans reach it as {settings.own_url}: not encrypted", "LIVEROOM_PUBLIC_URL"
        )
    if not settings.trusted_proxies:
        return Finding(
            Level.WARNING,
            "address",
            "fans come by https through a proxy, and none is trusted: all of them count as one address",
            "LIVEROOM_TRUSTED_PROXIES",
        )
    return Finding(Level.OK, "address", settings.own_url)


def _neighbours(settings: Settings) -> list[Finding]:
    """Database and Redis on other machines that are reached without a password or without encryption."""
    findings = []
    for subject, setting, url, encrypts in (
        ("database", "LIVEROOM_DATABASE_URL", settings.database_url, "ssl="),
        ("wire", "LIVEROOM_REDIS_URL", settings.redis_url, "rediss"),
    ):
        parsed = urlsplit(url)
        if not parsed.hostname or parsed.hostname in LOOPBACK:
            continue
        if parsed.password is None:
            findings.append(Finding(Level.WARNING, subject, f"{parsed.hostname} is used without a password", setting))
        if encrypts not in url:
            findings.append(
                Finding(Level.NOTE, subject, f"what goes to {parsed.hostname} is not encrypted: for a private network")
            )
    return findings


def _folder(folder: Path) -> Finding:
    nearest = next((parent for parent in (folder, *folder.absolute().parents) if parent.exists()), Path("/"))
    if not os.access(nearest, os.W_OK):
        return Finding(Level.FAILURE, "disk", f"{folder} cannot be written", "LIVEROOM_DATA_DIR")
    files = [file for file in (folder, *folder.glob("*.sqlite*")) if file.exists()]
    if any(is_open_to_others(file) for file in files):
        return Finding(
            Level.WARNING,
            "disk",
            f"other users of this machine can read {folder}: it holds names and orders",
            f"`chmod -R go-rwx {folder}`",
        )
    free = shutil.disk_usage(nearest).free
    says = f"{free // 2**20} MiB free at {folder}"
    return Finding(Level.OK if free >= LEAST_FREE_BYTES else Level.WARNING, "disk", says)


def _open_files(limit: int) -> Finding:
    if limit != resource.RLIM_INFINITY and limit < LEAST_OPEN_FILES:
        return Finding(
            Level.WARNING, "open files", f"the limit is {limit}: about as many sockets, no more", "`ulimit -n 200000`"
        )
    return Finding(Level.OK, "open files", "no limit" if limit == resource.RLIM_INFINITY else f"limit {limit}")


async def _database(settings: Settings) -> Finding:
    url = settings.effective_database_url
    path = preflight.embedded_path(url)
    if path is not None and not path.exists():
        return Finding(
            Level.NOTE if settings.mode is Mode.DEMO else Level.FAILURE,
            "database",
            f"{path} does not exist yet",
            "" if settings.mode is Mode.DEMO else "`liveroom migrate`",
        )
    try:
        async with preflight.database(url):
            return Finding(Level.OK, "database", f"{preflight.spoken(url)} at this version's schema")
    except preflight.CommandError as error:
        return Finding(Level.FAILURE, "database", str(error), "LIVEROOM_DATABASE_URL or `liveroom migrate`")


async def _wire(settings: Settings) -> Finding:
    if not settings.redis_url:
        return Finding(Level.OK, "wire", "none: one process alone", "LIVEROOM_REDIS_URL for many")
    try:
        async with asyncio.timeout(PROBE_SECONDS):
            facts = await ask_redis(settings.redis_url)
    except (BrokerAwayError, TimeoutError, ValueError) as error:
        return Finding(
            Level.FAILURE, "wire", f"Redis cannot be used: {str(error) or 'no answer'}", "LIVEROOM_REDIS_URL"
        )
    version = ".".join(map(str, facts.version))
    if facts.version < LEAST_REDIS:
        return Finding(Level.FAILURE, "wire", f"Redis {version} is too old", "Redis 7.0 or newer")
    if facts.policy != "noeviction":
        return Finding(Level.WARNING, "wire", f"Redis may evict ({facts.policy})", "`maxmemory-policy noeviction`")
    return Finding(Level.OK, "wire", f"Redis {version}")


async def _keys(settings: Settings) -> Finding:
    source = JwksSource(settings.jwt_jwks_url, settings.jwt_secrets, timeout_seconds=PROBE_SECONDS)
    if not await source.refresh():
        return Finding(Level.FAILURE, "platform keys", f"{settings.jwt_jwks_url} gives none", "LIVEROOM_JWT_JWKS_URL")
    return Finding(Level.OK, "platform keys", f"{len(source.ring().public_jwks()['keys'])} public key(s)")


async def _sandbox(settings: Settings) -> Finding:
    status = await _knock(settings.sandbox_url)
    if status is None:
        return Finding(
            Level.NOTE, "test payments", f"nobody answers at {settings.sandbox_url}", "`liveroom demo` starts it"
        )
    return Finding(Level.OK, "test payments", settings.sandbox_url)


async def _server(settings: Settings) -> Finding:
    url = f"{settings.local_url}/readyz"
    status = await _knock(url)
    if status is None:
        return Finding(Level.NOTE, "server", f"not running on port {settings.port}")
    if status == httpx2.codes.OK:
        return Finding(Level.OK, "server", f"ready on port {settings.port}")
    return Finding(Level.WARNING, "server", f"port {settings.port} answers {status}", f"{url} tells why")


async def _knock(url: str) -> int | None:
    try:
        async with httpx2.AsyncClient(timeout=PROBE_SECONDS, trust_env=False) as client:
            return (await client.get(url)).status_code
    except httpx2.HTTPError:
        return None
