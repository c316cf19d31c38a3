"""Accepting and calling off, each one transaction (design: store, state 1 and 2; limits)."""

from __future__ import annotations

import asyncio
import contextlib
import random
from functools import partial
from pathlib import Path

import pytest
import sqlalchemy as sa

from byourside_server.accounts.account import Account
from byourside_server.calls import lifecycle
from byourside_server.calls.call import Call
from byourside_server.errors import Refusal
from byourside_server.store import idempotency, placing
from byourside_server.store.accounts import set_limits
from byourside_server.store.calls import RESERVING_STATES
from byourside_server.store.database import Database
from byourside_server.store.engine import House
from byourside_server.store.prepared import driver
from byourside_server.store.schema import accounts, calls
from tests.store.rig import OWN_NUMBER, Rig, request


def refused(token: str) -> pytest.RaisesExc[Refusal]:
    return pytest.RaisesExc(Refusal, check=lambda refusal: refusal.token == token)


def test_an_accepted_call_is_queued_with_the_default_caller_id(url: str, tmp_path: Path) -> None:
    async def story() -> None:
        async with Rig(url, tmp_path) as rig:
            account, key = await rig.account()
            call = await rig.switchboard.place(account, key, request())
            assert (call.state, call.caller_id, call.sequence) == ("queued", OWN_NUMBER, 1)
            kept = await rig.switchboard.get(account, call.id)
            assert kept.request == request()
            assert kept.state == "claimed"
            assert await rig.event_types(account, call.id) == ["call.queued"]

    asyncio.run(story())


def test_the_gate_lets_no_more_calls_through_than_the_account_may_have_at_once(
    url: str, tmp_path: Path
) -> None:
    async def story() -> None:
        async with Rig(url, tmp_path) as rig:
            account, key = await rig.account(max_concurrent=2)
            rig.dialer.script = rig.dialer.hold_on
            placed = []
            for _ in range(4):
                placed.append(await rig.switchboard.place(account, key, request()))
                rig.clock.advance(0.001)
            await rig.engine.work()
            first = await rig.until(account, placed[0].id, "in_progress")
            states = [(await rig.switchboard.get(account, call.id)).state for call in placed]
            assert states[2:] == ["queued", "queued"]
            await rig.switchboard.cancel(account, first.id)
            await rig.until(account, first.id, "completed")
            assert (await rig.until(account, placed[2].id, "in_progress")).state == "in_progress"
            assert (await rig.switchboard.get(account, placed[3].id)).state == "queued"
            assert placed[3].id not in rig.dialer.dialled

    asyncio.run(story())


def test_a_scheduled_call_waits_for_its_time(url: str, tmp_path: Path) -> None:
    async def story() -> None:
        async with Rig(url, tmp_path) as rig:
            account, key = await rig.account()
            later = rig.clock.epoch() + 3600
            call = await rig.switchboard.place(account, key, request(scheduled_at=later))
            await rig.switchboard.open_gates()
            assert (await rig.switchboard.get(account, call.id)).state == "queued"
            rig.clock.advance(3600)
            await rig.switchboard.open_gates()
            await rig.until(account, call.id, "completed")

    asyncio.run(story())


def test_the_key_is_limited_a_minute_and_refusals_do_not_count(url: str, tmp_path: Path) -> None:
    async def story() -> None:
        async with Rig(url, tmp_path) as rig:
            account, key = await rig.account(calls_per_minute=2)
            with refused("caller_id_not_owned"):
                await rig.switchboard.place(account, key, request(caller_id="+12025550100"))
            with refused("destination_blocked"):
                await rig.switchboard.place(account, key, request(to="+19001234567"))
            await rig.switchboard.place(account, key, request())
            await rig.switchboard.place(account, key, request())
            with refused("rate_limited") as caught:
                await rig.switchboard.place(account, key, request())
            assert caught.value.retry_after_s == pytest.approx(30.0)
            rig.clock.advance(30.0)
            await rig.switchboard.place(account, key, request())

    asyncio.run(story())


def test_calls_in_flight_hold_their_minutes(url: str, tmp_path: Path) -> None:
    async def story() -> None:
        async with Rig(url, tmp_path) as rig:
            account, key = await rig.account(minute_allowance=20)
            first = await rig.switchboard.place(account, key, request(max_duration_s=600))
            second = await rig.switchboard.place(account, key, request(max_duration_s=600))
            with refused("over_minute_cap"):
                await rig.switchboard.place(account, key, request())
            await rig.until(account, first.id, "completed")
            await rig.until(account, second.id, "completed")
            # 54 s are used now, and nothing is held.
            await rig.switchboard.place(account, key, request(max_duration_s=3600))
            with refused("over_minute_cap"):
                await rig.switchboard.place(account, key, request())

    asyncio.run(story())


async def held(rig: Rig, account: Account) -> tuple[float, float]:
    """What the account holds by its running sum, and by its calls."""

    def ask(conn: sa.Connection) -> tuple[float, float]:
        kept = conn.execute(sa.select(accounts.c.reserved_s).where(accounts.c.id == account.id)).scalar_one()
        open_ones = (calls.c.account_id == account.id) & calls.c.state.in_(RESERVING_STATES)
        return kept, sum(conn.execute(sa.select(calls.c.reserved_s).where(open_ones)).scalars())

    return await rig.db.read(ask)


def test_what_calls_hold_is_summed_up_right_however_they_end(url: str, tmp_path: Path) -> None:
    """Of thirty calls some are called off, some fail, some are talked through, in an order from dice."""

    async def story() -> None:
        async with Rig(url, tmp_path) as rig:
            account, key = await rig.account(max_concurrent=2, minute_allowance=100_000)
            dice = random.Random(7)
            scripts = (rig.dialer.talk, rig.dialer.ring_on, rig.dialer.hold_on)
            placed: list[Call] = []
            for _ in range(30):
                rig.dialer.script = dice.choice(scripts)
                duration_s = dice.randrange(60, 3600)
                placed.append(await rig.switchboard.place(account, key, request(max_duration_s=duration_s)))
                assert (sums := await held(rig, account))[0] == sums[1] > 0
                if dice.random() < 0.6:
                    with contextlib.suppress(Refusal):
                        await rig.switchboard.cancel(account, dice.choice(placed).id)
                else:
                    await rig.engine.work()
                assert (sums := await held(rig, account))[0] == sums[1]
            for call in placed:
                with contextlib.suppress(Refusal):
                    await rig.switchboard.cancel(account, call.id)
            for call in placed:
                await rig.until(account, call.id, *lifecycle.TERMINAL_STATES)
            assert await held(rig, account) == (0.0, 0.0)

    asyncio.run(story())


def test_a_sum_that_an_older_server_left_wrong_is_put_right(
    url: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """It still ran while the tables were migrated: it ends calls and accepts others, and keeps no sum."""

    async def story() -> None:
        async with Rig(url, tmp_path) as rig:
            account, key = await rig.account(minute_allowance=100)
            other, others_key = await rig.account("other")
            for _ in range(2):
                await rig.switchboard.place(account, key, request(max_duration_s=600))
            await rig.switchboard.place(other, others_key, request(max_duration_s=60))
            ended = await rig.switchboard.place(account, key, request(max_duration_s=3600))
            end = calls.update().where(calls.c.id == ended.id).values(state="failed")
            await rig.db.write(lambda conn: conn.execute(end) and None)
            assert await held(rig, account) == (4800.0, 1200.0)
            assert await rig.switchboard.reconcile() == 0
            assert await held(rig, account) == (1200.0, 1200.0)
            assert await held(rig, other) == (60.0, 60.0)
            assert [record.account_id for record in caplog.records] == [account.id]  # type: ignore[attr-defined]
            await rig.switchboard.reconcile()
            assert len(caplog.records) == 1, "what is right is left alone"

    asyncio.run(story())


def test_the_same_key_and_body_are_the_first_answer_again(url: str, tmp_path: Path) -> None:
    async def story() -> None:
        async with Rig(url, tmp_path) as rig:
            account, key = await rig.account()

            async def place(body_hash: str) -> Call:
                return await rig.switchboard.place(
                    account, key, request(), idempotency_key="k1", body_hash=body_hash
                )

            first = await place("a")
            await rig.until(account, first.id, "completed")
            again = await place("a")
            assert (again.id, again.state) == (first.id, "queued")
            with refused("idempotency_mismatch"):
                await place("b")
            rig.clock.advance(idempotency.KEPT_S)
            assert (await place("b")).id != first.id
            assert len(rig.dialer.dialled) == 1

    asyncio.run(story())


def test_two_requests_with_one_key_at_once_are_one_call_and_one_refusal(url: str, tmp_path: Path) -> None:
    async def story() -> None:
        async with Rig(url, tmp_path) as rig:
            account, key = await rig.account()
            answers = await asyncio.gather(
                *(
                    rig.switchboard.place(account, key, request(), idempotency_key="k", body_hash="a")
                    for _ in range(2)
                ),
                return_exceptions=True,
            )
            assert isinstance(answers[0], Call)
            assert isinstance(answers[1], Refusal)
            assert answers[1].token == "idempotency_in_flight"
            assert len((await rig.switchboard.list(account))[0]) == 1

    asyncio.run(story())


def test_two_servers_that_are_asked_with_one_key_at_once_place_one_call(
    postgres_url: str, tmp_path: Path
) -> None:
    """What one process knows of its own requests does not help here: the account's lock does."""

    async def story() -> None:
        async with Rig(postgres_url, tmp_path) as rig:
            account, key = await rig.account()
            other = Database(postgres_url)
            house = House(rig.engine.put, rig.switchboard.record)
            placement = placing.Placement(account.id, key.id, request(max_duration_s=60), "k", "a")
            now = rig.clock.epoch()
            asked = (db.write(placing.accept, house, placement, now) for db in [rig.db, other] * 25)
            assert len({call.id for call in await asyncio.gather(*asked)}) == 1
            assert await held(rig, account) == (60.0, 60.0)
            await other.close()

    asyncio.run(story())


def test_a_refused_request_leaves_its_idempotency_key_unused(url: str, tmp_path: Path) -> None:
    async def story() -> None:
        async with Rig(url, tmp_path) as rig:
            account, key = await rig.account(calls_per_minute=1)
            await rig.switchboard.place(account, key, request())
            with refused("rate_limited"):
                await rig.switchboard.place(account, key, request(), idempotency_key="k", body_hash="a")
            rig.clock.advance(60)
            call = await rig.switchboard.place(account, key, request(), idempotency_key="k", body_hash="a")
            assert call.created_at == rig.clock.epoch()

    asyncio.run(story())


def test_canceling_before_the_dial_ends_the_call_unheard(url: str, tmp_path: Path) -> None:
    async def story() -> None:
        async with Rig(url, tmp_path) as rig:
            account, key = await rig.account()
            call = await rig.switchboard.place(account, key, request())
            canceled = await rig.switchboard.cancel(account, call.id)
            assert (canceled.state, canceled.error) == ("canceled", "canceled")
            await rig.engine.work()
            assert rig.dialer.dialled == []
            assert await rig.event_types(account, call.id) == ["call.queued", "call.failed"]
            with refused("call_ended"):
                await rig.switchboard.cancel(account, call.id)

    asyncio.run(story())


def test_canceling_a_live_call_asks_the_line_to_hang_up(url: str, tmp_path: Path) -> None:
    async def story() -> None:
        async with Rig(url, tmp_path) as rig:
            account, key = await rig.account()
            rig.dialer.script = rig.dialer.hold_on
            call = await rig.switchboard.place(account, key, request())
            await rig.until(account, call.id, "in_progress")
            asked = await rig.switchboard.cancel(account, call.id)
            assert (asked.state, asked.cancel_requested_at) == ("in_progress", rig.clock.epoch())
            done = await rig.until(account, call.id, "completed")
            assert (done.ended_by, done.end_reason) == ("api", "canceled")

    asyncio.run(story())


def test_a_strangers_call_does_not_exist(url: str, tmp_path: Path) -> None:
    async def story() -> None:
        async with Rig(url, tmp_path) as rig:
            account, key = await rig.account()
            stranger, _ = await rig.account("stranger")
            call = await rig.switchboard.place(account, key, request())
            event = (await rig.switchboard.events(account))[0]
            with refused("not_found"):
                await rig.switchboard.get(stranger, call.id)
            with refused("not_found") as told:
                await rig.switchboard.cancel(stranger, call.id)
            assert told.value.message == "There is no such call on this account."
            with refused("not_found"):
                await rig.switchboard.deliveries(stranger, call.id)
            with refused("not_found"):
                await rig.switchboard.events(stranger, call_id=call.id)
            with refused("not_found"):
                await rig.switchboard.replay(stranger, event.event_id)
            assert await rig.switchboard.list(stranger) == ([], None)
            assert await rig.switchboard.events(stranger) == []

    asyncio.run(story())


def test_a_raised_limit_lets_waiting_calls_go(url: str, tmp_path: Path) -> None:
    """The command line changes limits beside a serving house: its next round must see them."""

    async def story() -> None:
        async with Rig(url, tmp_path) as rig:
            account, key = await rig.account(max_concurrent=0)
            call = await rig.switchboard.place(account, key, request())
            await rig.switchboard.open_gates()
            assert (await rig.switchboard.get(account, call.id)).state == "queued"
            await rig.db.write(partial(set_limits, account_id=account.id, max_concurrent=1))
            await rig.switchboard.open_gates()
            await rig.until(account, call.id, "completed")

    asyncio.run(story())


def test_accepting_a_call_reads_none_of_the_accounts_past(tmp_path: Path) -> None:
    """SQLite takes a partial index only where the statement without its parameters implies it."""

    async def story() -> None:
        async with Rig(f"sqlite:///{tmp_path / 'a.db'}", tmp_path) as rig:
            account, key = await rig.account()
            plans: list[str] = []

            def watched(conn: sa.Connection) -> None:
                statements: list[str] = []
                driver(conn).set_trace_callback(statements.append)
                house = House(lambda conn, item: None, rig.switchboard.record)
                placing.accept(conn, house, placing.Placement(account.id, key.id, request()), 1.0)
                driver(conn).set_trace_callback(None)
                for sql in statements:
                    found = conn.exec_driver_sql(f"EXPLAIN QUERY PLAN {sql}")
                    plans.extend(str(step.detail) for step in found)

            await rig.db.write(watched)
            of_calls = [plan for plan in plans if " calls " in f"{plan} "]
            assert any("calls_gate (account_id=? AND state=?" in plan for plan in of_calls)
            for plan in of_calls:
                assert "SCAN" not in plan
                assert "calls_recent" not in plan

    asyncio.run(story())
