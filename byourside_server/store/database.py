"""Where transaction functions run: `fn(conn, …)` written once, on SQLite or PostgreSQL.

SQLite: one writer thread with group commit. Every waiting function runs in a savepoint of one shared
transaction, so many callers pay for one fsync (WAL, synchronous=FULL) and a function that fails takes
nothing of its neighbours with it. Reads run on a small pool of their own.
PostgreSQL: the same function runs through `AsyncConnection.run_sync` over asyncpg.
Knows no table and no call.
"""

from __future__ import annotations

import asyncio
import queue
import sqlite3
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Concatenate, ParamSpec, TypeVar, cast

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from byourside_server.errors import ConfigError, Refusal

P = ParamSpec("P")
T = TypeVar("T")

MAX_GROUP = 256
# The first edition of SQLite that knows unixepoch('subsec').
SUBSEC_SQLITE = (3, 42, 0)
READERS = 4
BUSY_TIMEOUT_MS = 5_000
POSTGRES_POOL = 10
# A deadlock or a lost serialisation is PostgreSQL's "again, please".
AGAIN_SQLSTATES = frozenset({"40001", "40P01"})
TRIES = 3
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
TROUBLE = (sa.exc.OperationalError, sa.exc.InterfaceError, sa.exc.TimeoutError, OSError)

Work = tuple[Callable[[sa.Connection], object], "Future[object]"]


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

    def __init__(self, url: str) -> None:
        try:
            self.url = sa.make_url(url)
        except (sa.exc.ArgumentError, ValueError):
            # Not said back: what can't be read may hold a password anywhere.
            raise ConfigError(f"the database URL is none: {KNOWN_URLS}") from None
        self._postgres: AsyncEngine | None = None
        self._sqlite: _SqliteThreads | None = None
        if self.url.get_backend_name() == "postgresql":
            self.url = self.url.set(drivername="postgresql+asyncpg")
            self._postgres = create_async_engine(
                self.url, pool_size=POSTGRES_POOL, max_overflow=0, isolation_level="READ COMMITTED"
            )
        elif self.url.get_backend_name() == "sqlite" and self.url.database not in (None, "", ":memory:"):
            self._sqlite = _SqliteThreads(str(self.url.database))
        else:
            raise ConfigError(f"the database {self.url!r} is not known: {KNOWN_URLS}")

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
        if self._sqlite is not None:
            done = self._sqlite.write(lambda conn: fn(conn, *args, **kwargs))
            return cast("T", await _settled(done))
        return await self._on_postgres(lambda conn: fn(conn, *args, **kwargs))

    async def read(
        self, fn: Callable[Concatenate[sa.Connection, P], T], *args: P.args, **kwargs: P.kwargs
    ) -> T:
        """Run `fn` on one consistent snapshot; it must not write."""
        if self._sqlite is not None:
            return cast("T", await _settled(self._sqlite.read(lambda conn: fn(conn, *args, **kwargs))))
        return await self._on_postgres(lambda conn: fn(conn, *args, **kwargs))

    async def _on_postgres(self, work: Callable[[sa.Connection], T]) -> T:
        assert self._postgres is not None
        for attempt in range(1, TRIES + 1):
            try:
                async with self._postgres.begin() as conn:
                    return await conn.run_sync(work)
            except sa.exc.DBAPIError as trouble:
                if attempt < TRIES and getattr(trouble.orig, "sqlstate", None) in AGAIN_SQLSTATES:
                    continue
                if isinstance(trouble, TROUBLE) or trouble.connection_invalidated:
                    raise StoreUnavailable(str(trouble)) from trouble
                raise
            except TROUBLE as trouble:
                raise StoreUnavailable(str(trouble)) from trouble
        raise AssertionError("unreachable")

    async def close(self) -> None:
        """Finish what was asked for and let go of every connection."""
        if self._sqlite is not None:
            await asyncio.to_thread(self._sqlite.close)
        if self._postgres is not None:
            await self._postgres.dispose()


async def _settled(done: Future[object]) -> object:
    try:
        # Shielded: a caller that goes away must not make a written thing look unwritten.
        return await asyncio.shield(asyncio.wrap_future(done))
    except TROUBLE as trouble:
        raise StoreUnavailable(str(trouble)) from trouble


class _SqliteThreads:
    """The writer thread and the readers of one SQLite file."""

    def __init__(self, path: str) -> None:
        self._engine = sqlite_engine(path, pool_size=READERS + 1, isolation_level=None)
        self._waiting: queue.SimpleQueue[Work | None] = queue.SimpleQueue()
        self._writer: threading.Thread | None = None
        self._starting = threading.Lock()
        self._closed = False
        self._readers = ThreadPoolExecutor(READERS, thread_name_prefix="store-read")

    def write(self, work: Callable[[sa.Connection], object]) -> Future[object]:
        done: Future[object] = Future()
        with self._starting:
            self._refuse_if_closed()
            if self._writer is None:
                self._writer = threading.Thread(target=self._write_forever, name="store-write", daemon=True)
                self._writer.start()
            # Under the lock, so that nothing is ever queued behind the word to stop and waits for ever.
            self._waiting.put((work, done))
        return done

    def read(self, work: Callable[[sa.Connection], object]) -> Future[object]:
        self._refuse_if_closed()
        return self._readers.submit(self._read, work)

    def _read(self, work: Callable[[sa.Connection], object]) -> object:
        with self._engine.connect() as conn:
            conn.exec_driver_sql("BEGIN")
            try:
                return work(conn)
            finally:
                conn.exec_driver_sql("ROLLBACK")

    def _refuse_if_closed(self) -> None:
        if self._closed:
            raise StoreUnavailable("the store has been closed")

    def close(self) -> None:
        with self._starting:
            self._closed = True
            self._waiting.put(None)
        if self._writer is not None:
            self._writer.join()
        self._readers.shutdown()
        self._engine.dispose()

    def _write_forever(self) -> None:
        open_for_more = True
        while open_for_more:
            group: list[Work] = []
            first = self._waiting.get()
            if first is None:
                return
            group.append(first)
            while len(group) < MAX_GROUP:
                try:
                    work = self._waiting.get_nowait()
                except queue.Empty:
                    break
                if work is None:
                    open_for_more = False
                    break
                group.append(work)
            self._commit(group)

    def _commit(self, group: list[Work]) -> None:
        """One transaction for all of `group`; the answers go out only when it is on the disk."""
        answers: list[tuple[Future[object], object, BaseException | None]] = []
        try:
            with self._engine.connect() as conn:
                conn.exec_driver_sql("BEGIN IMMEDIATE")
                try:
                    answers = [(done, *_in_savepoint(conn, work)) for work, done in group]
                    conn.exec_driver_sql("COMMIT")
                except BaseException:
                    conn.invalidate()
                    raise
        except Exception as trouble:
            answers = [(done, None, trouble) for _, done in group]
        for done, value, error in answers:
            if error is None:
                done.set_result(value)
            else:
                done.set_exception(error)


def _in_savepoint(
    conn: sa.Connection, work: Callable[[sa.Connection], object]
) -> tuple[object, BaseException | None]:
    conn.exec_driver_sql("SAVEPOINT one")
    try:
        value = work(conn)
    except Exception as error:
        conn.exec_driver_sql("ROLLBACK TO one")
        conn.exec_driver_sql("RELEASE one")
        return None, error
    conn.exec_driver_sql("RELEASE one")
    return value, None
