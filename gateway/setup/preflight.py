"""What must be true of the machine and the settings before a command starts, told in one sentence when it is not."""

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
"""Lines of a file that are told at once."""


class CommandError(Exception):
    """An expected reason why a command cannot do its work: one sentence, for a person."""


def load_settings(mode: Mode | None = None, **overrides: object) -> Settings:
    """The settings of the environment; CommandError names every one that does not hold."""
    try:
        return Settings.load(mode, **overrides)
    except ValidationError as error:
        flaws = [_flaw(str(flaw["loc"][0]) if flaw["loc"] else "", flaw["msg"]) for flaw in error.errors()]
        raise CommandError("; ".join(flaws)) from error


def database_url() -> str:
    """Which database the tools work on. Needs none of the secrets that serving needs."""
    return load_settings(Mode.DEMO).effective_database_url


def minting_settings() -> Settings:
    """Settings with a secret to mint with."""
    try:
        settings = load_settings()
    except CommandError as error:
        raise CommandError(f"{error}; for a token of the demo set LIVEROOM_MODE=demo.") from error
    if not settings.jwt_secrets:
        raise CommandError("minting takes a shared secret and LIVEROOM_JWT_SECRETS is not set.")
    return settings


def blocked_words(file: Path) -> BlockedWords:
    """The words of an operator's file; CommandError names the lines that are not understood.

    None of the file is in force then: a show must not begin with half of what was to be blocked.
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
    """Make the folder if need be and prove that files can be made in it."""
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
    """Prove that nobody listens on the port."""
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
    """Open a database, which must exist and have a schema that this version may serve; closed at the end."""
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
    """The sentence for whatever the driver of a database raised when it was first spoken to."""
    cause = error.__cause__ or getattr(error, "orig", None) or error
    words = (str(cause) or type(cause).__name__).splitlines()[0]
    return CommandError(f"the database {spoken(url)} cannot be used: {words}.")


def embedded_path(url: str) -> Path | None:
    """The file of an SQLite URL."""
    scheme, _, rest = url.partition(":///")
    return Path(rest.partition("?")[0]) if scheme.startswith("sqlite") else None


def spoken(url: str) -> str:
    """A database URL as it may be shown: without its password."""
    path = embedded_path(url)
    if path is not None:
        return str(path)
    parts = urlsplit(url)
    return f"{parts.hostname or ''}{parts.path}"


def _flaw(setting: str, message: str) -> str:
    message = message.removeprefix("Value error, ")
    return f"LIVEROOM_{setting.upper()}: {message}" if setting and "LIVEROOM_" not in message else message
