"""What waits in the house, counted from indexes alone."""

from __future__ import annotations

import asyncio
from pathlib import Path

import sqlalchemy as sa

from byourside_server.store.backlog import HEADS, LOOK, Backlog
from byourside_server.webhooks.sender import Attempt
from tests.store.rig import Rig, request


def test_an_empty_house_has_nothing_waiting(url: str, tmp_path: Path) -> None:
    async def story() -> None:
        async with Rig(url, tmp_path) as rig:
            assert (await rig.switchboard.backlog()).calls == {}.fromkeys(
                ("claimed", "dialing", "in_progress", "post", "queued"), 0
            )
            await rig.account()
            found = await rig.switchboard.backlog()
            assert (set(found.calls.values()), found.oldest_run_at, found.webhooks) == ({0}, None, 0)

    asyncio.run(story())


def test_calls_count_by_state_over_all_accounts_and_the_oldest_is_known(url: str, tmp_path: Path) -> None:
    async def story() -> None:
        async with Rig(url, tmp_path) as rig:
            rig.dialer.script = rig.dialer.hold_on
            first, key = await rig.account(max_concurrent=1)
            other, other_key = await rig.account("other", max_concurrent=1)
            live = await rig.switchboard.place(first, key, request())
            await rig.until(first, live.id, "in_progress")
            rig.clock.advance(10.0)
            placed_at = rig.clock.epoch()
            for account, its_key in ((first, key), (first, key), (other, other_key)):
                await rig.switchboard.place(account, its_key, request(webhook_url=None))
            later = rig.clock.epoch() + 3600.0
            await rig.switchboard.place(first, key, request(scheduled_at=later, webhook_url=None))
            found = await rig.switchboard.backlog()
            states = {"claimed": 1, "dialing": 0, "in_progress": 1, "post": 0, "queued": 3}
            assert found == Backlog(states, placed_at, found.webhooks)

    asyncio.run(story())


def test_a_call_whose_webhooks_do_not_arrive_counts_once(url: str, tmp_path: Path) -> None:
    async def story() -> None:
        async with Rig(url, tmp_path) as rig:
            account, key = await rig.account()
            rig.sender.answers = [Attempt(500, 3)]
            # For tomorrow: nothing happens to it meanwhile but its one event.
            later = rig.clock.epoch() + 86_400.0
            await rig.switchboard.place(account, key, request(scheduled_at=later))
            await rig.engine.work()
            assert (await rig.switchboard.backlog()).webhooks == 1
            rig.clock.advance(10.0)
            await rig.engine.work()
            assert (await rig.switchboard.backlog()).webhooks == 0

    asyncio.run(story())


def test_no_statement_walks_over_all_calls(tmp_path: Path) -> None:
    """A server with ten million calls is scraped every few seconds."""

    async def story() -> list[str]:
        async with Rig(f"sqlite:///{tmp_path / 'store.db'}", tmp_path) as rig:

            def plans(conn: sa.Connection) -> list[str]:
                found = []
                for query in (LOOK, HEADS):
                    text = str(query.compile(conn.engine, compile_kwargs={"literal_binds": True}))
                    found += [str(row[3]) for row in conn.exec_driver_sql(f"EXPLAIN QUERY PLAN {text}")]
                return found

            return await rig.db.read(plans)

    steps = asyncio.run(story())
    of_calls = [step for step in steps if " calls " in step]
    assert len(of_calls) == 7
    assert all(step.endswith("(account_id=? AND state=?)") and "COVERING INDEX" in step for step in of_calls)
    assert [step for step in steps if " outbox " in step] == [
        "SEARCH outbox USING COVERING INDEX outbox_item (item_due_at>?)"
    ]
