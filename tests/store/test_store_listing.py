"""Pages of calls: complete and in order, and along an index however many calls are stored."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Collection
from pathlib import Path

import pytest
import sqlalchemy as sa

from byourside_server.calls.call import Call
from byourside_server.errors import Refusal
from byourside_server.store import events, keys, listing, live, outbox, placing
from byourside_server.store.call_rows import request_text
from byourside_server.store.engine import House
from byourside_server.store.gate import accounts_due
from byourside_server.store.listing import list_calls
from byourside_server.store.prepared import driver
from byourside_server.store.reconciler import find_overdue
from byourside_server.store.schema import calls
from tests.store.rig import OWN_NUMBER, Rig, request

STATES = ("queued", "claimed", "in_progress", "post", "completed", "no_answer")


def fill(conn: sa.Connection, account_id: str, count: int, prefix: str = "c") -> None:
    """Calls in turn of every state; four of them share each moment, so that the id must decide."""
    for number in range(count):
        conn.execute(
            calls.insert().values(
                id=f"{prefix}{number * 7919 % 10_007:05d}",
                account_id=account_id,
                state=STATES[number % len(STATES)],
                request=request_text(request(objective=f"Errand number {number}.")),
                caller_id=OWN_NUMBER,
                reserved_s=60.0,
                run_at=0.0,
                created_at=1000.0 + number // 4,
                attempt=0,
                analysis_attempts=0,
                sequence=1,
            )
        )


def pages(
    conn: sa.Connection, account_id: str, states: Collection[str] | None, text: str | None = None
) -> list[Call]:
    """All pages of seven, one after the other."""
    found: list[Call] = []
    while True:
        page = list_calls(conn, account_id, 7, found[-1].id if found else None, states, text)
        found += page
        if len(page) < 7:
            return found


@pytest.mark.parametrize("states", [None, ("in_progress", "post"), ("completed",)])
def test_pages_tell_every_call_once_and_the_most_recent_first(
    url: str, tmp_path: Path, states: tuple[str, ...] | None
) -> None:
    async def story() -> None:
        async with Rig(url, tmp_path) as rig:
            account, _ = await rig.account()
            other, _ = await rig.account(name="other")
            await rig.db.write(fill, account.id, 60)
            await rig.db.write(fill, other.id, 60, "d")
            found = await rig.db.read(pages, account.id, states)
            order = [(call.created_at, call.id) for call in found]
            assert order == sorted(order, reverse=True)
            assert len(set(order)) == (60 if states is None else 10 * len(states))
            assert {call.state for call in found} == set(states or STATES)
            assert {call.account_id for call in found} == {account.id}

    asyncio.run(story())


def test_a_cursor_or_states_of_nothing_list_nothing(url: str, tmp_path: Path) -> None:
    async def story() -> None:
        async with Rig(url, tmp_path) as rig:
            account, _ = await rig.account()
            other, _ = await rig.account(name="other")
            await rig.db.write(fill, account.id, 6)
            assert await rig.db.read(list_calls, account.id, 7, None, ()) == []
            assert await rig.db.read(list_calls, account.id, 7, "nobody") == []
            assert await rig.db.read(list_calls, other.id, 7, "c00000") == []

    asyncio.run(story())


def test_a_text_is_looked_for_in_the_newest_calls_and_a_whole_id_in_all(
    url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(listing, "SEARCHED", 20)

    async def story() -> None:
        async with Rig(url, tmp_path) as rig:
            account, _ = await rig.account()
            await rig.db.write(fill, account.id, 60)
            errands = await rig.db.read(pages, account.id, None, "errand NUMBER 5")
            assert [call.request.objective[:15] for call in errands] == ["Errand number 5"] * 10
            done = await rig.db.read(list_calls, account.id, 50, None, ("completed",), "errand")
            assert {call.state for call in done} == {"completed"}
            oldest = await rig.db.read(list_calls, account.id, 50, None, None, "Errand number 0.")
            assert oldest == [], "it is the 60th"
            named = await rig.db.read(list_calls, account.id, 50, None, None, "C00000")
            assert [call.request.objective for call in named] == ["Errand number 0."]

    asyncio.run(story())


@pytest.mark.parametrize("before", [None, "c00000"])
@pytest.mark.parametrize("states", [None, ("in_progress", "post"), ("completed",)])
def test_a_page_is_read_along_an_index_and_sorts_nothing(
    tmp_path: Path, states: tuple[str, ...] | None, before: str | None
) -> None:
    async def story() -> None:
        async with Rig(f"sqlite:///{tmp_path / 'a.db'}", tmp_path) as rig:
            account, _ = await rig.account()
            await rig.db.write(fill, account.id, 60)

            def plan(conn: sa.Connection) -> list[str]:
                asked: list[str] = []
                driver(conn).set_trace_callback(asked.append)
                assert list_calls(conn, account.id, 21, before, states) or before
                driver(conn).set_trace_callback(None)
                return [
                    str(step.detail)
                    for sql in asked
                    for step in conn.exec_driver_sql(f"EXPLAIN QUERY PLAN {sql}")
                ]

            steps = await rig.db.read(plan)
            of_calls = [step for step in steps if "calls" in step]
            index = "calls_status (account_id=? AND state=?" if states else "calls_recent (account_id=?"
            assert sum(index in step for step in of_calls) == len(states or (None,))
            assert all(step.startswith("SEARCH") for step in of_calls)
            assert not [step for step in steps if "TEMP B-TREE" in step]

    asyncio.run(story())


def test_the_events_of_an_account_and_of_a_call_are_read_along_an_index(tmp_path: Path) -> None:
    async def story() -> None:
        async with Rig(f"sqlite:///{tmp_path / 'a.db'}", tmp_path) as rig:
            account, _ = await rig.account()

            def plan(conn: sa.Connection) -> list[str]:
                asked: list[str] = []
                driver(conn).set_trace_callback(asked.append)
                events.read_events(conn, account.id, 0, 100)
                events.read_events(conn, account.id, 0, 100, "somebody")
                driver(conn).set_trace_callback(None)
                return [
                    str(step.detail)
                    for sql in asked
                    for step in conn.exec_driver_sql(f"EXPLAIN QUERY PLAN {sql}")
                ]

            steps = await rig.db.read(plan)
            assert steps
            assert not [step for step in steps if step.startswith("SCAN") or "TEMP B-TREE" in step]

    asyncio.run(story())


def test_what_the_house_looks_for_at_its_start_and_every_second_reads_no_past_call(tmp_path: Path) -> None:
    """With ten million calls stored, a look at all of them took the start over a minute."""

    async def story() -> None:
        async with Rig(f"sqlite:///{tmp_path / 'a.db'}", tmp_path) as rig:

            def plan(conn: sa.Connection) -> list[str]:
                asked: list[str] = []
                driver(conn).set_trace_callback(asked.append)
                live.lose_lines(conn, House(rig.engine.put, rig.switchboard.record), ["one", "two"], 1.0)
                live.canceled_lines(conn, "one")
                find_overdue(conn, 1.0, 1.0)
                accounts_due(conn, 1.0)
                outbox.next_due(conn)
                outbox.claim(conn, "one", 64, 1.0)
                outbox.free(conn, ["one", "two"], 1.0)
                driver(conn).set_trace_callback(None)
                return [
                    str(step.detail)
                    for sql in asked
                    for step in conn.exec_driver_sql(f"EXPLAIN QUERY PLAN {sql}")
                ]

            steps = await rig.db.write(plan)
            assert len(steps) >= 5
            assert "SEARCH calls USING INDEX calls_owner (owner>?)" in steps
            # The few that are due, gathered by the statement itself.
            assert not [step for step in steps if step.startswith("SCAN") and step != "SCAN due"]

    asyncio.run(story())


def test_a_key_revoked_after_it_was_shown_places_no_call(url: str, tmp_path: Path) -> None:
    """The door has let it in; the accepting transaction asks once more."""

    async def story() -> None:
        async with Rig(url, tmp_path) as rig:
            account, key = await rig.account()
            assert await rig.db.write(keys.revoke_key, key.id, 1.0)
            house = House(rig.engine.put, rig.switchboard.record)
            with pytest.raises(Refusal) as refused:
                await rig.db.write(
                    placing.accept, house, placing.Placement(account.id, key.id, request()), 2.0
                )
            assert refused.value.token == "unauthorized"
            assert await rig.db.read(list_calls, account.id, 10) == []

    asyncio.run(story())


def test_a_key_revoked_by_another_process_is_refused_at_the_next_look(tmp_path: Path) -> None:
    async def story() -> None:
        async with Rig(f"sqlite:///{tmp_path / 'a.db'}", tmp_path) as rig:
            account, _ = await rig.account()
            _, secret = await rig.db.write(keys.create_key, account.id, "second", 1.0)
            found = await rig.db.glance(keys.authenticate, secret)
            assert found is not None
            assert (found[0], found[1].name) == (account, "second")
            with sqlite3.connect(tmp_path / "a.db") as other:
                other.execute("UPDATE agent_keys SET revoked_at = 1.0")
            assert await rig.db.glance(keys.authenticate, secret) is None

    asyncio.run(story())
