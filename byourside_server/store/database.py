"""Where transaction functions run: `fn(conn, …)` written once, on SQLite or PostgreSQL.

SQLite: one writer thread with group commit. Every waiting function runs in a savepoint of one shared
transaction, so many callers pay for one fsync (WAL, synchronous=FULL) and a function that fails takes
nothing of its neighbours with it. Reads run on a few threads of their own, and a look at one row by its key
runs where it is asked.
PostgreSQL: the same function runs through `AsyncConnection.run_sync` over asyncpg. Transactions are begun
and ended by ourselves, so that prepared statements may go to the driver past SQLAlchemy.
Knows no table and no call.
"""

from __future__ import annotations

import asyncio
import sqlite3
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, Concatenate, ParamSpec, TypeVar, cast

import asyncpg
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from byourside_server.errors import ConfigError, Refusal
from byourside_server.measures.book import Book
from byourside_server.measures.table import COMMIT_GROUP, COMMITS, STORE_TROUBLE, WRITES
from byourside_server.printable import printable_address
from byourside_server.store.afterwards import Deed, noting
from byourside_server.store.sqlite_threads import READERS, SqliteThreads

P = ParamSpec("P")
T = TypeVar("T")

# The first edition of SQLite that knows unixepoch('subsec').
SUBSEC_SQLITE = (3, 42, 0)
BUSY_TIMEOUT_MS = 5_000
POSTGRES_POOL = 10
# A deadlock or a lost serialisation is PostgreSQL's "again, please".
AGAIN_SQLSTATES = frozenset({"40001", "40P01"})
# Connection, resources, an operator's hand: classes of sqlstate that say nothing against the statement.
TROUBLE_CLASSES = ("08", "53", "57")
READS = "reads"
"""Of a connection's `info`: it is used for a read outside of any transaction."""
TRIES = 3
# How long PostgreSQL may take for a look at one row, a transaction, and a read, which may have to search. A
# lock held for ever, or a network that swallows packets, ends in a refusal and not in requests that hang.
GLANCE_S = 10.0
WRITE_S = 10.0
READ_S = 30.0
# Whether it answers at all.
PING_S = 2.0
# Not as the database would have it by default: whoever waits for a lock looks afterwards, and what only reads
# sees one moment in all its statements.
BEGIN = "BEGIN ISOLATION LEVEL READ COMMITTED"
ONE_SNAPSHOT = "BEGIN ISOLATION LEVEL REPEATABLE READ"
KNOWN_URLS = "write sqlite:///FILE or postgresql://USER:PASSWORD@HOST/NAME"


class StoreUnavailable(Refusal):
    """The store refuses for now (locked, full, down): nobody's fault who is calling."""

    def __init__(self, why: str) -> None:
        super().__init__(
            "store_error", "The store is not available just now. Retry shortly.", retry_after_s=1.0
        )
        self.why = why

    def __str__(self) -> str:
        return self.why


# What the drivers raise when the database itself is in trouble, as against a mistake in a statement.
TROUBLE = (
    sa.exc.OperationalError,
    sa.exc.InterfaceError,
    sa.exc.TimeoutError,
    # Of prepared statements, which the driver runs itself.
    sqlite3.OperationalError,
    sqlite3.InterfaceError,
    asyncpg.InterfaceError,
    # Its connection went while it was being used.
    asyncpg.InternalClientError,
    OSError,
)


def sqlite_engine(path: str, *, pool_size: int, isolation_level: str | None) -> sa.Engine:
    """An engine on a SQLite file as this house wants it: WAL, durable, patient."""
    engine = sa.create_engine(
        sa.URL.create("sqlite", database=path),
        connect_args={"check_same_thread": False},
        pool_size=pool_size,
        max_overflow=0,
    )

    def prepare(connection: sa.engine.interfaces.DBAPIConnection, _: object) -> None:
        # pysqlite's own BEGIN comes too late and is DEFERRED; None leaves transactions to us.
        connection.isolation_level = isolation_level
        if sqlite3.sqlite_version_info < SUBSEC_SQLITE:
            # The work engine's tables date their rows with unixepoch('subsec'), null on older editions.
            connection.create_function("unixepoch", 1, lambda _: time.time())
        cursor = connection.cursor()
        for pragma in (
            f"busy_timeout={BUSY_TIMEOUT_MS}",
            "journal_mode=WAL",
            "synchronous=FULL",
            "foreign_keys=ON",
        ):
            cursor.execute(f"PRAGMA {pragma}")
        cursor.close()

    sa.event.listen(engine, "connect", prepare)
    return engine


class Database:
    """One database, by URL: `sqlite:///path/to/file.db` or `postgresql+asyncpg://…`."""

    def __init__(self, url: str, book: Book | None = None) -> None:
        self._book = book or Book()
        try:
            self.url = sa.make_url(url)
        except (sa.exc.ArgumentError, ValueError):
            # Not said back: what can't be read may hold a password anywhere.
            raise ConfigError(f"the database URL is none: {KNOWN_URLS}") from None
        self._postgres: AsyncEngine | None = None
        self._glances: AsyncEngine | None = None
        self._sqlite: SqliteThreads | None = None
        if self.url.get_backend_name() == "postgresql":
            self.url = self.url.set(drivername="postgresql+asyncpg")
            self._postgres = create_async_engine(
                self.url,
                pool_size=POSTGRES_POOL,
                max_overflow=0,
                isolation_level="READ COMMITTED",
                skip_autocommit_rollback=True,
            )
            sa.event.listen(self._postgres.sync_engine, "checkout", _refuse_closed)
            sa.event.listen(self._postgres.sync_engine, "invalidate", _cut_short)
            # The same pool; one statement is its own transaction, unless one has been begun by hand.
            self._glances = self._postgres.execution_options(isolation_level="AUTOCOMMIT")
        elif self.url.get_backend_name() == "sqlite" and self.url.database not in (None, "", ":memory:"):
            # One connection for the writer, one for glances, and one for each reader.
            engine = sqlite_engine(str(self.url.database), pool_size=READERS + 2, isolation_level=None)
            self._sqlite = SqliteThreads(
                engine, lambda: StoreUnavailable("the store has been closed"), self._note_commit
            )
        else:
            raise ConfigError(f"the database {printable_address(url)!r} is not known: {KNOWN_URLS}")

    @property
    def embedded(self) -> bool:
        """True on SQLite: one server process owns the file, and every older one is dead."""
        return self._sqlite is not None

    @property
    def path(self) -> Path | None:
        """The SQLite file, None on PostgreSQL."""
        return Path(str(self.url.database)) if self.embedded else None

    async def write(
        self, fn: Callable[Concatenate[sa.Connection, P], T], *args: P.args, **kwargs: P.kwargs
    ) -> T:
        """Run `fn` in a transaction and return once it is durable.

        Raises whatever `fn` raised (nothing of it stays), or StoreUnavailable.
        """
        asked_at = time.monotonic()
        if self._sqlite is not None:
            asked = self._sqlite.write(lambda conn: fn(conn, *args, **kwargs))
            written = cast("T", await self._settled(asked))
            self._book.observe(WRITES, time.monotonic() - asked_at)
            return written
        written = await self._on_postgres(lambda conn: fn(conn, *args, **kwargs), WRITE_S)
        took_s = time.monotonic() - asked_at
        self._book.observe(WRITES, took_s)
        self._note_commit(took_s, 1)
        return written

    async def read(
        self, fn: Callable[Concatenate[sa.Connection, P], T], *args: P.args, **kwargs: P.kwargs
    ) -> T:
        """Run `fn` on one consistent snapshot; it must not write."""
        if self._sqlite is not None:
            return cast("T", await self._settled(self._sqlite.read(lambda conn: fn(conn, *args, **kwargs))))
        return await self._on_postgres(lambda conn: fn(conn, *args, **kwargs), READ_S, ONE_SNAPSHOT)

    async def alter(self, fn: Callable[[sa.Connection], T]) -> T:
        """Like `write`, for a change of the tables themselves: it takes as long as it takes."""
        return await (self.write(fn) if self.embedded else self._on_postgres(fn, None))

    async def answers(self) -> bool:
        """Whether the database answers at all, found out within two seconds."""
        try:
            async with asyncio.timeout(PING_S):
                await self.glance(lambda conn: conn.exec_driver_sql("SELECT 1").scalar())
        except (StoreUnavailable, TimeoutError):
            return False
        return True

    async def glance(
        self, fn: Callable[Concatenate[sa.Connection, P], T], *args: P.args, **kwargs: P.kwargs
    ) -> T:
        """Run one prepared statement that finds its row by a key: a read without a thread or a BEGIN.

        Always asked of the database itself, so that what another process has committed is seen at once.
        """
        if self._sqlite is not None:
            try:
                return self._sqlite.glance(lambda conn: fn(conn, *args, **kwargs))
            except (sqlite3.OperationalError, sa.exc.OperationalError):
                # It would have had to wait, which the event loop must not.
                return await self.read(fn, *args, **kwargs)
        try:
            async with asyncio.timeout(GLANCE_S):
                return await self._glance_at_postgres(lambda conn: fn(conn, *args, **kwargs))
        except Exception as error:
            if _is_trouble(error):
                raise self._trouble(error) from error
            raise

    async def _glance_at_postgres(self, look: Callable[[sa.Connection], T]) -> T:
        assert self._glances is not None
        async with self._glances.connect() as conn:
            conn.info[READS] = True
            try:
                return await conn.run_sync(look)
            except Exception as error:
                # SQLAlchemy does not see what the driver was asked past it.
                if _is_trouble(error):
                    await conn.invalidate()
                raise
            except BaseException:
                # Called off: what it was asked may still be under way.
                await conn.invalidate()
                raise
            finally:
                if not conn.invalidated:
                    conn.info.pop(READS, None)

    async def _on_postgres(
        self, work: Callable[[sa.Connection], T], patience_s: float | None, begin: str = BEGIN
    ) -> T:
        for attempt in range(1, TRIES + 1):
            try:
                async with asyncio.timeout(patience_s):
                    return await self._in_transaction(work, begin)
            except Exception as error:
                if attempt < TRIES and _sqlstate_of(error) in AGAIN_SQLSTATES:
                    continue
                if _is_trouble(error):
                    raise self._trouble(error) from error
                raise
        raise AssertionError("unreachable")

    async def _in_transaction(self, work: Callable[[sa.Connection], T], begin: str) -> T:
        assert self._glances is not None
        async with self._glances.connect() as conn:
            theirs = cast("Any", (await conn.get_raw_connection()).driver_connection)
            try:
                await theirs.execute(begin)
                value, deeds = await conn.run_sync(_done_with_deeds, work)
                await theirs.execute("COMMIT")
            except Exception:
                try:
                    await theirs.execute("ROLLBACK")
                except BaseException as worse:
                    await conn.invalidate()
                    if not isinstance(worse, Exception):
                        raise
                raise
            except BaseException:
                # Called off in the middle of who knows what.
                await conn.invalidate()
                raise
        for deed in deeds:
            deed()
        return value

    async def close(self) -> None:
        """Finish what was asked for and let go of every connection."""
        if self._sqlite is not None:
            await asyncio.to_thread(self._sqlite.close)
        if self._postgres is not None:
            await self._postgres.dispose()

    async def _settled(self, asked: asyncio.Future[object]) -> object:
        """The answer. A caller that goes away takes nothing back: what was asked for is still done."""
        try:
            return await asked
        except TROUBLE as trouble:
            raise self._trouble(trouble) from trouble

    def _trouble(self, why: BaseException) -> StoreUnavailable:
        self._book.count(STORE_TROUBLE)
        return StoreUnavailable(str(why) or "the database does not answer")

    def _note_commit(self, took_s: float, writes: int) -> None:
        self._book.observe(COMMITS, took_s)
        self._book.observe(COMMIT_GROUP, writes)


def _done_with_deeds(conn: sa.Connection, work: Callable[[sa.Connection], T]) -> tuple[T, Iterable[Deed]]:
    with noting(conn) as deeds:
        return work(conn), deeds


def _cut_short(connection: Any, record: Any, exception: BaseException | None) -> None:
    """Give up a connection that only reads at once: the other side may be silent, and its goodbye takes 2 s.

    A read left to itself holds nothing up. A transaction the driver calls off, which a cut would prevent:
    its locks would be held for as long as its statement runs.
    """
    if record.info.pop(READS, False):
        connection.driver_connection.terminate()


def _refuse_closed(connection: Any, record: object, proxy: object) -> None:
    """Whoever takes a connection out of the pool that the other side has closed gets a new one in its place.

    After a restart of PostgreSQL all of them are.
    """
    if connection.driver_connection.is_closed():
        raise sa.exc.DisconnectionError


def _sqlstate_of(error: Exception) -> str:
    """PostgreSQL's word for what went wrong, by way of SQLAlchemy or not."""
    cause = error.orig if isinstance(error, sa.exc.DBAPIError) else error
    return str(getattr(cause, "sqlstate", None) or "")


def _is_trouble(error: Exception) -> bool:
    """The database itself is in trouble, and not the statement."""
    if isinstance(error, TROUBLE) or _sqlstate_of(error).startswith(TROUBLE_CLASSES):
        return True
    return isinstance(error, sa.exc.DBAPIError) and error.connection_invalidated
