"""From the dial token to the end (design: store, state 3 to 5 and 7)."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import pytest

from byourside_server.calls import lifecycle
from byourside_server.calls.call import Call, DialAttempt, SipFacts
from byourside_server.calls.happened import Answered, LineEnded, Ringing, TurnHeard
from byourside_server.store import live, workers
from byourside_server.store.database import StoreUnavailable
from byourside_server.store.engine import House
from byourside_server.store.limits import month_of, used_seconds
from tests.store.rig import REPORT, TURNS, Report_, Rig, request

WHOLE_LIFE = [
    "call.queued",
    "call.dialing",
    "call.ringing",
    "call.in_progress",
    "call.ended",
    "call.completed",
]


def test_a_call_lives_its_whole_life_and_tells_every_event_once(url: str, tmp_path: Path) -> None:
    async def story() -> None:
        async with Rig(url, tmp_path) as rig:
            account, key = await rig.account()
            placed = await rig.switchboard.place(account, key, request())
            (tmp_path / f"{placed.id}.wav").write_bytes(b"RIFF")
            call = await rig.until(account, placed.id, "completed")
            assert (call.turns, call.report, call.analysis) == (TURNS, REPORT, "done")
            assert call.ended_at is not None
            assert call.answered_at is not None
            assert call.ended_at - call.answered_at == 27.0
            assert await rig.event_types(account, call.id) == WHOLE_LIFE
            events = await rig.switchboard.events(account, call_id=call.id)
            assert [event.sequence for event in events] == [1, 2, 3, 4, 5, 6]
            by_type = {event.type: event.body for event in events}
            assert by_type["call.ringing"]["status"] == "dialing"
            assert by_type["call.ended"]["status"] == "in_progress"
            assert by_type["call.ended"]["endedAt"] is not None
            assert by_type["call.ended"]["summary"] is None
            final = by_type["call.completed"]
            assert final["extracted"] == {"confirmed": True}
            assert final["recordingUrl"] == (f"https://phone.example.com/v1/agent/calls/{call.id}/recording")
            used = await rig.db.read(used_seconds, account.id, month_of(rig.clock.epoch()))
            assert used == 27.0

    asyncio.run(story())


def test_a_call_is_dialled_once_however_often_its_item_runs(url: str, tmp_path: Path) -> None:
    async def story() -> None:
        async with Rig(url, tmp_path) as rig:
            account, key = await rig.account()
            rig.dialer.script = rig.dialer.hold_on
            call = await rig.switchboard.place(account, key, request())
            await rig.until(account, call.id, "in_progress")
            house = House(rig.engine.put, rig.switchboard.record)
            again = await rig.db.write(live.take_dial_token, house, call.id, rig.worker_id, rig.clock.epoch())
            assert again is None
            assert rig.dialer.dialled == [call.id]

    asyncio.run(story())


def test_a_call_for_which_there_is_no_room_stays_queued_and_may_be_called_off(
    url: str, tmp_path: Path
) -> None:
    async def story() -> None:
        async with Rig(url, tmp_path) as rig:
            account, key = await rig.account()
            rig.dialer.has_room.clear()
            first = await rig.switchboard.place(account, key, request())
            second = await rig.switchboard.place(account, key, request())
            await rig.switchboard.cancel(account, first.id)
            assert (await rig.switchboard.get(account, second.id)).state in ("queued", "claimed")
            assert rig.dialer.dialled == []
            rig.dialer.has_room.set()
            await rig.until(account, second.id, "completed")
            assert rig.dialer.dialled == [second.id]

    asyncio.run(story())


def test_a_worker_declared_dead_gets_no_token(url: str, tmp_path: Path) -> None:
    async def story() -> None:
        async with Rig(url, tmp_path) as rig:
            account, key = await rig.account()
            await rig.db.write(workers.retire, rig.worker_id)
            call = await rig.switchboard.place(account, key, request())
            await rig.engine.work()
            assert rig.dialer.dialled == []
            assert (await rig.switchboard.get(account, call.id)).state == "claimed"

    asyncio.run(story())


def test_a_token_whose_outcome_is_unknown_counts_as_consumed(url: str, tmp_path: Path) -> None:
    async def story() -> None:
        async with Rig(url, tmp_path) as rig:
            account, key = await rig.account()
            call = await rig.switchboard.place(account, key, request())
            write = rig.db.write

            async def commit_then_lose_the_answer(*args: object, **kwargs: object) -> object:
                rig.db.write = write  # type: ignore[method-assign]
                await write(*args, **kwargs)  # type: ignore[arg-type]
                raise StoreUnavailable("connection lost while committing")

            rig.db.write = commit_then_lose_the_answer  # type: ignore[method-assign, assignment]
            await rig.switchboard._exchange.dial(call.id)
            lost = await rig.until(account, call.id, "failed")
            assert (lost.error, lost.end_reason) == ("placement_failed", "dial_unknown")
            assert rig.dialer.dialled == []

    asyncio.run(story())


def test_a_server_that_died_in_mid_call_ends_it_as_worker_lost(url: str, tmp_path: Path) -> None:
    async def story() -> None:
        first = Rig(url, tmp_path, worker_id="worker-1")
        await first.__aenter__()
        account, key = await first.account(max_concurrent=1)
        first.dialer.script = first.dialer.hold_on
        live_call = await first.switchboard.place(account, key, request())
        first.clock.advance(1.0)
        waiting = await first.switchboard.place(account, key, request())
        async with asyncio.timeout(30):
            # All that was said is written down one by one.
            while (await first.switchboard.get(account, live_call.id)).turns != TURNS:
                await first.engine.work()
                await first.switchboard.wait_for_change(live_call.id, 99, 0.1)
        heard_at = first.clock.epoch()
        await die(first)
        first.clock.advance(500.0)

        async with Rig(url, tmp_path, clock=first.clock, worker_id="worker-2") as second:
            if not second.db.embedded:
                await second.db.write(workers.retire, "worker-1")
                await second.switchboard.recover()
            lost = await second.switchboard.get(account, live_call.id)
            assert (lost.state, lost.error, lost.end_reason) == ("failed", "worker_lost", "worker_lost")
            assert lost.turns == TURNS
            assert lost.ended_at == heard_at
            await second.until(account, waiting.id, "completed")
            assert second.dialer.dialled == [waiting.id]
            told = [sent.event for sent in second.sender.sent if json.loads(sent.body)["id"] == live_call.id]
            assert told[-1] == "call.failed"

    asyncio.run(story())


async def die(rig: Rig) -> None:
    """End the process's tasks without a word to the store, as kill -9 does."""
    doomed = [*rig.switchboard._chores, *rig.switchboard._exchange._tasks]
    rig.switchboard._lease._beaten_at = float("-inf")
    for line in rig.switchboard._exchange._lines.values():
        line.has_ended = True
    others = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
    for task in {*doomed, *others}:
        task.cancel()
    await asyncio.gather(*others, return_exceptions=True)
    if rig.switchboard._lease._lock is not None:
        rig.switchboard._lease._lock.release()
    await rig.db.close()


def test_a_line_that_breaks_ends_its_call_and_not_the_house(url: str, tmp_path: Path) -> None:
    async def story() -> None:
        async with Rig(url, tmp_path) as rig:
            account, key = await rig.account()

            async def broken(call: Call, report: Report_, cancelled: asyncio.Event) -> None:
                await rig.dialer.answer(report)
                raise ValueError("a bug in the line")

            rig.dialer.script = broken
            call = await rig.switchboard.place(account, key, request())
            ended = await rig.until(account, call.id, "failed")
            assert (ended.error, ended.end_reason, ended.turns) == ("internal_error", "line_broken", TURNS)
            rig.dialer.script = rig.dialer.talk
            call = await rig.switchboard.place(account, key, request())
            await rig.until(account, call.id, "completed")

    asyncio.run(story())


def test_a_line_that_says_what_the_lifecycle_has_not_ends_failed(url: str, tmp_path: Path) -> None:
    """An unanswered call has nothing to analyse: dialing → post is not in the table."""

    async def story() -> None:
        async with Rig(url, tmp_path) as rig:
            account, key = await rig.account()

            async def confused(call: Call, report: Report_, cancelled: asyncio.Event) -> None:
                await report(LineEnded(rig.clock.epoch(), "post", "agent", "done"))

            rig.dialer.script = confused
            call = await rig.switchboard.place(account, key, request())
            ended = await rig.until(account, call.id, *lifecycle.TERMINAL_STATES)
            assert (ended.state, ended.error) == ("failed", "internal_error")

    asyncio.run(story())


def test_every_attempt_of_the_line_stays_on_the_record(url: str, tmp_path: Path) -> None:
    async def story() -> None:
        async with Rig(url, tmp_path) as rig:
            account, key = await rig.account()
            silent = DialAttempt("main", "192.0.2.1:5060;transport=udp", None, "Request Timeout")
            refused = DialAttempt("spare", "192.0.2.9:5061;transport=tls", 503, "Service Unavailable")
            facts = SipFacts(503, "Service Unavailable", trunk="spare", attempts=(silent, refused))

            async def fails(call: Call, report: Report_, cancelled: asyncio.Event) -> None:
                now = rig.clock.epoch()
                await report(LineEnded(now, "failed", "network", "x", error="placement_failed", sip=facts))

            rig.dialer.script = fails
            call = await rig.switchboard.place(account, key, request())
            ended = await rig.until(account, call.id, "failed")
            assert ended.sip == facts
            sip = rig.switchboard.record(ended)["sip"]
            assert isinstance(sip, dict)
            assert sip["attempts"] == [
                {
                    "trunk": "main",
                    "target": "192.0.2.1:5060;transport=udp",
                    "status": None,
                    "reason": "Request Timeout",
                },
                {
                    "trunk": "spare",
                    "target": "192.0.2.9:5061;transport=tls",
                    "status": 503,
                    "reason": "Service Unavailable",
                },
            ]

    asyncio.run(story())


def test_no_answer_is_terminal_at_once_and_uses_no_minutes(url: str, tmp_path: Path) -> None:
    async def story() -> None:
        async with Rig(url, tmp_path) as rig:
            account, key = await rig.account()

            async def rings_out(call: Call, report: Report_, cancelled: asyncio.Event) -> None:
                await report(Ringing(rig.clock.epoch()))
                await report(Ringing(rig.clock.epoch()))
                rig.clock.advance(30)
                await report(LineEnded(rig.clock.epoch(), "no_answer", "network", "no_answer"))

            rig.dialer.script = rings_out
            call = await rig.switchboard.place(account, key, request())
            ended = await rig.until(account, call.id, "no_answer")
            assert await rig.event_types(account, call.id) == [*WHOLE_LIFE[:3], "call.no_answer"]
            assert (ended.analysis, rig.analyst.asked) == (None, 0)
            assert await rig.db.read(used_seconds, account.id, month_of(rig.clock.epoch())) == 0.0

    asyncio.run(story())


def test_a_call_canceled_while_dialing_ends_as_failed_and_canceled(url: str, tmp_path: Path) -> None:
    async def story() -> None:
        async with Rig(url, tmp_path) as rig:
            account, key = await rig.account()

            async def withdraws(call: Call, report: Report_, cancelled: asyncio.Event) -> None:
                await cancelled.wait()
                await report(LineEnded(rig.clock.epoch(), "canceled", "api", "canceled"))

            rig.dialer.script = withdraws
            call = await rig.switchboard.place(account, key, request())
            await rig.until(account, call.id, "dialing")
            assert (await rig.switchboard.cancel(account, call.id)).state == "dialing"
            ended = await rig.until(account, call.id, "canceled")
            record = rig.switchboard.record(ended)
            assert (record["status"], record["error"]) == ("failed", "canceled")
            assert (await rig.event_types(account, call.id))[-1] == "call.failed"

    asyncio.run(story())


def test_a_machine_that_answered_ends_as_voicemail(url: str, tmp_path: Path) -> None:
    async def story() -> None:
        async with Rig(url, tmp_path) as rig:
            account, key = await rig.account()

            async def machine(call: Call, report: Report_, cancelled: asyncio.Event) -> None:
                await report(Answered(rig.clock.epoch()))
                await report(TurnHeard(TURNS[0]))
                await report(
                    LineEnded(rig.clock.epoch(), "post", "agent", "voicemail", answered_by="voicemail")
                )

            rig.dialer.script = machine
            call = await rig.switchboard.place(account, key, request())
            ended = await rig.until(account, call.id, "voicemail")
            # The line gave no final turns, so what was reported as it happened stands.
            assert ended.turns == TURNS[:1]
            assert (await rig.event_types(account, call.id))[-1] == "call.voicemail"

    asyncio.run(story())


def test_an_analysis_is_tried_again_and_its_final_failure_still_ends_the_call(
    url: str, tmp_path: Path
) -> None:
    async def story() -> None:
        async with Rig(url, tmp_path) as rig:
            account, key = await rig.account()
            rig.analyst.failures = 2
            call = await rig.switchboard.place(account, key, request())
            await rig.until(account, call.id, "post")
            # The line may end after the round that looked: the first attempt is made before time goes on.
            for wait_s in (0, 2, 15):
                rig.clock.advance(wait_s)
                await rig.engine.work()
            done = await rig.until(account, call.id, "completed")
            assert (done.analysis, rig.analyst.asked) == ("done", 3)

            rig.analyst.failures = 99
            call = await rig.switchboard.place(account, key, request())
            await rig.until(account, call.id, "post")
            for wait_s in (0, 2, 15, 60):
                rig.clock.advance(wait_s)
                await rig.engine.work()
            done = await rig.switchboard.get(account, call.id)
            assert (done.state, done.analysis, done.report) == ("completed", "failed", None)
            assert (await rig.event_types(account, call.id)).count("call.completed") == 1

    asyncio.run(story())


def test_rows_that_lost_their_item_get_another(url: str, tmp_path: Path) -> None:
    async def story() -> None:
        async with Rig(url, tmp_path) as rig:
            account, key = await rig.account()
            call = await rig.switchboard.place(account, key, request())
            assert await rig.switchboard.reconcile() == 0
            await rig.engine.lose_all()
            assert await rig.switchboard.reconcile() == 0, "not overdue yet"
            rig.clock.advance(61)
            assert await rig.switchboard.reconcile() == 1, "the call; its webhook says itself when it is due"
            await rig.until(account, call.id, "completed")
            assert rig.sender.sent[0].event == "call.queued"
            rig.clock.advance(61)
            assert await rig.switchboard.reconcile() == 0

    asyncio.run(story())


def test_stopping_hangs_up_and_keeps_what_was_said(url: str, tmp_path: Path) -> None:
    async def story() -> None:
        rig = Rig(url, tmp_path)
        async with rig:
            account, key = await rig.account()
            rig.dialer.script = rig.dialer.hold_on
            call = await rig.switchboard.place(account, key, request())
            await rig.until(account, call.id, "in_progress")
        async with Rig(url, tmp_path, clock=rig.clock, worker_id="worker-2") as after:
            done = await after.until(account, call.id, "completed")
            assert (done.ended_by, done.end_reason) == ("server", "server_stopped")
            assert after.dialer.dialled == []

    asyncio.run(story())


def test_a_call_that_still_rang_when_the_server_stopped_was_not_canceled(url: str, tmp_path: Path) -> None:
    async def story() -> None:
        rig = Rig(url, tmp_path)
        async with rig:
            account, key = await rig.account()
            rig.dialer.script = rig.dialer.ring_on
            call = await rig.switchboard.place(account, key, request())
            await rig.until(account, call.id, "dialing")
        async with Rig(url, tmp_path, clock=rig.clock, worker_id="worker-2") as after:
            done = await after.switchboard.get(account, call.id)
            assert (done.state, done.error, done.end_reason) == ("failed", "server_stopped", "server_stopped")
            assert done.ended_by == "server"
            assert after.dialer.dialled == []

    asyncio.run(story())


@pytest.mark.parametrize("declared_dead", [True, False])
def test_a_worker_that_lost_its_lease_ends_its_calls_and_dials_again(
    postgres_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, declared_dead: bool
) -> None:
    """Whether others have declared it dead or the store was merely away for as long."""

    async def away(*_: object) -> None:
        raise StoreUnavailable("gone for a while")

    async def story() -> None:
        async with Rig(postgres_url, tmp_path) as rig:
            account, key = await rig.account()
            talk, rig.dialer.script = rig.dialer.script, rig.dialer.hold_on
            placed = await rig.switchboard.place(account, key, request())
            await rig.until(account, placed.id, "in_progress")
            if declared_dead:
                await rig.db.write(workers.retire, rig.worker_id)
            else:
                rig.switchboard._lease._beaten_at = float("-inf")
                with monkeypatch.context() as patch:
                    patch.setattr(rig.db, "write", away)
                    with pytest.raises(StoreUnavailable):
                        await rig.switchboard._beat()
                assert rig.switchboard.live_calls == 0, "silenced although the store is away"
            await rig.switchboard._beat()
            lost = await rig.switchboard.get(account, placed.id)
            assert (lost.state, lost.error) == ("failed", "worker_lost")
            rig.dialer.script = talk
            again = await rig.switchboard.place(account, key, request())
            await rig.until(account, again.id, "completed")
            assert rig.dialer.dialled == [placed.id, again.id]

    asyncio.run(story())
