"""Webhooks leave in order, again and again, signed anew (design: webhooks; store, state 6)."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
from pathlib import Path

import pytest

from byourside_server.errors import Refusal
from byourside_server.store import courier
from byourside_server.webhooks.schedule import DELAYS_S
from byourside_server.webhooks.sender import Attempt
from tests.store.rig import Rig, request

FAILED = Attempt(500, 30, excerpt="oops")
EVENTS = [
    "call.queued",
    "call.dialing",
    "call.ringing",
    "call.in_progress",
    "call.ended",
    "call.completed",
]


def test_events_arrive_in_order_even_when_one_is_slow(url: str, tmp_path: Path) -> None:
    async def story() -> None:
        async with Rig(url, tmp_path) as rig:
            account, key = await rig.account()
            rig.sender.answers = [Attempt(200, 5), FAILED]
            call = await rig.switchboard.place(account, key, request())
            await rig.until(account, call.id, "completed")
            await rig.engine.work()
            assert [sent.event for sent in rig.sender.sent] == EVENTS[:2], "the rest waits behind the second"
            rig.clock.advance(DELAYS_S[1] * 1.1)
            await rig.engine.work()
            assert [sent.event for sent in rig.sender.sent] == [EVENTS[0], EVENTS[1], *EVENTS[1:]]
            first, again = rig.sender.sent[1:3]
            assert first.body == again.body
            assert first.headers["webhook-id"] == again.headers["webhook-id"]
            assert first.headers["X-BYS-Signature"] != again.headers["X-BYS-Signature"]

    asyncio.run(story())


def test_the_signature_is_right_and_two_stand_during_a_rotation(url: str, tmp_path: Path) -> None:
    """Published form: hex = HMAC-SHA256(secret, f"{t}.{raw_body}")."""

    async def story() -> None:
        async with Rig(url, tmp_path) as rig:
            account, key = await rig.account()
            old = await rig.switchboard.webhook_secret(account)
            new = await rig.switchboard.rotate_webhook_secret(account, overlap_s=60)
            assert await rig.switchboard.webhook_secret(account) == new != old
            await rig.switchboard.place(account, key, request())
            await rig.engine.work()
            sent = rig.sender.sent[0]
            timestamp, *marks = sent.headers["X-BYS-Signature"].split(",")
            signed = f"{timestamp.removeprefix('t=')}.".encode() + sent.body
            expected = [hmac.new(s.encode(), signed, hashlib.sha256).hexdigest() for s in (new, old)]
            assert marks == [f"v1={mark}" for mark in expected]
            rig.clock.advance(61)
            await rig.switchboard.place(account, key, request(to="+14155550124"))
            await rig.engine.work()
            assert rig.sender.sent[-1].headers["X-BYS-Signature"].count("v1=") == 1

    asyncio.run(story())


def test_ten_attempts_and_no_more_then_the_next_event_goes(url: str, tmp_path: Path) -> None:
    async def story() -> None:
        async with Rig(url, tmp_path) as rig:
            account, key = await rig.account()
            rig.sender.answers = [FAILED] * 10
            call = await rig.switchboard.place(account, key, request())
            await rig.until(account, call.id, "completed")
            for delay_s in DELAYS_S[1:]:
                rig.clock.advance(delay_s * 0.99)
                assert await rig.engine.work() == [], "too early"
                rig.clock.advance(delay_s * 0.12)
                await rig.engine.work()
            assert [sent.event for sent in rig.sender.sent] == ["call.queued"] * 10 + EVENTS[1:]
            log = await rig.switchboard.deliveries(account, call.id)
            assert [entry.attempt for entry in log[:10]] == list(range(1, 11))
            assert (log[0].status, log[0].took_ms, log[0].excerpt) == (500, 30, "oops")

    asyncio.run(story())


def test_gone_stops_everything_of_the_call(url: str, tmp_path: Path) -> None:
    async def story() -> None:
        async with Rig(url, tmp_path) as rig:
            account, key = await rig.account()
            rig.sender.answers = [FAILED, Attempt(410, 3)]
            call = await rig.switchboard.place(account, key, request())
            await rig.until(account, call.id, "completed")
            rig.clock.advance(10)
            await rig.engine.work()
            rig.clock.advance(10 * 86_400)
            await rig.engine.work()
            assert [sent.event for sent in rig.sender.sent] == ["call.queued", "call.queued"]

    asyncio.run(story())


def test_gone_stops_also_what_happens_afterwards(url: str, tmp_path: Path) -> None:
    """The receiver says so while the phone still rings."""

    async def story() -> None:
        async with Rig(url, tmp_path) as rig:
            account, key = await rig.account()
            rig.dialer.script = rig.dialer.ring_on
            rig.sender.answers = [Attempt(410, 3)]
            call = await rig.switchboard.place(account, key, request())
            await rig.engine.work()
            assert [sent.event for sent in rig.sender.sent] == ["call.queued"]
            await rig.switchboard.cancel(account, call.id)
            await rig.until(account, call.id, "canceled")
            rig.clock.advance(10 * 86_400)
            await rig.engine.work()
            assert [sent.event for sent in rig.sender.sent] == ["call.queued"]
            states = await rig.switchboard.office.webhook_states(account, call.id)
            assert sorted(states.values()) == ["dead", "dead", "dead", "gone"]

    asyncio.run(story())


def test_retry_after_lengthens_the_wait(url: str, tmp_path: Path) -> None:
    async def story() -> None:
        async with Rig(url, tmp_path) as rig:
            account, key = await rig.account()
            rig.sender.answers = [Attempt(503, 3, retry_after_s=120.0)]
            # Scheduled, so that nothing but the webhook moves.
            await rig.switchboard.place(account, key, request(scheduled_at=rig.clock.epoch() + 3600))
            await rig.engine.work()
            rig.clock.advance(119)
            assert await rig.engine.work() == []
            rig.clock.advance(1)
            assert await rig.engine.work() != []

    asyncio.run(story())


def test_a_delivered_event_can_be_replayed(url: str, tmp_path: Path) -> None:
    async def story() -> None:
        async with Rig(url, tmp_path) as rig:
            account, key = await rig.account()
            call = await rig.switchboard.place(account, key, request())
            await rig.until(account, call.id, "completed")
            await rig.engine.work()
            event = (await rig.switchboard.events(account, call_id=call.id))[-1]
            await rig.switchboard.replay(account, event.event_id)
            await rig.engine.work()
            assert rig.sender.sent[-1].body == rig.sender.sent[-2].body
            log = await rig.switchboard.deliveries(account, call.id)
            assert [entry.replay for entry in log] == [False] * 6 + [True]
            assert json.loads(rig.sender.sent[-1].body) == event.body
            with pytest.raises(Refusal, match="no webhook of that event"):
                await rig.switchboard.replay(account, "evt_unknown")

    asyncio.run(story())


def test_replaying_the_head_tries_it_now_and_makes_its_old_item_idle(url: str, tmp_path: Path) -> None:
    async def story() -> None:
        async with Rig(url, tmp_path) as rig:
            account, key = await rig.account()
            rig.sender.answers = [FAILED]
            await rig.switchboard.place(account, key, request(scheduled_at=rig.clock.epoch() + 3600))
            await rig.engine.work()
            event = (await rig.switchboard.events(account))[0]
            await rig.switchboard.replay(account, event.event_id)
            await rig.engine.work()
            assert len(rig.sender.sent) == 2
            rig.clock.advance(60)
            await rig.engine.work()
            assert len(rig.sender.sent) == 2

    asyncio.run(story())


def test_a_call_without_webhook_url_sends_nothing(url: str, tmp_path: Path) -> None:
    async def story() -> None:
        async with Rig(url, tmp_path) as rig:
            account, key = await rig.account()
            call = await rig.switchboard.place(account, key, request(webhook_url=None))
            await rig.until(account, call.id, "completed")
            await rig.engine.work()
            assert rig.sender.sent == []
            assert len(await rig.event_types(account, call.id)) == 6

    asyncio.run(story())


def test_an_item_run_twice_sends_once(url: str, tmp_path: Path) -> None:
    async def story() -> None:
        async with Rig(url, tmp_path) as rig:
            account, key = await rig.account()
            await rig.switchboard.place(account, key, request(scheduled_at=rig.clock.epoch() + 3600))
            event = (await rig.switchboard.events(account))[0]
            await rig.engine.work()
            assert isinstance(rig.switchboard._courier, courier.Courier)
            await rig.switchboard._courier.deliver(event.event_id, 0)
            assert len(rig.sender.sent) == 1

    asyncio.run(story())
