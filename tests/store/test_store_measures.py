"""What the store notes of its own work, and that a call's end is told to who looks on, once."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
import sqlalchemy as sa

from byourside_server.calls.call import Call
from byourside_server.measures import table
from byourside_server.measures.book import Book
from byourside_server.metrics.observation import Observation
from byourside_server.store import workers
from byourside_server.store.courier import Sent
from byourside_server.store.database import Database, StoreUnavailable
from byourside_server.webhooks.schedule import DELAYS_S
from byourside_server.webhooks.sender import Attempt
from tests.store.rig import Rig, request
from tests.store.test_store_live import die


def test_writes_that_share_a_transaction_are_one_commit(tmp_path: Path) -> None:
    """Group commit: the first takes the writer, whatever comes meanwhile goes with the next."""

    async def story() -> Book:
        book = Book()
        db = Database(f"sqlite:///{tmp_path / 'a.db'}", book)
        await db.write(lambda conn: conn.exec_driver_sql("CREATE TABLE t (n INTEGER)"))
        add = sa.text("INSERT INTO t VALUES (1)")
        await asyncio.gather(*(db.write(lambda conn: conn.execute(add).rowcount) for _ in range(20)))
        await db.close()
        return book

    book = asyncio.run(story())
    commits, writes = (book.tallies(each)[()] for each in (table.COMMITS, table.WRITES))
    groups = book.tallies(table.COMMIT_GROUP)[()]
    assert groups.total == sum(writes.counts) == 21
    assert 2 <= sum(commits.counts) == sum(groups.counts) <= 21
    assert commits.total > 0
    assert book.counts(table.STORE_TROUBLE) == {}


def test_a_store_that_refuses_is_counted(tmp_path: Path) -> None:
    async def story() -> Book:
        book = Book()
        db = Database("postgresql+asyncpg://nobody@127.0.0.1:1/none", book)
        for ask in (db.write, db.read, db.glance):
            with pytest.raises(StoreUnavailable):
                await ask(lambda conn: None)
        await db.close()
        return book

    assert asyncio.run(story()).counts(table.STORE_TROUBLE) == {(): 3}


def test_webhook_attempts_are_told_by_what_follows(url: str, tmp_path: Path) -> None:
    async def story() -> None:
        async with Rig(url, tmp_path) as rig:
            told: list[Sent] = []
            rig.switchboard.look_on(lambda call: None, told.append)
            account, key = await rig.account()
            rig.sender.answers = [
                Attempt(503, 5),
                Attempt(None, 10_000, "timed_out"),
                Attempt(410, 5),
            ]
            later = rig.clock.epoch() + 86_400.0
            call = await rig.switchboard.place(account, key, request(scheduled_at=later))
            for delay_s in (0.0, *DELAYS_S[1:3]):
                rig.clock.advance(delay_s * 1.1)
                await rig.engine.work()
            [event] = {each.event_id for each in told}
            await rig.switchboard.replay(account, event)
            await rig.engine.work()
            answers = [(each.number, each.result, each.answer) for each in told]
            assert answers == [
                (1, "retried", "5xx"),
                (2, "retried", "timed_out"),
                (3, "gave_up", "4xx"),
                (4, "replayed", "2xx"),
            ]
            assert {each.call_id for each in told} == {call.id}

    asyncio.run(story())


def test_who_looks_on_and_fails_holds_up_no_call(url: str, tmp_path: Path) -> None:
    async def story() -> None:
        async with Rig(url, tmp_path) as rig:

            def stumble(call: Call) -> None:
                raise ValueError("no")

            rig.switchboard.look_on(stumble)
            account, key = await rig.account()
            call = await rig.switchboard.place(account, key, request())
            await rig.until(account, call.id, "completed")

    asyncio.run(story())


def test_each_call_is_counted_once_also_over_a_death_and_its_recovery(url: str, tmp_path: Path) -> None:
    """Two calls in two lives of a server: the one on the line at the death ends in the second life."""

    async def story() -> tuple[Book, Book]:
        books = Book(), Book()
        first = Rig(url, tmp_path, worker_id="worker-1", on_change=Observation(books[0]).see)
        await first.__aenter__()
        account, key = await first.account(max_concurrent=1)
        done = await first.switchboard.place(account, key, request(webhook_url=None))
        await first.until(account, done.id, "completed")
        at = first.clock.epoch() + 60
        canceled = await first.switchboard.place(account, key, request(scheduled_at=at, webhook_url=None))
        await first.switchboard.cancel(account, canceled.id)
        first.dialer.script = first.dialer.hold_on
        live = await first.switchboard.place(account, key, request(webhook_url=None))
        await first.until(account, live.id, "in_progress")
        await die(first)
        again = Observation(books[1]).see
        async with Rig(url, tmp_path, first.clock, "worker-2", again) as second:
            if not second.db.embedded:
                await second.db.write(workers.retire, "worker-1")
            await second.switchboard.recover()
            await second.switchboard.recover()
            await second.switchboard.reconcile(overdue_s=0.0)
            assert (await second.switchboard.get(account, live.id)).state == "failed"
        return books

    before, after = asyncio.run(story())
    assert before.counts(table.CALLS) == {("completed", "none"): 1, ("canceled", "canceled"): 1}
    assert after.counts(table.CALLS) == {("failed", "worker_lost"): 1}
    assert before.counts(table.CALLS_OBSERVED_TWICE) == after.counts(table.CALLS_OBSERVED_TWICE) == {}
