"""Checks of machine and settings before a command starts; a failed one is one sentence."""

import errno
import os
import socket
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from urllib.parse import urlsplit

from pydantic import ValidationError

from gateway.setup import clock as ambient
from gateway.setup.settings import Mode, Settings
from rooms.chat import wordlist
from rooms.chat.blocked_words import BlockedWords
from store import migrations
from store.database_sql import Database
from store.private_files import make_folder

FLAWS_TOLD = 5
"""How many bad lines of a file are printed at once."""


class CommandError(Exception):
    """An expected reason why a command cannot run: one sentence, for a person."""


def load_settings(mode: Mode | None = None, **overrides: object) -> Settings:
    """The settings from the environment; CommandError names every invalid one."""
    try:
        return Settings.load(mode, **overrides)
    except ValidationError as error:
        flaws = [_flaw(str(flaw["loc"][0]) if flaw["loc"] else "", flaw["msg"]) for flaw in error.errors()]
        raise CommandError("; ".join(flaws)) from error


def database_url() -> str:
    """The URL of the database for the tools, which need none of the secrets for serving."""
    return load_settings(Mode.DEMO).effective_database_url


def minting_settings() -> Settings:
    """The settings, with a secret that can sign tokens."""
    try:
        settings = load_settings()
    except CommandError as error:
        raise CommandError(f"{error}; for a token of the demo set LIVEROOM_MODE=demo.") from error
    if not settings.jwt_secrets:
        raise CommandError("minting takes a shared secret and LIVEROOM_JWT_SECRETS is not set.")
    return settings


def blocked_words(file: Path) -> BlockedWords:
    """The words of the operator's file; CommandError names the malformed lines.

    One malformed line rejects the whole file: a show must not begin with half of its blocked words.
    """
    try:
        found = wordlist.parse(file.read_bytes())
    except OSError as error:
        reason = (os.strerror(error.errno) if error.errno else str(error)).lower()
        raise CommandError(f"LIVEROOM_BLOCKED_WORDS_FILE: {file} cannot be read ({reason}).") from error
    if found.flaws:
        told = "; ".join(map(str, found.flaws[:FLAWS_TOLD]))
        more = len(found.flaws) - FLAWS_TOLD
        raise CommandError(f"LIVEROOM_BLOCKED_WORDS_FILE: {file}: {told}{f'; and {more} more' if more > 0 else ''}.")
    return BlockedWords(found.words)


def require_writable(folder: Path) -> None:
    """Make the folder if it is missing, and check that files can be made in it."""
    try:
        make_folder(folder)
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        reason = os.strerror(error.errno) if error.errno else str(error)
        raise CommandError(
            f"the folder {folder.absolute()} cannot be written ({reason.lower()}): "
            "make it yours, or name another one with LIVEROOM_DATA_DIR."
        ) from error


def require_free_port(host: str, port: int, setting: str) -> None:
    """Check that nobody listens on the port."""
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        with socket.socket(family, kind, protocol) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(address)
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            raise CommandError(
                f"port {port} on {host} is taken by another program: stop it, or choose another port with {setting}."
            ) from error
        raise CommandError(
            f"{host}:{port} cannot be listened on ({error.strerror or error}): see {setting}."
        ) from error


@asynccontextmanager
async def database(url: str) -> AsyncIterator[Database]:
    """Open an existing database whose schema this version may serve; it is closed at the end."""
    path = embedded_path(url)
    if path is not None and not path.exists():
        raise CommandError(f"there is no database at {path}: `liveroom migrate` or a first `liveroom demo` makes it.")
    try:
        is_served = await migrations.serves(url)
        stands_at = None if is_served else await migrations.current(url)
    except Exception as error:
        # whatever the database's driver raises: the first talk with it is where set-ups fail
        raise unreachable(url, error) from error
    if not is_served:
        is_newer = stands_at is not None and not migrations.knows(stands_at)
        remedy = "take a newer version" if is_newer else "run `liveroom migrate`"
        raise CommandError(
            f"the database {spoken(url)} stands at revision {stands_at or 'none'} and this version needs "
            f"{migrations.head()}: {remedy}."
        )
    opened = await Database.open(url, clock=ambient.now_ms, new_id=ambient.new_id)
    try:
        yield opened
    finally:
        await opened.close()


def unreachable(url: str, error: Exception) -> CommandError:
    """The sentence for an exception from the driver at the first contact with a database."""
    cause = error.__cause__ or getattr(error, "orig", None) or error
    words = (str(cause) or type(cause).__name__).splitlines()[0]
    return CommandError(f"the database {spoken(url)} cannot be used: {words}.")


def embedded_path(url: str) -> Path | None:
    """The file of an SQLite URL."""
    scheme, _, rest = url.partition(":///")
    return Path(rest.partition("?")[0]) if scheme.startswith("sqlite") else None


def spoken(url: str) -> str:
    """A database URL without its password."""
    path = embedded_path(url)
    if path is not None:
        return str(path)
    parts = urlsplit(url)
    return f"{parts.hostname or ''}{parts.path}"


def _flaw(setting: str, message: str) -> str:
    message = message.removeprefix("Value error, ")
    return f"LIVEROOM_{setting.upper()}: {message}" if setting and "LIVEROOM_" not in message else message
