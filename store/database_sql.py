"""One database behind two engines: a writer whose transactions do not cross, and readers that never block it.

On SQLite all writers queue. On PostgreSQL they run side by side, those of one turn (a show, a room) one after
another: see `UnitOfWork.take_turn` and docs/adr/0017-postgresql-by-turns.md.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager, nullcontext
from pathlib import Path
from typing import Any, Self, TypeVar

from sqlalchemy import NullPool, create_engine, event, func, insert, select
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import DataError, DBAPIError, IntegrityError, ProgrammingError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from auth.composed import composed_key
from store import postgresql_connection, sqlite_connection
from store.dialect_sql import insert_or_ignore
from store.metadata_sql import metadata
from store.postgresql_connection import COMMAND_SECONDS
from store.private_files import make_file
from store.tables_sql import JobState, jobs, outbox

__all__ = ["BUSY_TIMEOUT_MS", "Database", "RacedError", "UnitOfWork", "metadata", "writer_engine"]

BUSY_TIMEOUT_MS = 5_000
"""How long SQLite waits for another process's write lock before the transaction fails."""
READERS = 4
"""The number of connections for short reads."""
SURVEYORS = 2
"""The number of connections for long reads."""
OF_THE_STATEMENT = (IntegrityError, DataError, ProgrammingError)
"""Driver errors caused by the statement itself; they do not mean that the database is not writable."""
WRITERS_ON_SERVER = 7
"""How many write transactions run concurrently on a server; SQLite has one."""
MAX_RACES = 5
"""How often `Database.transact` decides at most."""
EXPRESS_ON_SERVER = 1
"""The number of further connections there for `Database.write(express=True)`."""


_T = TypeVar("_T")


class RacedError(Exception):
    """Somebody else changed the row first (a compare-and-set lost): roll back, read again, decide again.

    Cannot happen on SQLite, where writers queue. On PostgreSQL it is also what a deadlock, a lock that was not free
    in time and a unique key taken by another transaction come to, and the loss of the connection before the commit.
    """


class UnitOfWork:
    """One write transaction: what it changes, announces and schedules is committed together or not at all."""

    def __init__(self, connection: AsyncConnection, clock: Callable[[], int], new_id: Callable[[], str]) -> None:
        self.connection = connection
        self.now_ms = clock()
        """The time of this transaction, read once, after its write lock or turn was taken."""
        self._clock = clock
        self._new_id = new_id
        self._outgoing: list[dict[str, object]] = []
        self._turns: set[str] = set()
        self.announces = False
        """Whether anything was emitted or enqueued: the relay and the runner of jobs are woken after the commit."""
        self.emitted: list[tuple[str, bytes]] = []
        """(room, body) of everything emitted, in order."""
        self.proves = False
        """Whether something was certainly written: then the commit proves that the database is writable."""

    def new_id(self) -> str:
        """A fresh sortable id (ULID)."""
        return self._new_id()

    async def take_turn(self, *names: str) -> None:
        """Wait until no other transaction has one of these turns, and keep them to the end. Take them before reading.

        A decision over several rows (seats and rights of a show, the switches of a room) needs its turn: nobody else
        changes
        the rows until this transaction ends. The race without it: two buyers each read one seat left, and both take it.
        On
        SQLite every transaction is alone anyway. Raises RacedError (from `Database.write`) when it takes too long.
        """
        if self.connection.dialect.name != "postgresql":
            return
        for name in sorted(set(names) - self._turns):  # one order for all, so that nobody waits in a circle
            self._turns.add(name)
            await self.connection.execute(select(func.pg_advisory_xact_lock(func.hashtextextended(name, 0))))
        if not self.announces:
            self.now_ms = self._clock()

    async def emit(self, room: str, body: bytes, retention: str) -> str:
        """Have `body` published on the room's channel after the commit; answers the publication id.

        Publications of one room leave in the order of their commits, and within one transaction in the
        order of the calls. Delivery is at least once; the broker drops repeated ids.
        """
        publication_id = self._new_id()
        self.announces = self.proves = True
        self.emitted.append((room, body))
        self._outgoing.append(
            {
                "id": publication_id,
                "room": room,
                "body": body,
                "retention": retention,
                "at_ms": self.now_ms,
                "lease_until_ms": 0,
            }
        )
        return publication_id

    async def write_outbox(self) -> None:
        """Write what was emitted, as the last step before the commit; called by `Database.write`.

        Rows are numbered in the order of commits: a writer to a room's outbox blocks the room's other writers until it
        commits,
        so this comes last and takes a moment only.
        """
        if self._outgoing:
            await self.take_turn(*(composed_key("outbox", str(row["room"])) for row in self._outgoing))
            await self.connection.execute(insert(outbox), self._outgoing)
            self._outgoing = []

    async def enqueue(self, kind: str, key: str, payload: bytes, run_at_ms: int) -> None:
        """Have a job run at or after `run_at_ms`. A second call with the same (kind, key) does nothing, ever."""
        self.announces = self.proves = True
        await insert_or_ignore(
            self.connection,
            jobs,
            ("kind", "key"),
            {
                "id": self._new_id(),
                "kind": kind,
                "key": key,
                "payload": payload,
                "state": JobState.WAITING,
                "attempt": 0,
                "run_at_ms": run_at_ms,
                "created_ms": self.now_ms,
            },
        )


class Database:
    """The source of truth. Open with `Database.open`."""

    def __init__(
        self,
        writer: AsyncEngine,
        express: AsyncEngine,
        reader: AsyncEngine,
        surveyor: AsyncEngine,
        glance: sqlite_connection.Glance | None = None,
        *,
        clock: Callable[[], int],
        new_id: Callable[[], str],
    ) -> None:
        self._writer = writer
        self._express = express
        self._reader = reader
        self._surveyor = surveyor
        self._glance = glance
        self._clock = clock
        self._new_id = new_id
        queues = writer.dialect.name == "sqlite"
        self._turn: AbstractAsyncContextManager[Any] = asyncio.Lock() if queues else nullcontext()
        self._crowd: AbstractAsyncContextManager[Any] = asyncio.Lock() if queues else nullcontext()
        """A lock in front of the turn for all but express writes: only one ordinary writer at a time waits for the
        turn.
        """
        self.on_commit: Callable[[], None] | None = None
        """Called after each commit that emitted or enqueued; must not block or raise."""
        self.is_writable = True
        """False from a failed write (no space, no lock, a broken disk) until the next one that succeeds."""
        self.on_emitted: Callable[[Sequence[tuple[str, bytes]], int], None] | None = None
        """Called after each commit that emitted, with (room, body) of each and the transaction's time, long before the
        publications come around. Where writers queue (SQLite) in the order of commits; must not block nor raise."""

    @classmethod
    async def open(cls, url: str, *, clock: Callable[[], int], new_id: Callable[[], str]) -> Self:
        """Connect. `clock` answers milliseconds since the epoch, `new_id` a ULID.

        Takes `sqlite+aiosqlite:///path` (a file, never `:memory:`: two engines must see one database) or
        `postgresql+asyncpg://user:password@host/name`. Raises if the database cannot be reached.
        """
        parsed = make_url(url)
        if _is_sqlite(parsed) and parsed.database in {None, "", ":memory:"}:
            raise ValueError("SQLite needs a file, not :memory:")
        writer = writer_engine(parsed)
        express = writer if _is_sqlite(parsed) else writer_engine(parsed, connections=EXPRESS_ON_SERVER)
        reader, surveyor = _reader_engine(parsed), _surveying_engine(parsed)
        glance = sqlite_connection.Glance(parsed.database or "") if _is_sqlite(parsed) else None
        database = cls(writer, express, reader, surveyor, glance, clock=clock, new_id=new_id)
        try:
            async with database._writer.connect(), database._reader.connect():
                return database
        except BaseException:
            await database.close()
            raise

    @asynccontextmanager
    async def write(self, *, express: bool = False) -> AsyncIterator[UnitOfWork]:
        """One write transaction: committed on normal exit, rolled back on an exception. Do not nest.

        `express` is for what brings the others' work out, and is short: it goes before all that wait. On a server it
        has a connection of its own, on SQLite the next turn but one at the latest.

        On a server whose connection breaks, RacedError says that nothing was committed; any other error leaves open
        whether all of it was.
        """
        commits = False
        try:
            crowd = nullcontext() if express else self._crowd
            async with crowd, self._turn, (self._express if express else self._writer).begin() as connection:
                uow = UnitOfWork(connection, self._clock, self._new_id)
                yield uow
                await uow.write_outbox()
                commits = True
        except DBAPIError as error:
            race = postgresql_connection.race_in(error)
            if race is None and error.connection_invalidated and not commits:
                race = "the connection was lost before the commit"
            if race is not None:
                raise RacedError(race) from error
            self.is_writable = self.is_writable and isinstance(error, OF_THE_STATEMENT)
            raise
        except OSError:  # how PostgreSQL's driver says that nobody is there, or that nobody answers
            self.is_writable = False
            raise
        self.is_writable = self.is_writable or uow.proves
        if uow.emitted and self.on_emitted is not None:
            self.on_emitted(uow.emitted, uow.now_ms)
        if uow.announces and self.on_commit is not None:
            self.on_commit()

    async def transact(self, work: Callable[[UnitOfWork], Awaitable[_T]]) -> _T:
        """Do `work` in one write transaction, and from the start in a new one while it loses races.

        Whoever loses `MAX_RACES` times gets the last RacedError. `work` keeps nothing outside of the database.
        """
        for _ in range(MAX_RACES - 1):
            try:
                async with self.write() as uow:
                    return await work(uow)
            except RacedError:
                continue
        async with self.write() as uow:
            return await work(uow)

    @asynccontextmanager
    async def read(self) -> AsyncIterator[AsyncConnection]:
        """A consistent snapshot for reading; anything written through it is rolled back.

        For queries that an index answers: on SQLite they block the event loop. See `survey`.
        """
        async with self._reader.connect() as connection:
            yield connection

    @asynccontextmanager
    async def survey(self) -> AsyncIterator[AsyncConnection]:
        """Like `read`, for queries over many rows: whole tables, all guests, the audit."""
        async with self._surveyor.connect() as connection:
            yield connection

    def glance(self, statement: str, *parameters: str) -> list[tuple[Any, ...]] | None:
        """Answer a query by key within microseconds, without waiting; None: use `read`.

        Only for SQLite, with parameters written `?`. A server cannot be asked without waiting.
        """
        return self._glance.rows(statement, parameters) if self._glance is not None else None

    def now_ms(self) -> int:
        """The database's clock, for callers that need a time outside of a transaction."""
        return self._clock()

    async def close(self) -> None:
        """Close all connections. Idempotent."""
        await self._writer.dispose()
        await self._express.dispose()
        await self._reader.dispose()
        await self._surveyor.dispose()
        if self._glance is not None:
            self._glance.close()


def writer_engine(
    url: URL, *, connections: int = WRITERS_ON_SERVER, seconds: float | None = COMMAND_SECONDS
) -> AsyncEngine:
    """An engine whose transactions hold the write lock from their beginning on SQLite.

    Raises `OperationalError` for a SQLite file that cannot be opened. `READ COMMITTED` on a server: whoever waited for
    a lock or a turn goes on with what its last holder has committed, instead of with an error. A statement that takes
    longer than `seconds` there has failed; None: a migration may take its time.
    """
    if not _is_sqlite(url):
        return postgresql_connection.create_engine(
            url, connections=connections, isolation_level="READ COMMITTED", seconds=seconds
        )
    make_file(Path(url.database or ""))
    _try_file(url)
    return _local_sqlite(url, connections=1, begin="BEGIN IMMEDIATE")


def _is_sqlite(url: URL) -> bool:
    return url.get_backend_name() == "sqlite"


def _reader_engine(url: URL) -> AsyncEngine:
    if not _is_sqlite(url):
        return postgresql_connection.create_engine(
            url,
            connections=READERS,
            isolation_level="REPEATABLE READ",
            seconds=COMMAND_SECONDS,
        )
    return _local_sqlite(url, connections=READERS, begin="BEGIN DEFERRED")


def _surveying_engine(url: URL) -> AsyncEngine:
    """An engine for long queries that block nobody: connections of its own; on SQLite, the driver's thread."""
    if not _is_sqlite(url):
        return postgresql_connection.create_engine(
            url, connections=SURVEYORS, isolation_level="REPEATABLE READ", seconds=None
        )
    engine = create_async_engine(url, pool_size=SURVEYORS, max_overflow=0, hide_parameters=True)
    _prepare_sqlite(engine, "BEGIN DEFERRED")
    return engine


def _local_sqlite(url: URL, *, connections: int, begin: str) -> AsyncEngine:
    arguments, options = url.get_dialect()().create_connect_args(url)

    def connect() -> Coroutine[Any, Any, sqlite_connection.LocalConnection]:
        return sqlite_connection.connect(*arguments, **options)

    engine = create_async_engine(
        url, pool_size=connections, max_overflow=0, async_creator=connect, hide_parameters=True
    )
    _prepare_sqlite(engine, begin)
    return engine


def _try_file(url: URL) -> None:
    # aiosqlite does not wait for its thread when connecting fails: its answer may meet a closed event loop
    engine = create_engine(url.set(drivername="sqlite"), poolclass=NullPool, hide_parameters=True)
    with engine.connect():
        pass


def _prepare_sqlite(engine: AsyncEngine, begin: str) -> None:
    """Begin transactions ourselves: the driver would begin them late and deferred."""

    @event.listens_for(engine.sync_engine, "connect")
    def _on_connect(connection: Any, _record: object) -> None:
        connection.isolation_level = None
        cursor = connection.cursor()
        cursor.execute(f"PRAGMA busy_timeout = {BUSY_TIMEOUT_MS}")
        cursor.execute("PRAGMA journal_mode = WAL")
        cursor.execute("PRAGMA synchronous = FULL")
        cursor.execute("PRAGMA foreign_keys = ON")
        cursor.close()

    @event.listens_for(engine.sync_engine, "begin")
    def _on_begin(connection: Any) -> None:
        connection.exec_driver_sql(begin)
