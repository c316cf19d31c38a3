"""The writer thread and the readers of one SQLite file.

Work is a function of a connection; its answer goes to the event loop that asked, and many answers go
together: waking a loop costs more than a row. Knows no table.
"""

from __future__ import annotations

import asyncio
import queue
import sqlite3
import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TypeVar

import sqlalchemy as sa

from byourside_server.store.afterwards import Deed, noting
from byourside_server.store.prepared import driver

T = TypeVar("T")

# Of one transaction; the first waits for the disk as long as the last.
MAX_GROUP = 256
MAX_READ_GROUP = 8
READERS = 4
# Answers of one group of reads are held back no longer than this for company.
COMPANY_S = 0.002


@dataclass(eq=False)
class Work:
    """Something to be done, and where its answer goes."""

    do: Callable[[sa.Connection], object]
    loop: asyncio.AbstractEventLoop
    asked: asyncio.Future[object]
    value: object = None
    error: BaseException | None = None
    deeds: Iterable[Deed] = ()
    """Done on the loop that asked, once what was written is on the disk."""


class SqliteThreads:
    """Threads over an engine whose connections leave transactions to us. They start when first needed."""

    def __init__(
        self,
        engine: sa.Engine,
        refusal: Callable[[], Exception],
        note_commit: Callable[[float, int], None] = lambda took_s, writes: None,
    ) -> None:
        """`note_commit` hears in the writer's thread how long each transaction took, and for how many."""
        self._engine = engine
        self._refusal = refusal
        self._note_commit = note_commit
        self._writes: queue.SimpleQueue[Work | None] = queue.SimpleQueue()
        self._reads: queue.SimpleQueue[Work | None] = queue.SimpleQueue()
        self._threads: list[threading.Thread] = []
        self._starting = threading.Lock()
        self._closed = False
        self._glance: sa.Connection | None = None
        self._glancing = threading.Lock()

    def write(self, do: Callable[[sa.Connection], object]) -> asyncio.Future[object]:
        """Ask for work in a transaction; the answer comes when it is on the disk."""
        return self._ask(self._writes, do)

    def read(self, do: Callable[[sa.Connection], object]) -> asyncio.Future[object]:
        """Ask for work on a snapshot taken after this moment."""
        return self._ask(self._reads, do)

    def glance(self, do: Callable[[sa.Connection], T]) -> T:
        """Run one statement that finds its row by a key here and now, without a thread.

        Raises sqlite3.OperationalError where it would have to wait.
        """
        with self._glancing:
            if self._closed:
                raise self._refusal()
            if self._glance is None:
                self._glance = self._engine.connect()
                driver(self._glance).execute("PRAGMA busy_timeout=0")
            return do(self._glance)

    def close(self) -> None:
        """Finish what was asked for."""
        with self._starting:
            self._closed = True
            self._writes.put(None)
            for _ in range(READERS):
                self._reads.put(None)
        for thread in self._threads:
            thread.join()
        with self._glancing:
            if self._glance is not None:
                self._glance.close()
        self._engine.dispose()

    def _ask(
        self, waiting: queue.SimpleQueue[Work | None], do: Callable[[sa.Connection], object]
    ) -> asyncio.Future[object]:
        loop = asyncio.get_running_loop()
        work = Work(do, loop, loop.create_future())
        # Under the lock, so that nothing is ever queued behind the word to stop and waits for ever.
        with self._starting:
            if self._closed:
                raise self._refusal()
            if not self._threads:
                self._threads.append(
                    threading.Thread(target=self._write_forever, name="store-write", daemon=True)
                )
                self._threads += [
                    threading.Thread(target=self._read_forever, name=f"store-read-{n}", daemon=True)
                    for n in range(READERS)
                ]
                for thread in self._threads:
                    thread.start()
            waiting.put(work)
        return work.asked

    def _write_forever(self) -> None:
        while group := _group_of(self._writes, MAX_GROUP):
            self._commit(group)
            _tell(group)

    def _commit(self, group: list[Work]) -> None:
        """One transaction for all of `group`."""
        began = time.monotonic()
        try:
            with self._engine.connect() as conn:
                run = driver(conn).execute
                run("BEGIN IMMEDIATE")
                try:
                    for work in group:
                        _do_in_savepoint(conn, run, work)
                    run("COMMIT")
                except BaseException:
                    conn.invalidate()
                    raise
            self._note_commit(time.monotonic() - began, len(group))
        except Exception as trouble:
            for work in group:
                work.value, work.error, work.deeds = None, trouble, ()

    def _read_forever(self) -> None:
        while group := _group_of(self._reads, MAX_READ_GROUP):
            try:
                # The snapshot begins after the last of the group was asked for: each sees what was
                # answered before.
                with self._engine.connect() as conn:
                    run = driver(conn).execute
                    run("BEGIN")
                    try:
                        _look(conn, group)
                    finally:
                        run("ROLLBACK")
            except Exception as trouble:
                for work in group:
                    work.value, work.error = None, trouble
            _tell(group)


def _group_of(waiting: queue.SimpleQueue[Work | None], most: int) -> list[Work]:
    """What waits, at least one; empty where the word to stop came first."""
    group: list[Work] = []
    work = waiting.get()
    while work is not None:
        group.append(work)
        if len(group) == most:
            return group
        try:
            work = waiting.get_nowait()
        except queue.Empty:
            return group
    if group:
        # The word to stop ends the next round.
        waiting.put(None)
    return group


def _look(conn: sa.Connection, group: list[Work]) -> None:
    began = time.monotonic()
    told = 0
    for place, work in enumerate(group, start=1):
        try:
            work.value = work.do(conn)
        except Exception as error:
            work.error = error
        if time.monotonic() - began > COMPANY_S:
            _tell(group[told:place])
            told = place


def _do_in_savepoint(
    conn: sa.Connection, run: Callable[[str], sqlite3.Cursor], work: Work
) -> None:
    """What fails takes nothing of its neighbours with it."""
    run("SAVEPOINT one")
    try:
        with noting(conn) as deeds:
            work.value = work.do(conn)
        work.deeds = deeds
    except Exception as error:
        run("ROLLBACK TO one")
        work.error = error
    run("RELEASE one")


def _tell(group: list[Work]) -> None:
    """Hand answers to those who asked, each loop woken once."""
    of_loop: dict[asyncio.AbstractEventLoop, list[Work]] = {}
    for work in group:
        of_loop.setdefault(work.loop, []).append(work)
    for loop, answered in of_loop.items():
        try:
            loop.call_soon_threadsafe(_settle, answered)
        except RuntimeError:
            # The loop has been closed: nobody waits any more.
            continue


def _settle(answered: list[Work]) -> None:
    for deed in {deed: None for work in answered for deed in work.deeds}:
        deed()
    for work in answered:
        # Done already: told before, or whoever asked has gone; what is written stays written.
        if work.asked.done():
            continue
        if work.error is not None:
            work.asked.set_exception(work.error)
        else:
            work.asked.set_result(work.value)
