"""Am I still the one? And who is not?

Embedded, the lock on the database file answers both, once, at the start. On PostgreSQL each worker beats
a row on the database's clock and watches its own monotonic one: it stops by itself at 0.75 of the lease,
before anyone may declare it dead at 1.0 and end its calls.
"""

from __future__ import annotations

import asyncio
import logging
from pathlib import Path

import sqlalchemy as sa

from byourside_server.calls.call import Call
from byourside_server.clock import Clock
from byourside_server.store import live, workers
from byourside_server.store.database import Database, StoreUnavailable
from byourside_server.store.directory_lock import DirectoryLock
from byourside_server.store.engine import House

LEASE_S = 20.0
BEATS_PER_LEASE = 4
FENCE_AT = 0.75

log = logging.getLogger(__name__)


class Lease:
    """This worker's right to have calls on the line."""

    def __init__(
        self, db: Database, house: House, worker_id: str, clock: Clock, lease_s: float = LEASE_S
    ) -> None:
        self._db = db
        self._house = house
        self._worker_id = worker_id
        self._clock = clock
        self._lease_s = lease_s
        self._beaten_at = clock.monotonic()
        self._declared_dead = False
        path = db.path
        self._lock = DirectoryLock(Path(f"{path}.lock")) if path is not None else None

    @property
    def beat_every_s(self) -> float:
        return self._lease_s / BEATS_PER_LEASE

    @property
    def holds(self) -> bool:
        """False once calls must be hung up, because others may take them for lost."""
        if self._lock is not None:
            return True
        fresh = self._clock.monotonic() - self._beaten_at < FENCE_AT * self._lease_s
        return fresh and not self._declared_dead

    async def begin(self) -> None:
        """Take the lease. Raises ConfigError where the file is another server's."""
        if self._lock is not None:
            self._lock.acquire()
        self._beaten_at = self._clock.monotonic()
        await self._db.write(workers.register, self._worker_id)
        if self._lock is not None:
            await self._db.write(workers.declare_all_others_dead, self._worker_id)

    async def renew(self) -> None:
        """Beat once, and declare dead whoever has not for a lease."""
        # The moment before the question counts: the answer may have travelled long.
        asked_at = self._clock.monotonic()
        try:
            # A store that hangs must not keep this worker from seeing that its time is up.
            async with asyncio.timeout(self.beat_every_s):
                is_alive = await self._db.write(workers.beat, self._worker_id)
            if not is_alive:
                self._declared_dead = True
                return
            self._beaten_at = asked_at
            if self._lock is None:
                for worker_id in await self._db.write(workers.declare_dead, self._lease_s):
                    log.warning("worker declared dead", extra={"worker_id": worker_id})
        except StoreUnavailable as trouble:
            log.warning("heartbeat failed", extra={"why": trouble.why})
        except TimeoutError:
            log.warning("heartbeat failed", extra={"why": "the store does not answer"})

    async def start_over(self) -> list[Call]:
        """Take a lost lease again; returns this worker's calls, which have ended with it.

        Only for whoever has cut all its lines. Raises StoreUnavailable or TimeoutError.
        """
        asked_at = self._clock.monotonic()
        async with asyncio.timeout(self.beat_every_s):
            lost = await self._db.write(self._start_over, self._clock.epoch())
        self._beaten_at, self._declared_dead = asked_at, False
        return lost

    def _start_over(self, conn: sa.Connection, now: float) -> list[Call]:
        # One transaction: alive again with calls that nobody talks on any more, they would never end.
        others = workers.alive(conn) - {self._worker_id}
        lost = live.lose_lines(conn, self._house, others, now)
        workers.start_over(conn, self._worker_id)
        return lost

    async def end(self) -> None:
        """Give the lease back."""
        try:
            await self._db.write(workers.retire, self._worker_id)
        except StoreUnavailable as trouble:
            log.warning("could not retire", extra={"why": trouble.why})
        if self._lock is not None:
            self._lock.release()
