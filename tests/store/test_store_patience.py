"""A PostgreSQL that hangs ends in refusals: real locks, and a real backend that is stopped."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import time
from collections.abc import Iterator

import pytest
import sqlalchemy as sa

from byourside_server.store import database
from byourside_server.store.accounts import create_account, lock_account
from byourside_server.store.database import Database, StoreUnavailable
from byourside_server.store.migrations import migrate

NOW = 1_800_000_000.0
BOUND_S = 0.5
PATIENCE_S = 60.0


@contextlib.contextmanager
def bound_to(seconds: float) -> Iterator[None]:
    """So long may the database take inside; what must succeed gets longer than a slow machine needs."""
    with pytest.MonkeyPatch.context() as patch:
        for name in ("GLANCE_S", "WRITE_S", "READ_S", "PING_S"):
            patch.setattr(database, name, seconds)
        yield


@pytest.fixture(autouse=True)
def _long() -> Iterator[None]:
    with bound_to(PATIENCE_S):
        yield


def test_a_lock_that_is_never_given_back_is_refused_in_time_and_the_next_write_works(
    postgres_url: str,
) -> None:
    async def story() -> None:
        db, holder = Database(postgres_url), Database(postgres_url)
        await db.alter(lambda conn: migrate(conn, NOW))
        account = await db.write(create_account, "acme", NOW)
        assert holder._glances is not None
        async with holder._glances.connect() as held:
            await held.exec_driver_sql("BEGIN")
            await held.run_sync(lock_account, account.id)
            # Refused while the lock is still held; half of what the database may take otherwise.
            async with asyncio.timeout(PATIENCE_S / 2):
                with bound_to(BOUND_S), pytest.raises(StoreUnavailable) as refused:
                    await db.write(lock_account, account.id)
            assert (refused.value.token, refused.value.retry_after_s) == ("store_error", 1.0)
            assert await db.answers(), "one row is locked, not the database"
            await held.exec_driver_sql("ROLLBACK")
        await db.write(lock_account, account.id)
        await db.close()
        await holder.close()

    asyncio.run(story())


def test_a_backend_that_does_not_answer_is_given_up_and_another_connection_works(postgres_url: str) -> None:
    """SIGSTOP is what a network that swallows packets looks like from here: nothing comes, nothing breaks."""

    async def story() -> None:
        db = Database(postgres_url)
        await db.alter(lambda conn: migrate(conn, NOW))
        pid = await db.read(lambda conn: int(conn.execute(sa.text("SELECT pg_backend_pid()")).scalar_one()))
        os.kill(pid, signal.SIGSTOP)
        try:
            began = time.monotonic()
            with bound_to(BOUND_S):
                assert not await db.answers()
            # SQLAlchemy would wait two seconds more for the goodbye of a connection that says nothing.
            assert time.monotonic() - began < BOUND_S + 1.9
            # Given up with the look: what comes next has a connection of its own.
            assert await db.answers()
            await db.write(create_account, "acme", NOW)
        finally:
            os.kill(pid, signal.SIGCONT)
        await db.close()

    asyncio.run(story())
